"""The scaffolded workflow: the commands that it holds, run as they stand in a fresh clone, against a running host.

One step is left out, `pip install aicomp`: it needs a package index, and aicomp is what is being tested.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hosting import running_host
from one_competition import one_competition
from synthetic import write_folder

from aicomp.cli.main import main
from aicomp.resources import bundled

WORKFLOW = ".github/workflows/aicomp.yml"
INSTALL = "pip install aicomp"
QUICK = {
    'workers = "auto"': "workers = 0",
    "n_splits = 5": "n_splits = 3",
    'name = "tabm"': 'name = "linear"',
    'learning_rate = "auto"': "learning_rate = 0.05",
    'batch_size = "auto"': "batch_size = 32",
    'epochs = "auto"': "epochs = 4",
}
pytest_plugins = ["kaggle_fixtures"]


def read_workflow(project):
    return yaml.safe_load((project / WORKFLOW).read_text(encoding="utf-8"))


def filled(text, secrets):
    """A text of the workflow with its secrets and variables filled in, as GitHub does: what is not set is empty."""
    return re.sub(r"\$\{\{ (?:secrets|vars)\.(\w+) \}\}", lambda found: secrets.get(found[1], ""), text)


def is_run(step, *, event, submit):
    """Whether a step is run, by the one condition that the workflow has."""
    condition = step.get("if")
    assert condition in (None, "always()", "github.event_name == 'workflow_dispatch' && inputs.submit")
    return condition in (None, "always()") or (event == "workflow_dispatch" and submit)


def run_job(project, home, secrets, *, event="push", submit=False):
    """Run the job's commands in a project as GitHub's runner does; returns those that were run."""
    job = read_workflow(project)["jobs"]["train"]
    programs = Path(sys.executable).parent
    environment = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "no_proxy": "127.0.0.1",
        **{name: filled(value, secrets) for name, value in job["env"].items()},
    }
    commands = [s["run"] for s in job["steps"] if "run" in s and is_run(s, event=event, submit=submit)]
    assert commands.pop(0) == INSTALL
    for command in commands:
        done = subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=project, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        said = done.stdout + done.stderr
        assert "Traceback" not in said
        assert not [name for name, value in secrets.items() if "TOKEN" in name and value in said]
    return commands


def write_hosted(folder, seed):
    """A binary competition whose hidden part is known: rows of train that become test."""
    write_folder(folder, n_train=400, n_test=1, seed=seed)
    rows = pd.read_csv(folder / "train.csv", dtype=str)
    train, hidden = rows.iloc[:280], rows.iloc[280:]
    train.to_csv(folder / "train.csv", index=False)
    hidden.drop(columns="bought").to_csv(folder / "test.csv", index=False)
    hidden[["id"]].assign(bought=0.5).to_csv(folder / "sample_submission.csv", index=False)
    hidden[["id", "bought"]].to_csv(folder / "solution.csv", index=False)
    (folder / "host.toml").write_text('metric = "roc_auc"\ntitle = "Never seen"\n')


def clone(project, into):
    """What git would bring of a project: its files without data, but with the data's manifest."""
    ignored = {"raw", "runs", "submissions"}
    for path in project.rglob("*"):
        relative = path.relative_to(project)
        if path.is_file() and not ignored.intersection(relative.parts):
            (into / relative).parent.mkdir(parents=True, exist_ok=True)
            (into / relative).write_bytes(path.read_bytes())
    return into


def hurry(project):
    """Settings with which the project trains in a moment."""
    path = project / "aicomp.toml"
    text = path.read_text()
    for auto, quick in QUICK.items():
        assert text.count(auto) == 1
        text = text.replace(auto, quick)
    path.write_text(text)


@pytest.fixture
def here(no_credentials, tmp_path, monkeypatch):
    monkeypatch.setenv("AICOMP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_competition_never_seen_goes_from_its_name_to_a_score(here, monkeypatch):
    """`init SLUG` here, then the workflow in a clone: first as for a push, then by hand with the wish to submit."""
    write_hosted(here / "competitions" / "never-seen", seed=3)
    with running_host(here / "competitions", "ci") as host:
        monkeypatch.setenv("AICOMP_TOKEN", host.tokens["ci"])
        assert main(["init", "never-seen", "--host", host.url]) == 0
        hurry(here / "never-seen")
        project = clone(here / "never-seen", here / "clone")
        assert not (project / "data" / "raw").exists()
        secrets = {"AICOMP_HOST": host.url, "AICOMP_TOKEN": host.tokens["ci"]}
        commands = run_job(project, here / "runner", secrets)
        assert commands[-1] == "aicomp submit --dry-run --json > submission.json"
        assert json.loads((project / "submission.json").read_text())["status"] == "valid"
        client = host.client("ci")
        assert "submissions" not in client.call("ListSubmissions", competitionName="never-seen")

        again = clone(here / "never-seen", here / "another")
        run_job(again, here / "runner", secrets, event="workflow_dispatch", submit=True)
        sent = json.loads((again / "sent.json").read_text())
        (listed,) = client.call("ListSubmissions", competitionName="never-seen")["submissions"]
    assert (sent["status"], sent["host"], sent["ref"]) == ("complete", host.url, listed["ref"])
    assert sent["score"] == pytest.approx(float(listed["publicScore"]), abs=1e-4)
    assert sent["score"] > 0.7  # the target follows from the columns
    for folder in (project, again):
        assert json.loads((folder / "run.json").read_text())["metric"] == "roc_auc"


@pytest.mark.slow
def test_an_embedded_competition_needs_no_secret(here):
    assert main(["init", "iris"]) == 0
    hurry(here / "iris")
    run_job(clone(here / "iris", here / "clone"), here / "runner", {}, event="pull_request")
    assert json.loads((here / "clone" / "submission.json").read_text())["status"] == "valid"


def test_without_a_token_the_data_step_says_what_is_missing(here, monkeypatch):
    with one_competition("shop", write_folder(here / "shop-files")) as server:
        monkeypatch.setenv("AICOMP_TOKEN", "good")
        assert main(["init", "shop", "--host", server.url]) == 0
        project = clone(here / "shop", here / "clone")
        with pytest.raises(AssertionError, match="and `AICOMP_TOKEN` is not set"):
            run_job(project, here / "runner", {})


def test_only_the_wish_of_a_person_sends_anything():
    workflow = yaml.safe_load((bundled("templates") / "tabular" / "workflow.yml").read_text(encoding="utf-8"))
    events = workflow[True]  # YAML takes the key `on` for true
    assert set(events) == {"push", "pull_request", "workflow_dispatch"}
    assert events["workflow_dispatch"]["inputs"]["submit"]["default"] is False
    assert workflow["permissions"] == {"contents": "read"}
    steps = workflow["jobs"]["train"]["steps"]
    sending = [s for s in steps if "submit" in s.get("run", "") and "--dry-run" not in s["run"]]
    assert [s["run"] for s in sending] == ["aicomp submit --yes --wait --json > sent.json"]
    for event, submit in (("push", True), ("pull_request", True), ("workflow_dispatch", False)):
        assert not is_run(sending[0], event=event, submit=submit)
    for step in steps:
        assert "${{" not in step.get("run", "")  # what a repository's settings hold is never pasted into a shell
