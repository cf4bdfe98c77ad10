"""What `aicomp train --plan` states beside what a training really holds, on an encoder of the size of BERT-base.

    python benchmarks/large.py --data FOLDER --encoder FOLDER [--rows 64] [--setting full --setting lora ...]

FOLDER of the data has train, test and sample submission with a column of text; a sample of its rows is trained on, in
two folds of one epoch, in one process. Prints a line of the table in docs/benchmarks.md for each setting. Seconds are
those of one thread's processor time in a step of 32 rows of 128 tokens, apart from the training.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from measured import MB, run_measured

SETTINGS = {
    "full": [],
    "checkpointing": ["model.params.checkpointing=true"],
    "micro-batch 8": ["training.micro_batch=8"],
    "float32": ["training.amp=false"],
    "lora": ["model.params.lora=8"],
    "lora, checkpointing": ["model.params.lora=8", "model.params.checkpointing=true"],
    "lora, bfloat16 base": ["model.params.lora=8", 'model.params.weights="bfloat16"'],
}


PATIENCE = 3600  # seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--metric", default="accuracy")
    parser.add_argument("--setting", action="append", choices=list(SETTINGS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(options, Path(folder))
        print("| setting | trained | stated | measured | stated / measured | s a step |\n|---|---|---|---|---|---|")
        for name in options.setting or SETTINGS:
            print(row(name, project, options.encoder), flush=True)


def make_project(options: argparse.Namespace, folder: Path) -> Path:
    """A project on a sample of the rows."""
    sample = folder / "sample"
    sample.mkdir()
    train, test, submission = (pd.read_csv(options.data / f"{n}.csv") for n in ("train", "test", "sample_submission"))
    train.sample(options.rows, random_state=0).to_csv(sample / "train.csv", index=False)
    test[:16].to_csv(sample / "test.csv", index=False)
    submission[:16].to_csv(sample / "sample_submission.csv", index=False)
    command = ["init", str(sample), "--metric", options.metric, "--template", "text", "--into", str(folder / "project")]
    subprocess.run([sys.executable, "-m", "aicomp", *command, "--json"], check=True, capture_output=True)
    return folder / "project"


def row(name: str, project: Path, encoder: Path) -> str:
    """A line of the table."""
    entries = [
        "workers=0", 'model.name="transformer"', f'model.params.encoder="{encoder}"', "training.epochs=1",
        "split.n_splits=2",
        *SETTINGS[name],
    ]  # fmt: skip
    command = [sys.executable, "-m", "aicomp", "train", "--json", *(p for e in entries for p in ("--set", e))]
    plan = json.loads(subprocess.run([*command, "--plan"], cwd=project, capture_output=True, text=True).stdout)
    measured = run_measured([*command, "--fresh"], project, PATIENCE)
    assert measured.answer is not None, measured.problem
    peak = measured.peak_mb * MB
    seconds = step_seconds(entries, project)
    share = plan["total"] / peak
    gigabytes = [f"{size / 1e9:.2f} GB" for size in (plan["total"], peak)]
    trained = f"{plan['trained'] / 1e6:.2f} M"
    return f"| {name} | {trained} | {gigabytes[0]} | {gigabytes[1]} | {share:.2f} | {seconds:.1f} |"


def step_seconds(entries: list[str], project: Path) -> float:
    """Processor time of a step of 32 rows of 128 tokens, the shorter of two, after one that does not count."""
    code = f"""
import json, time, torch
import numpy as np
from aicomp.config import load_config
from aicomp.models import ModelSpec, build_transformer
from aicomp.task import Task
from aicomp.metrics import METRICS
from aicomp.training.losses import BinaryCrossEntropy
from aicomp.training.recipe import resolve_settings
from aicomp.training.regularization import Batch
from aicomp.training.trainer import Trainer
from pathlib import Path
torch.set_num_threads(1)
config = load_config(Path("aicomp.toml"), {entries!r})
task = Task("binary", ("0", "1"), 1, METRICS["accuracy"])
device = torch.device("cpu")
settings = resolve_settings(config, task, n_rows=1000, device=device)
model = build_transformer(ModelSpec(0, (), 1, n_text=1), **config.model.params)
trainer = Trainer(model.train(), task, BinaryCrossEntropy(), settings, device)
batch = Batch(torch.zeros(32, 0), torch.zeros(32, 0, dtype=torch.int64), torch.ones(32, 1),
              tokens=torch.randint(5, 5000, (32, 128), dtype=torch.int32))
seconds = []
for _ in range(3):
    started = time.process_time()
    trainer.step(batch)
    seconds.append(time.process_time() - started)
print(min(seconds[1:]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=project)
    return float(done.stdout)


if __name__ == "__main__":
    main()
