"""What `aicomp train --plan` states beside what a training really holds, on an encoder of the size of BERT-base.

    python benchmarks/large.py --data FOLDER --encoder FOLDER [--rows 192] [--setting full --setting lora ...]

FOLDER of the data has train, test and sample submission with a column of text. Half of a sample of its rows is trained
on for two epochs, in one process, and the other half is validated: in the second, the weights of the first are kept
beside. The training is ended after this one fold, for another would hold the same. Prints a line of the table in
docs/benchmarks.md for each setting. Milliseconds are those of one thread's processor time for a row of 128 tokens in a
step of eight, apart from the training.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from measured import MB, Tree

SETTINGS = {
    "full": [],
    "checkpointing": ["model.params.checkpointing=true"],
    "micro-batch 8": ["training.micro_batch=8"],
    "float32": ["training.amp=false"],
    "lora": ["model.params.lora=8"],
    "lora, checkpointing": ["model.params.lora=8", "model.params.checkpointing=true"],
    "lora, bfloat16 base": ["model.params.lora=8", 'model.params.weights="bfloat16"'],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=192)
    parser.add_argument("--metric", default="accuracy")
    parser.add_argument("--setting", action="append", choices=list(SETTINGS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(options, Path(folder))
        print("| setting | trained | stated | measured | stated / measured | ms a row |\n|---|---|---|---|---|---|")
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
        "workers=0", 'model.name="transformer"', f'model.params.encoder="{encoder}"', "training.epochs=2",
        "split.n_splits=2", *SETTINGS[name],
    ]  # fmt: skip
    command = [sys.executable, "-m", "aicomp", "train", "--json", *(p for e in entries for p in ("--set", e))]
    plan = json.loads(subprocess.run([*command, "--plan"], cwd=project, capture_output=True, text=True).stdout)
    peak = peak_of_a_fold([*command, "--fresh"], project)
    share = plan["total"] / peak
    gigabytes = [f"{size / 1e9:.2f} GB" for size in (plan["total"], peak)]
    trained = f"{plan['trained'] / 1e6:.2f} M"
    milliseconds = 1000 * step_seconds(entries, project) / 8
    return f"| {name} | {trained} | {gigabytes[0]} | {gigabytes[1]} | {share:.2f} | {milliseconds:.0f} |"


def peak_of_a_fold(command: list[str], project: Path) -> float:
    """Most bytes that a training holds until its first fold is saved; it is ended then."""
    before = set(project.glob("runs/*"))
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=project, stdout=said, stderr=said)
        tree = Tree(process.pid)
        try:
            while not any((run / "folds/0/result.json").exists() for run in set(project.glob("runs/*")) - before):
                if process.poll() is not None:
                    said.seek(0)
                    raise RuntimeError(said.read().decode(errors="replace"))
                time.sleep(0.2)
        finally:
            tree.close()
            process.wait()
    return tree.peak_mb * MB


STEP = """
import sys, time, torch
from pathlib import Path
from aicomp.config import load_config
from aicomp.metrics import METRICS
from aicomp.models import ModelSpec, build_transformer
from aicomp.task import Task
from aicomp.training.losses import BinaryCrossEntropy
from aicomp.training.recipe import resolve_settings
from aicomp.training.regularization import Batch
from aicomp.training.trainer import Trainer

torch.set_num_threads(1)
device, task = torch.device("cpu"), Task("binary", ("0", "1"), 1, METRICS["accuracy"])
config = load_config(Path("aicomp.toml"), sys.argv[1:])
settings = resolve_settings(config, task, n_rows=1000, device=device)
model = build_transformer(ModelSpec(0, (), 1, n_text=1), **config.model.params)
trainer = Trainer(model.train(), task, BinaryCrossEntropy(), settings, device)
for n in (1, 8):  # the first, which makes the optimizer's state, does not count
    tokens = torch.randint(5, 5000, (n, 128), dtype=torch.int32)
    batch = Batch(torch.zeros(n, 0), torch.zeros(n, 0, dtype=torch.int64), torch.ones(n, 1), extra=tokens)
    started = time.process_time()
    trainer.step(batch)
print(time.process_time() - started)
"""


def step_seconds(entries: list[str], project: Path) -> float:
    """Processor time of a step of eight rows of 128 tokens."""
    command = [sys.executable, "-c", STEP, *entries]
    return float(subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
