"""`aicomp submit --notebook`: pushed once and submitted once, whatever the network does."""

import json
import shlex

import pytest
from kernel_server import CUT, LOSE, TOKEN

from aicomp.cli.main import main
from aicomp.errors import NetworkError
from aicomp.kaggle.connection import connect
from aicomp.kaggle.endpoint import find_endpoint
from aicomp.kaggle.notebook.archive import write_zip
from aicomp.kaggle.notebook.push import plain_log
from aicomp.kaggle.notebook.rehearse import Rehearsal
from aicomp.kaggle.notebook.upload import upload_blob
from aicomp.kaggle.notebook.wheels import Wheel
from aicomp.submission import build_submission, read_sample

pytest_plugins = ["kaggle_fixtures", "notebook_cases"]


@pytest.fixture
def ready(trained, host, monkeypatch):
    """A project whose rehearsal goes well without being run, and a host whose notebook writes the run's predictions."""
    project, run = trained
    path = build_submission(project, run, read_sample(project))
    host.output = {"other.txt": b"x", "submission.csv": path.read_bytes()}
    host.log = json.dumps([{"stream_name": "stdout", "time": 1, "data": "wrote 30 rows\n"}])
    rehearsals = []

    def rehearse(project, pack, hours):
        rehearsals.append(pack.sha256)
        return Rehearsal(path, 30, "namespace", 4.0, hours * 3600, 0.0, path)

    def make_wheels(folder, packages, python):
        names = ("aicomp-0.1.0-py3-none-any.whl", "msgspec-0.22.0-cp311-cp311-manylinux2014_x86_64.whl")
        for name in names:
            write_zip(folder / name, {"content": name.encode()})
        return [Wheel(folder / name) for name in names]

    monkeypatch.setattr("aicomp.kaggle.notebook.rehearse.rehearse", rehearse)
    # The real ones change when aicomp's source does; test_notebook_pack.py looks at them.
    monkeypatch.setattr("aicomp.kaggle.notebook.pack.make_wheels", make_wheels)
    monkeypatch.chdir(project.folder)
    return host, run, rehearsals


def submit(*arguments):
    return main(["submit", "--notebook", "--json", "--yes", *arguments])


def test_the_whole_way(ready, capsys):
    host, run, _ = ready
    assert submit("--wait") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["status"], said["score"], said["ref"], said["rows"]) == ("complete", 0.75, 900, 30)
    [(dataset, [tokens])] = host.datasets.items()
    assert dataset.startswith("ada/aicomp-binary-")
    assert len(tokens) == len(said["notebook"]["dataset"]["files"]) == 4
    [(kernel, [request])] = host.kernels.items()
    assert request["isPrivate"] is True
    assert not request.get("enableInternet")
    assert request["competitionDataSources"] == ["binary"]
    assert request["datasetDataSources"] == [dataset]
    assert request["text"] == said["notebook"]["text"]
    created = next(body for method, body in host.calls if method == "CreateCodeSubmission")
    assert (created["kernelOwner"], created["kernelSlug"], created["kernelVersion"]) == (*kernel.split("/"), 1)
    assert created["competitionName"] == "binary"
    assert created["fileName"] == "submission.csv"
    assert created["submissionDescription"].startswith(run.id)
    assert (run.folder / "notebook" / "kernel.log").read_text() == "wrote 30 rows\n"
    assert run.read("submission.json")["status"] == "complete"
    assert host.authorized == []


def test_a_dry_run_shows_all_and_sends_nothing(ready, capsys):
    host, run, _ = ready
    assert main(["submit", "--notebook", "--dry-run"]) == 0
    text = capsys.readouterr().out
    for part in (
        f"runs/{run.id}/folds/2/weights.safetensors",
        "msgspec-",
        "is compiled for cp",
        "enable_internet = False",
        "from aicomp.prediction import predict_submission",
        "network shut off by namespace",
        "valid; nothing was sent",
    ):
        assert part in text
    assert TOKEN not in text
    assert text.endswith(f"\nnext: aicomp submit --notebook {run.id}\n")
    options = ["--message", "my words", "--host", host.url, "--time-limit", "2.0"]
    assert main(["submit", "--notebook", "--dry-run", *options]) == 0
    assert capsys.readouterr().out.endswith(
        f"\nnext: {shlex.join(['aicomp', 'submit', '--notebook', run.id, *options])}\n"
    )
    assert host.calls == []


def test_the_second_time_nothing_is_pushed_nor_sent(ready, capsys):
    host, _, rehearsals = ready
    assert submit() == 0
    before = len(host.calls)
    assert submit() == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["status"] == "already sent"
    later = host.methods[before:]
    assert not {"StartBlobUpload", "CreateDataset", "SaveKernel", "CreateCodeSubmission"} & set(later)
    assert len(rehearsals) == 1
    assert len(host.submissions) == 1


@pytest.mark.parametrize("method", ["CreateDataset", "SaveKernel", "CreateCodeSubmission"])
@pytest.mark.parametrize("fault", [CUT, LOSE, (503, "busy")], ids=["cut", "lost", "busy"])
def test_an_answer_that_is_lost_makes_nothing_twice(ready, method, fault):
    """However a step fails, the command repeated as often as it fails ends with one of each."""
    host, _, _ = ready
    host.faults[method] = [fault]
    for _ in range(3):
        code = submit()
        if code == 0:
            break
        assert code in (1, 5, 6)
    assert code == 0
    assert [len(versions) for versions in host.datasets.values()] == [1]
    assert [len(versions) for versions in host.kernels.values()] == [1]
    assert len(host.submissions) == 1


def test_a_command_that_broke_off_goes_on_where_it_was(ready):
    host, _, _ = ready
    host.faults["SaveKernel"] = [(400, "not now")]
    assert submit() == 5
    uploads = host.methods.count("PUT")
    assert submit() == 0
    assert host.methods.count("PUT") == uploads == 4
    assert len(host.kernels) == len(host.datasets) == 1


def test_a_notebook_that_fails_shows_its_log_and_is_pushed_anew(ready, capsys):
    host, run, _ = ready
    host.kernel_status = ["RUNNING", "ERROR"]
    host.log = "line 1\nModuleNotFoundError: No module named 'msgspec'\n"
    assert submit() == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert "ended as ERROR" in error["message"]
    assert "No module named 'msgspec'" in error["message"]
    assert (run.folder / "notebook" / "kernel.log").read_text() == host.log
    assert host.submissions == []
    host.kernel_status = ["ERROR", "COMPLETE"]
    assert submit() == 0
    assert sorted(slug.split("-predict")[1] for slug in host.kernels) == ["", "-2"]
    assert len(host.datasets) == 1


def test_a_dataset_that_could_not_be_unpacked_gets_a_new_version(ready):
    host, _, _ = ready
    host.dataset_status = ["BLOBS_RECEIVED", "FAILED"]
    assert submit() == 5
    host.dataset_status = ["FAILED", "REPROCESSING", "READY"]
    assert submit() == 0
    assert [len(versions) for versions in host.datasets.values()] == [2]


def test_a_notebook_without_a_valid_submission_is_not_submitted(ready):
    host, _, _ = ready
    host.output = {"other.txt": b"x"}
    assert submit() == 1
    host.output = {"submission.csv": b"id,bought\n1,2\n"}
    assert submit() == 3
    assert host.submissions == []


def test_sources_that_the_host_refuses_are_named(ready, monkeypatch, capsys):
    host, _, _ = ready
    answer = {"ref": "", "versionNumber": 1, "invalidCompetitionSources": ["binary"]}
    monkeypatch.setattr(host, "_SaveKernel", lambda body: (200, answer), raising=False)
    assert submit() == 5
    error = json.loads(capsys.readouterr().out)["error"]
    assert "may not use binary" in error["message"]
    assert "/competitions/binary/rules" in error["hint"]


@pytest.mark.parametrize(
    "arguments",
    [["--notebook", "--time-limit", "0"], ["--notebook", "--time-limit", "nan"], ["--time-limit", "2", "--dry-run"]],
    ids=" ".join,
)
def test_a_time_limit_that_is_none_or_has_no_effect_is_refused(ready, arguments):
    host, _, rehearsals = ready
    assert main(["submit", "--json", "--yes", *arguments]) == 2
    assert (host.calls, rehearsals) == ([], [])


def test_the_time_limit_is_that_of_rehearsal_and_notebook(ready):
    host, run, _ = ready
    assert submit("--time-limit", "0.5") == 0
    assert json.loads((run.folder / "notebook" / "state.json").read_text())["rehearsal"]["limit_seconds"] == 1800
    [[request]] = host.kernels.values()
    assert request["sessionTimeoutSeconds"] == 1800


def test_an_embedded_competition_takes_no_notebook(ready, monkeypatch, capsys):
    host, run, _ = ready
    contract = run.folder.parent.parent / "competition.toml"
    contract.write_text('host = "local"\n' + contract.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.delenv("AICOMP_HOST")
    assert submit() == 2
    assert "is graded here, and takes no notebooks" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert host.calls == []


def test_it_asks_before_it_sends(ready):
    host, _, _ = ready
    assert main(["submit", "--notebook", "--json"]) == 2
    assert host.calls == []


@pytest.mark.parametrize("fault", [70, 0, LOSE, (503, ""), CUT], ids=["after 70", "at once", "lost", "busy", "cut"])
def test_an_upload_goes_on_where_it_was_cut(host, tmp_path, fault):
    path = tmp_path / "blob.bin"
    path.write_bytes(bytes(range(256)) * 40)
    host.faults["PUT"] = [0 if fault == CUT else fault, *([100] if fault == 70 else [])]
    with connect(find_endpoint()) as connection:
        token = upload_blob(connection, path)
    assert bytes(host.blobs[token][0]) == path.read_bytes()
    if fault == 70:
        ranges = [body["range"] for method, body in host.calls if method == "PUT"]
        assert ranges == ["", "bytes 70-10239/10240", "bytes 170-10239/10240"]
    assert len(host.blobs) == 1


def test_an_upload_whose_address_has_expired_starts_again(host, tmp_path):
    path = tmp_path / "blob.bin"
    path.write_bytes(b"content")
    host.faults["PUT"] = [(404, "gone")]
    with connect(find_endpoint()) as connection:
        token = upload_blob(connection, path)
    assert token == "blob-1"
    assert bytes(host.blobs[token][0]) == b"content"


def test_an_upload_that_never_succeeds_is_an_error(host, tmp_path):
    path = tmp_path / "blob.bin"
    path.write_bytes(b"content")
    host.faults["PUT"] = [(503, "")] * 20
    with connect(find_endpoint()) as connection, pytest.raises(NetworkError) as e:
        upload_blob(connection, path)
    assert "signature" not in e.value.message
    assert "`blob.bin` was not uploaded" in e.value.message


def test_a_log_is_read_in_both_forms():
    assert plain_log('[{"stream_name":"stdout","data":"a\\n"},{"stream_name":"stderr","data":"b"}]') == "a\nb"
    assert plain_log("plain\ntext") == "plain\ntext"
    assert plain_log("") == ""
