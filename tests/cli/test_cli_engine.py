"""`--engine` and `--address`, `aicomp runs push` and `pull`: what is refused, and what is said."""

import json
from pathlib import Path
from typing import Any

import pytest
from synthetic import init_project, quick_arguments

from aicomp.cli.engines import engine_overrides
from aicomp.cli.main import main


def run(capsys: Any, *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("command", ["train", "tune"])
def test_an_engine_that_there_is_none_of_names_those_that_there_are(tmp_path: Path, capsys: Any, command: str) -> None:
    folder = str(init_project(tmp_path))
    code, out, err = run(capsys, command, "--engine", "spark", "--project", folder)
    assert (code, out) == (2, "")
    assert "`spark`" in err
    assert "hint:" in err
    assert not list(tmp_path.rglob("run.json"))


def test_a_cluster_trains_in_no_process_of_ours(tmp_path: Path, capsys: Any) -> None:
    folder = str(init_project(tmp_path))
    code, _, err = run(capsys, "train", "--engine", "ray", "--set", "workers=0", "--project", folder)
    assert code == 2
    assert "error: `workers` is 0" in err
    code, _, err = run(capsys, "train", "--engine", "local", "--address", "auto", "--project", folder)
    assert code == 2
    assert "--address" in err


def test_ray_client_is_refused_with_what_works(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("ray")
    folder = str(init_project(tmp_path))
    code, _, err = run(capsys, "train", "--engine", "ray", "--address", "ray://h:1", "--project", folder)
    assert code == 2
    assert "Ray Client" in err
    assert "ray job submit" in err


def test_the_options_are_entries_of_the_config() -> None:
    assert engine_overrides("", None) == []
    assert engine_overrides("local", None) == ['engine.name="local"']
    assert engine_overrides("ray", "h:1") == ['engine.name="ray"', 'engine.address="h:1"']


def test_a_run_goes_to_a_store_and_comes_back(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("fsspec")
    folder = init_project(tmp_path)
    assert main(["train", "--json", "--project", str(folder), *quick_arguments()]) == 0
    (made,) = [p.name for p in (folder / "runs").iterdir() if (p / "run.json").is_file()]
    url = f"file://{tmp_path}/store"
    code, out, err = run(capsys, "runs", "push", made, url, "--project", str(folder), "--json")
    assert (code, json.loads(out)) == (0, {"run": made, "url": url, "done": True}), err
    code, _, err = run(capsys, "runs", "pull", made, url, "--project", str(folder))
    assert code == 2
    assert "is here already" in err
    code, _, err = run(capsys, "runs", "pull", made, "--project", str(folder))
    assert code == 2
    assert "no store is named" in err
