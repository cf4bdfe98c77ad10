"""The systems that `tabular.py` compares: how each is run, on what, and by what hash its code is known."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from board import LIMITED

METRICS = {
    "titanic": "accuracy",
    "house-prices": "rmsle",
    "telco-churn": "roc_auc",
    "california-housing": "rmse",
    "wine-quality": "accuracy",
    "bike-sharing": "rmsle",
    "diamonds": "rmse",
    "adult": "roc_auc",
}
COMPETITOR_FILES = ("train.csv", "test.csv", "sample_submission.csv")
HERE = Path(__file__).resolve().parent
# A peer: its virtual environment in .peers/ and its script in benchmarks/peers/.
PEERS = {
    "lightgbm": ("boosters", "lightgbm_peer.py"),
    "catboost": ("boosters", "catboost_peer.py"),
    "realmlp": ("pytabkit", "pytabkit_peer.py"),
    "tabm": ("pytabkit", "pytabkit_peer.py"),
    "autogluon": ("autogluon", "autogluon_peer.py"),
}
LIMITED_SYSTEMS = (LIMITED, "autogluon")


def start_project(slug: str, source: Path, scratch: Path) -> Path:
    """Copy what a competitor gets and run `aicomp init` on it."""
    folder = scratch / "downloaded" / slug
    folder.mkdir(parents=True)
    for name in COMPETITOR_FILES:
        shutil.copy(source / name, folder)
    aicomp("init", str(folder), "--metric", METRICS[slug], "--into", str(scratch / slug))
    return scratch / slug


def command_of(system: str, project: Path, limit: float | None) -> list[str]:
    """The command that trains; it prints one JSON object, with the `file` of predictions if it is a peer."""
    if system in PEERS:
        job = project / "job.json"
        job.write_text(json.dumps(job_of(system, project, limit)), encoding="utf-8")
        return [str(python_of(system)), str(HERE / "peers" / PEERS[system][1]), str(job)]
    with_limit = ["--time-limit", f"{limit:g}"] if limit is not None else []
    return [sys.executable, "-m", "aicomp", "train", *with_limit, "--json"]


def job_of(system: str, project: Path, limit: float | None) -> dict[str, Any]:
    """What a peer is told: `peers/common.py` says what each entry means."""
    from aicomp.competition import load_competition

    contract = load_competition(project / "competition.toml")
    return {
        "system": system,
        "train": str(project / "data" / "raw" / contract.files.train),
        "test": str(project / "data" / "raw" / contract.files.test),
        "out": str(project / f"{system}.csv"),
        "id": contract.id[0],
        "target": contract.target[0],
        "problem_type": contract.problem_type,
        "labels": list(contract.labels),
        "metric": contract.metric,
        "wants": contract.submission.wants,
        "time_limit": limit,
        "processors": processors(),
    }


def python_of(system: str) -> Path:
    return HERE.parent / ".peers" / PEERS[system][0] / "bin" / "python"


def aicomp(*arguments: str, cwd: Path | None = None) -> dict[str, Any]:
    """Run an aicomp command and return its JSON object.

    Raises:
        RuntimeError: It fails.
    """
    command = [sys.executable, "-m", "aicomp", *arguments, "--json"]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"aicomp {arguments[0]}: {done.stdout.strip()} {done.stderr.strip()}"[:300])
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def code_hash(system: str) -> str:
    """Hash of what is run: aicomp's own source, or the peer's script with its versions."""
    if system in PEERS:
        environment, script = PEERS[system]
        folder = HERE / "peers"
        return hash_of([folder / script, folder / "common.py", folder / "requirements" / f"{environment}.txt"])
    source = HERE.parent / "src" / "aicomp"
    return hash_of(sorted(source.rglob("*.py")))


def data_hash(folder: Path) -> str:
    return hash_of([folder / name for name in (*COMPETITOR_FILES, "solution.csv")])


def hash_of(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def commit() -> str:
    """Commit of the checkout, with a + if files differ from it."""
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def processors() -> int:
    return len(os.sched_getaffinity(0))
