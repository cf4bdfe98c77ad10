"""A simulation on Kaggle: recognised where its metadata says so, and its agent sent once, as a file."""

import json
from pathlib import Path

import pytest
from kaggle_server import KaggleServer
from simulation_cases import QUICK, corridor_project

from aicomp.cli.main import main
from aicomp.run import find_run
from aicomp.simulation.project import Simulation
from aicomp.simulation.training import train

pytest_plugins = ["kaggle_fixtures"]


@pytest.mark.parametrize("facts", [{"tags": [{"name": "simulations"}]}, {"evaluationMetric": "Custom Simulation"}])
def test_init_says_what_a_simulation_takes(
    tmp_path: Path, server: KaggleServer, capsys: pytest.CaptureFixture[str], facts: dict[str, object]
) -> None:
    server.competition = facts
    assert main(["init", "shop", "--into", str(tmp_path / "shop")]) == 2
    error = capsys.readouterr().err
    assert "`shop` is a simulation, as Kaggle says: it takes agents, and has no tables" in error
    assert "`aicomp init shop --template simulation --environment NAME` makes a project" in error
    assert not (tmp_path / "shop").exists()


def test_an_agent_is_sent_once_and_listed(
    tmp_path: Path, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = corridor_project(tmp_path / "shop")
    contract = (folder / "competition.toml").read_text()
    contract = contract.replace('slug = "corridor"', 'slug = "shop"').replace('host = "local"', 'host = "kaggle"')
    (folder / "competition.toml").write_text(contract)
    own = train(Simulation.open(folder, [*QUICK, "training.seeds=1"]))
    assert main(["submit", "--project", str(folder)]) == 2  # nobody can be asked
    assert "there is no terminal to ask on" in capsys.readouterr().err
    for status in ("sent", "already sent"):
        assert main(["submit", "--yes", "--json", "--project", str(folder)]) == 0
        assert json.loads(capsys.readouterr().out)["status"] == status
    assert len(server.submissions) == 1
    assert server.submissions[0]["description"].startswith(f"{own.id}, mean_return ")
    assert list(server.uploads.values()) == [(folder / "submissions" / f"{own.id}.py").read_bytes()]
    assert find_run(folder / "runs").read("submission.json")["status"] == "complete"
    assert main(["submissions", "--json", "--project", str(folder)]) == 0
    [listed] = json.loads(capsys.readouterr().out)["submissions"]
    assert listed["run"] == own.id
