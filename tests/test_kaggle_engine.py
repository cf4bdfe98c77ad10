"""`aicomp train --engine kaggle`: pushed once, whatever happens; what comes back is whole and of this project."""

import json
import re
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from kernel_server import CUT, LOSE, TOKEN
from synthetic import QUICK, init_project, open_quick, quick_arguments

from aicomp.cli.main import main
from aicomp.kaggle.connection import connect
from aicomp.kaggle.endpoint import find_endpoint
from aicomp.kaggle.notebook.image import make_image
from aicomp.kaggle.notebook.upload import _put, upload_blob
from aicomp.kaggle.remote.job import Wish, make_job
from aicomp.kaggle.remote.source import ARCHIVE, MANIFEST, UTC_OFFSET
from aicomp.kaggle.remote.waiting import Log

pytest_plugins = ["kaggle_fixtures", "notebook_cases", "engine_cases"]

ENGINE = ["train", "--json", "--engine", "kaggle", *quick_arguments()]


def test_a_run_comes_back(elsewhere, capsys):
    host = elsewhere.host
    assert main(ENGINE) == 0
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert said["run"] == elsewhere.run.id
    assert elsewhere.runs() == [elsewhere.run.id]
    assert said["place"] == {
        "engine": "kaggle",
        "python": "3.12.1",
        "platform": "Linux",
        "cpus": 4,
        "gpus": ["Tesla T4"],
        "seconds": 12.5,
        "host": host.url,
        "kernel": next(iter(host.kernels)),
        "version": 1,
        "url": f"{host.url}/code/{next(iter(host.kernels))}",
        "accelerator": "gpu",
        "run": elsewhere.run.id,
    }
    for line in ("  epoch 1\n", "the notebook is queued", "the notebook is running", "the notebook is complete"):
        assert err.count(line) == 1
    [[request]] = host.kernels.values()
    assert request["isPrivate"] is True
    assert request["enableGpu"] is True
    assert not request.get("enableInternet")
    assert request["competitionDataSources"] == ["binary"]
    assert request["datasetDataSources"] == list(host.datasets)
    assert request["sessionTimeoutSeconds"] == 12 * 3600
    assert TOKEN not in request["text"]
    assert not any(TOKEN.encode() in raw for raw, _ in host.blobs.values())
    assert host.authorized == []
    assert main(["submit", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == elsewhere.run.id


def test_what_is_there_already_is_neither_pushed_nor_fetched_again(elsewhere, capsys):
    assert main(ENGINE) == 0
    first = json.loads(capsys.readouterr().out)
    before = len(elsewhere.host.calls)
    assert main(ENGINE) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == first
    assert "`--fresh` trains anew" in err
    assert {method for method, _ in elsewhere.host.calls[before:]} == {"IntrospectToken"}
    assert main([*ENGINE, "--fresh"]) == 0
    assert sorted(slug.split("-train")[1] for slug in elsewhere.host.kernels) == ["", "-2"]
    assert elsewhere.runs() == [elsewhere.run.id, f"{elsewhere.run.id[:15]}-002"]


def test_no_run_is_overwritten(elsewhere):
    taken = elsewhere.project.runs / elsewhere.run.id
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    assert main(ENGINE) == 0
    assert [path.name for path in taken.iterdir()] == ["mine.txt"]
    assert elsewhere.runs() == [f"{elsewhere.run.id[:15]}-002"]


@pytest.mark.parametrize(
    "faults",
    [
        {"SaveKernel": [(429, "Too many requests"), (500, "")]},
        {"SaveKernel": [LOSE]},
        {"SaveKernel": [CUT, (503, "")]},
        {"GetKernelSessionStatus": [None, None, *[(500, "")] * 12, *[(429, "slow down")] * 7]},
        {"ListKernelSessionOutput": [(503, "")] * 6},
        {"ListKernelSessionOutput": [(404, "no output yet")]},
        {"CreateDataset": [(429, "")], "StartBlobUpload": [(500, "")]},
    ],
    ids=["busy push", "lost push", "cut push", "busy status", "busy log", "no log yet", "busy upload"],
)
def test_a_host_that_fails_in_between_is_borne(elsewhere, faults):
    elsewhere.host.faults = {name: list(queue) for name, queue in faults.items()}
    for _ in range(3):
        code = main(ENGINE)
        if code == 0:
            break
        assert code == 6
    assert code == 0
    assert [len(versions) for versions in elsewhere.host.kernels.values()] == [1]
    assert elsewhere.runs() == [elsewhere.run.id]


def test_an_hour_without_an_answer_is_a_time_out_and_the_notebook_goes_on(elsewhere, monkeypatch, capsys):
    monkeypatch.setattr("aicomp.kaggle.remote.waiting.OUTAGE_SECONDS", -1.0)
    elsewhere.host.faults = {"GetKernelSessionStatus": [None, *[(500, "")] * 5]}
    assert main(ENGINE) == 6
    assert "the same command waits for it again" in json.loads(capsys.readouterr().out)["error"]["hint"]
    assert main(ENGINE) == 0
    assert [len(versions) for versions in elsewhere.host.kernels.values()] == [1]


def test_ctrl_c_leaves_the_notebook_running(elsewhere, monkeypatch, capsys):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("aicomp.kaggle.remote.waiting.session_of", interrupt)
        assert main(ENGINE) == 130
    assert "the notebook goes on; the same command waits for it again" in capsys.readouterr().err
    assert elsewhere.runs() == []
    assert main(ENGINE) == 0
    assert [len(versions) for versions in elsewhere.host.kernels.values()] == [1]


def test_a_notebook_that_fails_shows_its_last_lines_and_is_pushed_anew(elsewhere, capsys):
    host = elsewhere.host
    host.kernel_status = ["RUNNING", "ERROR"]
    host.log = json.dumps([{"stream_name": "stderr", "time": 1, "data": "error: no column `x`\n\nhint: look\n"}])
    assert main(ENGINE) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert "ended as ERROR" in error["message"]
    assert "error: no column `x`" in error["message"]
    log = re.search("its log is `(.*?)`", error["hint"])[1]
    assert Path(log).read_text(encoding="utf-8") == "error: no column `x`\n\nhint: look\n"
    assert elsewhere.runs() == []
    host.kernel_status = ["ERROR", "COMPLETE"]
    assert main(ENGINE) == 0
    assert sorted(slug.split("-train")[1] for slug in host.kernels) == ["", "-2"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({ARCHIVE: lambda raw: raw[:2000] + bytes([raw[2000] ^ 1]) + raw[2001:]}, "is damaged: its SHA-256"),
        ({ARCHIVE: lambda raw: raw[: len(raw) // 2]}, "is damaged: its SHA-256"),
        ({MANIFEST: lambda raw: raw[:100]}, "is damaged"),
        ({MANIFEST: lambda raw: raw.replace(b"aicomp-", b"aicump-")}, "is of another command"),
        ({MANIFEST: lambda raw: raw.replace(b"oof.csv", b"oof.cvs")}, "oof.csv`, unlike"),
        ({MANIFEST: lambda raw: re.sub(rb'("runs": \[)"', rb'\1"../', raw)}, "holds no whole run `../"),
    ],
    ids=["a bit", "half", "manifest", "other pack", "other file", "climbs"],
)
def test_a_damaged_archive_is_no_run(elsewhere, capsys, damage, message):
    whole = dict(elsewhere.host.output)
    for name, change in damage.items():
        elsewhere.host.output[name] = change(whole[name])
    assert main(ENGINE) == 3
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]
    assert elsewhere.runs() == []
    elsewhere.host.output = whole
    assert main(ENGINE) == 0
    assert [len(versions) for versions in elsewhere.host.kernels.values()] == [1]


def test_a_file_that_is_not_what_the_notebook_says_is_refused(elsewhere, capsys):
    manifest = json.loads(elsewhere.host.output[MANIFEST])
    manifest["files"][f"{elsewhere.run.id}/oof.csv"]["sha256"] = "0" * 64
    elsewhere.host.output[MANIFEST] = json.dumps(manifest).encode()
    assert main(ENGINE) == 3
    assert "oof.csv` in `runs.zip` is damaged" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert elsewhere.runs() == []


@pytest.mark.parametrize("name", ["data_hash", "code_hash", "config"])
def test_a_run_of_another_project_is_refused(elsewhere, capsys, name):
    info = elsewhere.run.info
    info[name] = {**info[name], "seed": 7} if name == "config" else "0" * 64
    elsewhere.run.write("run.json", info)
    elsewhere.bring()
    assert main(ENGINE) == 3
    words = name.replace("_", " ")
    assert f"has another {words} than this project" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert elsewhere.runs() == []


def test_other_versions_there_are_told(elsewhere, capsys):
    info = elsewhere.run.info
    info["versions"]["torch"] = "2.6.0"
    elsewhere.run.write("run.json", info)
    elsewhere.bring()
    assert main([word for word in ENGINE if word != "--json"]) == 0
    assert "note: torch is 2.6.0 there and " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("reason", "code", "hint"),
    [
        ("Maximum weekly GPU quota of 30.00 hours reached.", 5, "notebook.accelerator=none"),
        ("Maximum batch GPU session count of 2 reached.", 6, "type the same command"),
        ("You must verify your phone number to use this.", 5, "verify your phone number"),
        ("Something else.", 5, "/competitions/binary/rules"),
    ],
)
@pytest.mark.parametrize("form", ["answer", "status"])
def test_what_the_host_refuses_says_what_to_do(elsewhere, monkeypatch, capsys, reason, code, hint, form):
    answer = (200, {"error": reason}) if form == "answer" else (403, {"code": 403, "message": reason})
    monkeypatch.setattr(elsewhere.host, "_SaveKernel", lambda body: answer, raising=False)
    assert main(ENGINE) == code
    error = json.loads(capsys.readouterr().out)["error"]
    assert reason in error["message"]
    assert hint in error["hint"]


def test_without_credentials_nothing_is_sent(elsewhere, monkeypatch):
    monkeypatch.delenv("AICOMP_TOKEN")
    assert main(ENGINE) == 4
    assert elsewhere.host.calls == []


def test_the_machine_is_chosen_by_the_config(elsewhere):
    asked = ["accelerator=none", "internet=true", "machine=NvidiaTeslaT4", "hours=2.5"]
    assert main([*ENGINE, *(word for entry in asked for word in ("--set", f"notebook.{entry}"))]) == 3  # another pack
    [[request]] = elsewhere.host.kernels.values()
    assert not request.get("enableGpu")
    assert request["enableInternet"] is True
    assert request["machineShape"] == "NvidiaTeslaT4"
    assert request["sessionTimeoutSeconds"] == 9000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "kagle"], "unknown engine `kagle`"),
        (["--engine", "kaggle", "--plan"], "`--plan` traces a step here"),
        (["--engine", "kaggle", "--set", "pseudo.run=x"], "pseudo-labels do not go with `--engine kaggle`"),
        (["--engine", "kaggle", "--set", "notebook.hours=0"], "`notebook.hours` is 0"),
        (["--engine", "kaggle", "--set", "notebook.accelerator=tpu"], "notebook.accelerator"),
    ],
)
def test_what_makes_no_sense_is_refused(elsewhere, capsys, arguments, message):
    assert main(["train", "--json", *quick_arguments(), *arguments]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert message in error["message"]
    if "kagle" in message:
        assert "kaggle" in error["hint"]
    assert elsewhere.host.calls == []


def test_a_token_in_the_code_is_not_sent(elsewhere, capsys):
    (elsewhere.project.folder / "features.py").write_text(f'KEY = "{TOKEN}"\n')
    assert main(ENGINE) == 2
    assert "`features.py` holds a token" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert elsewhere.host.calls == []


def test_two_commands_do_not_wait_for_one_notebook(elsewhere, capsys):
    from filelock import FileLock

    assert main(ENGINE) == 0
    capsys.readouterr()
    [folder] = [path for path in (elsewhere.project.runs / ".kaggle").iterdir() if path.is_dir()]
    with FileLock(folder / ".lock"):
        assert main(ENGINE) == 1
    assert "another command waits for this very notebook" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_a_log_is_told_as_it_grows(tmp_path):
    told = []
    log = Log(told.append, tmp_path / "kernel.log")
    for text in ("one\ntw", "one\ntwo\nthr", "one\n", "one\ntwo\nthr"):
        log.update(text)
    assert told == ["one", "two"]
    log.update("one\ntwo\nthree", is_whole=True)
    log.update("one\ntwo\nthree", is_whole=True)
    assert told == ["one", "two", "three"]
    assert (tmp_path / "kernel.log").read_text() == "one\ntwo\nthree"


def test_nothing_is_left_to_fill_in_in_the_notebook(elsewhere):
    assert main(ENGINE) == 0
    [[request]] = elsewhere.host.kernels.values()
    compile(request["text"], "notebook.py", "exec")
    assert not re.search(r"@[a-z_]+@", request["text"])


def test_addresses_that_are_signed_alike_stay_whole(host, tmp_path, monkeypatch):
    start = host._StartBlobUpload

    def signed(body):
        status, answer = start(body)
        return status, {**answer, "createUrl": f"{answer['createUrl']}{answer['token']}&expires=17642808001"}

    monkeypatch.setattr(host, "_StartBlobUpload", signed, raising=False)
    (tmp_path / "blob.bin").write_bytes(b"content")
    asked = []
    with connect(find_endpoint()) as connection:
        monkeypatch.setattr(
            "aicomp.kaggle.notebook.upload._put",
            lambda url, path, offset, put=_put: asked.append(url) or put(url, path, offset),
        )
        assert [upload_blob(connection, tmp_path / "blob.bin") for _ in range(2)] == ["blob-0", "blob-1"]
    assert all(url.endswith("&expires=17642808001") for url in asked)


@pytest.mark.slow
def test_the_notebook_needs_nothing_but_kaggles_image(tmp_path):
    project = open_quick(init_project(tmp_path))
    job = make_job(project, Wish(tuple(word for entry in QUICK for word in ("--set", entry))))
    # Packages of Kaggle's image that training uses, beside those of a prediction.
    python = make_image(tmp_path / "image", ("matplotlib", "jinja2", "requests"))
    inputs, working = tmp_path / "input", tmp_path / "working"
    shutil.copytree(job.folder / "pack", inputs / "dataset")
    shutil.copytree(project.raw, inputs / "competitions" / "binary")
    working.mkdir()
    (working / "script.py").write_text(job.kernel_text.replace(UTC_OFFSET, "3600"))
    environment = {"AICOMP_INPUT": str(inputs), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run(
        [str(python), "script.py"], cwd=working, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    manifest = json.loads((working / MANIFEST).read_text())
    began = datetime.fromtimestamp(manifest["began"], timezone(timedelta(hours=1)))
    assert manifest["runs"][0][:8] == began.strftime("%Y%m%d")
    assert "oof.csv" in {name.partition("/")[2] for name in manifest["files"]}
    assert (working / ARCHIVE).stat().st_size == manifest["archive"]["bytes"]
