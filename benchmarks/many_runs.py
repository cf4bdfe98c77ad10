"""Fill a project with made runs, to see how long `aicomp runs` takes.

    python benchmarks/many_runs.py PROJECT 10000

Each is the project's newest run that is done, as far as a list reads it, under another name and with other scores.
"""

import json
import random
import statistics
import sys
from datetime import datetime, timedelta
from pathlib import Path

from aicomp.run import Run, find_run


def make_run(source: Run, name: str, luck: random.Random) -> None:
    run = Run(source.folder.parent / name)
    scores = source.scores
    folds = [score + luck.gauss(0, scores["std"]) for score in scores["folds"]]
    mean = statistics.fmean(folds)
    made = {**scores, "folds": folds, "mean": mean, "std": statistics.pstdev(folds), "pooled": mean}
    files = {"run.json": source.info, "plan.json": source.read("plan.json"), "scores.json": made}
    for k in range(len(folds)):
        result = source.result(k)
        files[f"folds/{k}/result.json"] = {**result, "history": result["history"][:10]}
    for path, content in files.items():
        file = run.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content, indent=1))  # not through `Run.write`: a flush each would take an hour
    (run.folder / "DONE").touch()


def main(project: str, n_runs: str) -> None:
    source = find_run(Path(project) / "runs")
    start, luck = datetime(2020, 1, 1), random.Random(0)
    for i in range(int(n_runs)):
        make_run(source, (start + timedelta(minutes=7 * i)).strftime("%Y%m%d-%H%M%S"), luck)


if __name__ == "__main__":
    main(*sys.argv[1:])
