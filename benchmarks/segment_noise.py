"""How often the diagnosis believes a segment where there is nothing but noise, and what it costs.

    python benchmarks/segment_noise.py --times 60

Each time, rows have ten numbers and ten categories that say nothing; labels are drawn by the very probabilities that
are predicted, values have errors that do not depend on any column.
"""

import argparse
import time

import numpy as np
import pandas as pd

from aicomp.competition import Competition, SubmissionSchema
from aicomp.data.columns import Column
from aicomp.diagnosis.losses import row_losses
from aicomp.diagnosis.rows import Validated
from aicomp.diagnosis.segments import find_segments
from aicomp.metrics import get_metric
from aicomp.task import Task

METRICS = {"accuracy": "binary", "roc_auc": "binary", "log_loss": "binary", "f1": "binary", "rmse": "regression",
           "mae": "regression"}  # fmt: skip


def noise(metric: str, n: int, seed: int) -> Validated:
    """Rows of which no column says where the predictions are wrong."""
    random, problem = np.random.default_rng(seed), METRICS[metric]
    if problem == "binary":
        y_pred = random.beta(0.6, 1.2, n)
        y = (random.uniform(size=n) < y_pred).astype(np.int64)
    else:
        y = random.lognormal(size=n)
        y_pred = y + random.standard_t(4, size=n)
    columns = {f"number {i}": random.normal(size=n) for i in range(10)}
    shares = [0.4, 0.25, 0.15, 0.1, 0.06, 0.04]
    columns |= {f"category {i}": random.choice(list("abcdef"), n, p=shares) for i in range(10)}
    labels = ("no", "yes") if problem == "binary" else ()
    competition = Competition(
        slug="noise", title="Noise", problem_type=problem, metric=metric, id=("id",), target=("y",), labels=labels,
        submission=SubmissionSchema(columns=("id", "y"), wants="value"),
    )  # fmt: skip
    task = Task(problem, labels, 1, get_metric(metric))
    return Validated(
        competition=competition,
        task=task,
        rows=np.arange(n),
        fold=np.arange(n) % 5,
        y=y,
        y_pred=y_pred,
        final=task.final(y_pred),
        losses=row_losses(y, y_pred, task, competition),
        table=pd.DataFrame(columns),
        columns=tuple(Column(c, "number" if c.startswith("number") else "category", "made") for c in columns),
        ids=np.arange(n).astype(str).astype(object),
    )


def main() -> None:
    """Print a line per metric and number of rows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=60)
    parser.add_argument("--rows", type=int, nargs="+", default=[400, 2000])
    arguments = parser.parse_args()
    for metric in METRICS:
        for n in arguments.rows:
            began = time.process_time()
            found = [find_segments(noise(metric, n, seed)) for seed in range(arguments.times)]
            seconds = (time.process_time() - began) / arguments.times
            n_believed = sum(bool(f.believed) for f in found)
            print(
                f"{metric} {n} rows: {n_believed} of {arguments.times} with a segment that is believed, of "
                f"{len(found[0].ranked)}; {seconds:.2f} s each",
                flush=True,
            )


if __name__ == "__main__":
    main()
