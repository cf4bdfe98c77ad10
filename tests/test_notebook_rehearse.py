"""The notebook runs here as it will there: a fresh environment, no network, the time limit."""

import socket

import pytest
from synthetic import open_quick

from aicomp.cross_validation import cross_validate
from aicomp.errors import AicompError
from aicomp.isolation import network_isolation
from aicomp.kaggle.notebook.pack import make_pack
from aicomp.kaggle.notebook.rehearse import rehearse

pytest_plugins = ["kaggle_fixtures", "notebook_cases"]
pytestmark = pytest.mark.slow

_NETWORK = """
import os
import socket
import aicomp

def add_features(table):
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=5).close()
    except OSError as e:
        print("no network:", type(e).__name__)
    else:
        print("there is a network")
    print("aicomp of", aicomp.__file__)
    return table
"""

_SLOW = """
import os, time

def add_features(table):
    if "AICOMP_INPUT" in os.environ:
        time.sleep(600)
    return table
"""

_ANOTHER = """
import os

def add_features(table):
    return table.assign(size=table["size"] * (-1 if "AICOMP_INPUT" in os.environ else 1))
"""


def with_features(project, code):
    """The project with other features, and a run with them."""
    (project.folder / "features.py").write_text(code, encoding="utf-8")
    again = open_quick(project.folder)
    return again, cross_validate(again)


@pytest.mark.parametrize("isolation", ["namespace", "socket block"])
def test_it_predicts_what_the_run_predicted(trained, isolation, monkeypatch):
    if isolation == "namespace" and network_isolation() != isolation:
        pytest.skip("this system allows no namespaces")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_" + "0" * 32)
    project, run = trained
    done = rehearse(project, make_pack(project, run), 0.2, isolation=isolation)
    assert (done.isolation, done.rows, done.limit_seconds) == (isolation, 30, 720)
    assert done.difference <= 1e-6
    assert done.submission.read_text().startswith("id,bought\n")
    assert "wrote 30 rows to submission.csv" in done.log.read_text()


@pytest.mark.parametrize("isolation", ["namespace", "socket block"])
def test_it_has_no_network_and_brings_its_own_aicomp(trained, isolation, capsys):
    if isolation == "namespace" and network_isolation() != isolation:
        pytest.skip("this system allows no namespaces")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        code = _NETWORK.replace("PORT", str(listening.getsockname()[1]))
        project, run = with_features(trained[0], code)
        assert "there is a network" in capsys.readouterr().out  # while it trained
        log = rehearse(project, make_pack(project, run), 0.2, isolation=isolation).log.read_text()
    assert "no network:" in log
    assert "there is a network" not in log
    assert "/packages/aicomp/__init__.py" in log


def test_a_package_that_the_image_lacks_is_named(trained):
    project, run = with_features(trained[0], "import hypothesis\n\ndef add_features(table):\n    return table\n")
    with pytest.raises(AicompError) as e:
        rehearse(project, make_pack(project, run), 0.2)
    assert "No module named 'hypothesis'" in e.value.message
    assert "under [notebook]" in e.value.hint


def test_one_that_takes_too_long_is_stopped(trained):
    project, run = with_features(trained[0], _SLOW)
    with pytest.raises(AicompError) as e:
        rehearse(project, make_pack(project, run), 8 / 3600)
    assert "took longer than 0.00222222 hours" in e.value.message


def test_other_predictions_than_the_runs_are_refused(trained):
    project, run = with_features(trained[0], _ANOTHER)
    with pytest.raises(AicompError) as e:
        rehearse(project, make_pack(project, run), 0.2)
    assert f"predicts something else than run `{run.id}`" in e.value.message
