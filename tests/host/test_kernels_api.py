"""The calls about kernels, and notebooks as scripts; whether kernels run is `test_kernels_run.py`'s."""

import json
import sqlite3

import pytest
from hosting import Client, local_host, write_competition
from kernel_cases import KERNELS, finished, notebook, push

from aicomp.host.api.kernels import MOST_TEXT_BYTES
from aicomp.host.kernels.notebook import NotebookError, notebook_code
from aicomp.host.kernels.store import MOST_WAITING


@pytest.fixture(scope="module")
def hosted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hosted")
    write_competition(folder / "toy")
    with local_host(folder) as host:
        yield host


@pytest.fixture(scope="module")
def ada(hosted):
    return hosted.team("Ada")


@pytest.fixture(scope="module")
def bob(hosted):
    return hosted.team("Bob")


def saved(team, code="print(1)", **more):
    """Push without running."""
    return push(team, code, kernelExecutionType="QUICK_SAVE", **more)


def test_a_saved_kernel_can_be_pulled(ada):
    saved(ada, "print('v1')", slug="ada/pulled", competitionDataSources=["toy"])
    assert saved(ada, "print('v2')", slug="ada/pulled")["versionNumber"] == 2
    got = ada.call("GetKernel", service=KERNELS, userName="ada", kernelSlug="pulled")
    assert got["blob"] == {"source": "print('v2')", "language": "python", "kernelType": "script", "slug": "pulled"}
    assert got["metadata"]["currentVersionNumber"] == 2
    old = ada.call("GetKernel", service=KERNELS, userName="ada", kernelSlug="pulled", versionLabel="v1")
    assert old["blob"]["source"] == "print('v1')"
    assert old["metadata"]["competitionDataSources"] == ["toy"]
    status = ada.call("GetKernelSessionStatus", service=KERNELS, userName="ada", kernelSlug="pulled")
    assert status == {"status": "NEW_SCRIPT"}


def test_a_slug_is_made_of_the_title(ada):
    assert saved(ada, slug="", newTitle="Über Kernel No. 7")["ref"] == "/ada/ber-kernel-no-7"


def test_lists_hold_the_own_kernels_alone(ada, bob):
    saved(ada, slug="ada/mine")
    refs = [k["ref"] for k in ada.call("ListKernels", service=KERNELS, pageSize=100)["kernels"]]
    assert "ada/mine" in refs
    found = ada.call("ListKernels", service=KERNELS, search="MINE")["kernels"]
    assert [k["ref"] for k in found] == ["ada/mine"]
    assert bob.call("ListKernels", service=KERNELS) == {}
    assert bob.call("ListKernels", service=KERNELS, user="ada") == {}


@pytest.mark.parametrize(
    "method", ["GetKernel", "GetKernelSessionStatus", "ListKernelSessionOutput", "ListKernelFiles"]
)
def test_kernels_of_others_are_not_found(ada, bob, method):
    saved(ada, slug="ada/hers")
    answer = bob.post(method, service=KERNELS, userName="ada", kernelSlug="hers")
    assert (answer.status_code, answer.json()["message"]) == (404, "Notebook not found: ada/hers")
    assert ada.post(method, service=KERNELS, userName="ada", kernelSlug="hers", versionLabel="v9").status_code == 404
    assert ada.post(method, service=KERNELS, userName="ada", kernelSlug="hers", versionLabel="x").status_code == 404


def test_pushing_as_somebody_else_is_refused(ada, hosted):
    body = {"slug": "bob/x", "text": "1", "language": "python", "kernelType": "script"}
    assert ada.post("SaveKernel", service=KERNELS, **body).status_code == 403
    assert Client(hosted.http, "").post("SaveKernel", service=KERNELS, **body).status_code == 401


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"language": "r"}, "scripts and notebooks in Python alone"),
        ({"kernelType": "model"}, "scripts and notebooks in Python alone"),
        ({"text": " "}, "The notebook is empty"),
        ({"text": "é" * (MOST_TEXT_BYTES // 2 + 1)}, "The notebook has more than 1,048,576 bytes"),
    ],
)
def test_what_cannot_run_is_told_as_the_official_client_shows_it(ada, body, error):
    whole = {"slug": "ada/wrong", "text": "1", "language": "python", "kernelType": "script", **body}
    assert error in ada.call("SaveKernel", service=KERNELS, **whole)["error"]


def test_sources_need_accepted_rules(hosted):
    cyd = hosted.team("Cyd", accept_rules=False)
    pushed = saved(cyd, slug="cyd/early", competitionDataSources=["toy"])
    assert pushed["invalidCompetitionSources"] == ["toy"]


def test_a_team_cannot_fill_the_queue(hosted, monkeypatch):
    dee = hosted.team("Dee")
    monkeypatch.setattr(hosted.host.kernels, "wake", lambda: None)
    store = hosted.host.kernels.store
    monkeypatch.setattr(store, "take", lambda: None)
    for n in range(MOST_WAITING):
        push(dee, "1", slug=f"dee/k{n}")
    body = {"slug": "dee/more", "text": "1", "language": "python", "kernelType": "script"}
    answer = dee.post("SaveKernel", service=KERNELS, **body)
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "5 of your notebooks wait or run, which is the most allowed.",
    )
    monkeypatch.undo()
    hosted.host.kernels.wake()
    for n in range(MOST_WAITING):
        finished(dee, f"dee/k{n}")


def test_a_machine_that_cannot_isolate_runs_nothing(hosted, ada, monkeypatch):
    monkeypatch.setattr("aicomp.host.kernels.runner.isolation_fault", lambda: "unshare: not permitted")
    push(ada, "open('made', 'w')", slug="ada/unsafe")
    status, log, files = finished(ada, "ada/unsafe")
    assert status == {
        "status": "ERROR",
        "failureMessage": "This machine cannot isolate kernels, so it runs none: unshare: not permitted",
    }
    assert (log, files) == ("", {})


def test_a_fault_of_the_host_ends_one_kernel_alone(hosted, ada, monkeypatch):
    monkeypatch.setattr(hosted.host.kernels, "run", lambda kernel: 1 / 0)
    push(ada, "1", slug="ada/unlucky")
    status, _, _ = finished(ada, "ada/unlucky")
    assert status["failureMessage"] == "This host failed to run the notebook; its log says why."
    monkeypatch.undo()
    push(ada, notebook("1"), slug="ada/next", kind="notebook")
    assert "failed to run" not in finished(ada, "ada/next")[0].get("failureMessage", "")


def test_a_disk_that_is_full_for_a_while_does_not_end_the_queue(hosted, ada, monkeypatch):
    kernels = hosted.host.kernels
    take = kernels.store.take
    faults = [sqlite3.OperationalError("database or disk is full")]
    monkeypatch.setattr("aicomp.host.kernels.runner._PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(kernels.store, "take", lambda: (_ for _ in ()).throw(faults.pop()) if faults else take())
    push(ada, "1", slug="ada/patient")
    finished(ada, "ada/patient")
    assert faults == []


def test_code_of_a_notebook():
    text = notebook("%%time\na = 1", ["b = 2\n", "b\n"], "!ls -l\nif a:\n    %pwd\n", "s = '''\n!not a command\n'''")
    assert notebook_code(text) == (
        "# cell 2\na = 1\n\n"
        "# cell 3\nb = 2\nb\n\n\n"
        "# cell 4\n__import__('subprocess').run('ls -l', shell=True)\nif a:\n    pass  # %pwd\n\n\n"
        "# cell 5\ns = '''\n!not a command\n'''\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("print(1)", "no Jupyter notebook"),
        ("[]", "no Jupyter notebook"),
        (json.dumps({"cells": [{"cell_type": "code"}]}), "no Jupyter notebook"),
        (notebook("1", "%%bash\nls"), "cell 3 begins with `%%bash`"),
    ],
)
def test_notebooks_that_cannot_run(text, message):
    with pytest.raises(NotebookError, match=message):
        notebook_code(text)
