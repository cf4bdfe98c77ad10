"""Pushed kernels really run: what they see, what they cannot see, and how they end."""

import subprocess
import time

import pytest
from hosting import local_host, running_host, write_competition
from kernel_cases import KERNELS, finished, make_dataset, push

from aicomp.host.kernels import Limits
from aicomp.isolation import can_hide, isolation_fault

pytestmark = pytest.mark.skipif(not can_hide(), reason=f"no namespaces here: {isolation_fault()}")


@pytest.fixture(scope="module")
def hosted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hosted")
    competition = write_competition(folder / "toy")
    (competition / "images").mkdir()
    (competition / "images" / "1.png").write_text("an image")
    with local_host(folder) as host:
        yield host


@pytest.fixture(scope="module")
def team(hosted):
    return hosted.team()


def test_a_script_reads_its_competition_and_writes_a_submission(hosted, team):
    code = (
        "import os, pandas as pd\n"
        "print(sorted(os.listdir('/kaggle/input')), os.getcwd(), sorted(os.listdir('/kaggle')))\n"
        "print(sorted(os.listdir('/kaggle/input/toy')), os.listdir('/kaggle/input/toy/images'))\n"
        "test = pd.read_csv('/kaggle/input/toy/test.csv')\n"
        "test[['id']].assign(y=test['x']).to_csv('submission.csv', index=False)\n"
    )
    pushed = push(team, code, competitionDataSources=["toy", "no-such"], modelDataSources=["a/b/c/d"])
    assert pushed["ref"] == "/ada/first-try"
    assert pushed["versionNumber"] == 1
    assert pushed["url"].endswith("/code/ada/first-try")
    assert pushed["invalidCompetitionSources"] == ["no-such"]
    assert pushed["invalidModelSources"] == ["a/b/c/d"]
    status, log, files = finished(team)
    assert status == {"status": "COMPLETE"}
    assert log.splitlines() == [
        "['toy'] /kaggle/working ['input', 'src', 'working']",
        "['images', 'sample_submission.csv', 'test.csv', 'train.csv'] ['1.png']",
    ]
    assert list(files) == ["submission.csv"]
    assert hosted.http.get(files["submission.csv"]).text.startswith("id,y\na0,0\n")

    named = {"ownerSlug": "ada", "kernelSlug": "first-try", "filePath": "submission.csv"}
    answer = team.post("DownloadKernelOutput", service=KERNELS, **named)
    assert hosted.http.get(answer.headers["location"]).text.startswith("id,y\n")
    listed = team.call("ListKernelFiles", service=KERNELS, userName="ada", kernelSlug="first-try")["files"]
    assert [(f["name"], f["size"]) for f in listed] == [("submission.csv", 55)]

    created = team.call(
        "CreateCodeSubmission", competitionName="toy", kernelOwner="ada", kernelSlug="first-try", kernelVersion=1
    )
    assert team.wait(created["ref"])["publicScore"] == "0.00000"


def test_a_notebook_runs_cell_by_cell(team):
    cells = ["a = 1\n", ["%matplotlib inline\n", "a += 1\n"], "print(a)\n!echo from a shell", "%%writefile out.txt\nhi"]
    push(team, cells, slug="ada/notes", kind="notebook")
    status, log, files = finished(team, "ada/notes")
    assert status == {"status": "COMPLETE"}
    assert log == "2\nfrom a shell\n"
    assert list(files) == ["out.txt"]


@pytest.mark.parametrize(
    ("code", "failure", "in_log"),
    [
        ("print('so far')\nraise ValueError('no luck')", "exit code 1: ValueError: no luck", "so far\nTraceback"),
        ("import urllib.request as r; r.urlopen('http://1.1.1.1')", "Network is unreachable", "Traceback"),
        ("import socket; socket.getaddrinfo('example.com', 80)", "gaierror", "Traceback"),
        ("import os; os.kill(os.getpid(), 9)", "exit code 137", ""),
    ],
)
def test_a_failure_says_why(team, code, failure, in_log):
    push(team, code, slug="ada/failing")
    status, log, _ = finished(team, "ada/failing")
    assert status["status"] == "ERROR"
    assert failure in status["failureMessage"]
    assert in_log in log


def test_a_failed_kernel_cannot_be_submitted(team):
    push(team, "open('submission.csv', 'w').write('id,y')\n1 / 0", slug="ada/half")
    finished(team, "ada/half")
    body = {"competitionName": "toy", "kernelOwner": "ada", "kernelSlug": "half", "kernelVersion": 1}
    answer = team.post("CreateCodeSubmission", **body)
    assert answer.status_code == 400
    assert "not complete: it is ERROR" in answer.json()["message"]


def test_nothing_of_the_host_is_seen(hosted, team):
    state = str(hosted.host.settings.state)
    solution = str(hosted.host.competitions["toy"].solution)
    code = (
        "import os\n"
        f"state, solution = {state!r}, {solution!r}\n"
        "assert not os.path.exists(solution), 'solution'\n"
        "print(os.path.dirname(solution), os.path.exists(os.path.dirname(solution)))\n"
        "found = []\n"
        "for root, folders, names in os.walk('/', onerror=None):\n"
        "    if root.startswith(('/proc', '/usr', '/dev')): folders.clear(); continue\n"
        "    secret = ('solution.csv', 'host.sqlite3', 'host.toml')\n"
        "    found += [root + '/' + n for n in names if n.startswith(secret)]\n"
        "print('found', found)\n"
        "print('state', os.listdir(state) if os.path.exists(state) else None)\n"
        "os.symlink(solution, 'submission.csv'); os.symlink('/', 'all'); os.mkfifo('pipe')\n"
    )
    push(team, code, slug="ada/nosy", competitionDataSources=["toy"])
    status, log, files = finished(team, "ada/nosy")
    assert status == {"status": "COMPLETE"}, log
    assert log.splitlines()[0].endswith(" False")
    assert "found []" in log
    assert "state ['kernels']" in log
    assert files == {}
    answer = team.post(
        "CreateCodeSubmission", competitionName="toy", kernelOwner="ada", kernelSlug="nosy", kernelVersion=1
    )
    assert answer.status_code == 404


def test_datasets_and_outputs_of_kernels_are_inputs(team):
    make_dataset(team, {"weights.txt": "w1"}, slug="weights")
    push(team, "open('made.txt', 'w').write('made before')", slug="ada/before")
    finished(team, "ada/before")
    code = "for p in ('weights/weights.txt', 'before/made.txt'): print(open('/kaggle/input/' + p).read())"
    sources = {"datasetDataSources": ["ada/weights", "bob/weights"], "kernelDataSources": ["ada/before"]}
    pushed = push(team, code, slug="ada/after", **sources)
    assert pushed["invalidDatasetSources"] == ["bob/weights"]
    status, log, _ = finished(team, "ada/after")
    assert (status, log) == ({"status": "COMPLETE"}, "w1\nmade before\n")


def test_inputs_cannot_be_changed(hosted, team):
    push(team, "open('/kaggle/input/toy/train.csv', 'a').write('x')", slug="ada/vandal", competitionDataSources=["toy"])
    status, _, _ = finished(team, "ada/vandal")
    assert "Read-only file system" in status["failureMessage"]
    assert (hosted.host.competitions["toy"].folder / "train.csv").read_text().endswith("t2,3,2\n")


def test_a_time_limit_of_the_team_ends_a_kernel(team):
    push(team, "import time; print('on', flush=True); time.sleep(1000)", slug="ada/slow", sessionTimeoutSeconds=1)
    status, log, _ = finished(team, "ada/slow")
    assert status == {"status": "ERROR", "failureMessage": "The notebook ran longer than 1 seconds and was stopped."}
    assert log.startswith("on\n")


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("x = bytearray(300 * 2**20)", "needed more than 200 MiB of memory"),
        ("for i in range(9): open(str(i), 'wb').write(b'x' * 2**20)", "wrote more than 5 MiB"),
        ("for i in range(30): open(str(i), 'w').write('x')", "wrote 30 files; the most allowed is 20"),
    ],
)
def test_limits_of_the_host(hosted, team, code, failure, monkeypatch):
    limits = Limits(memory_bytes=200 * 2**20, output_bytes=5 * 2**20, n_files=20)
    monkeypatch.setattr(hosted.host.kernels, "limits", limits)
    push(team, code, slug="ada/greedy")
    status, _, _ = finished(team, "ada/greedy")
    assert failure in status["failureMessage"]


def test_a_folder_that_a_kernel_closed_is_open_again(team):
    push(team, "import os; os.mkdir('d'); open('d/f', 'w').write('x'); os.chmod('d/f', 0); os.chmod('d', 0)",
         slug="ada/closed")  # fmt: skip
    status, _, files = finished(team, "ada/closed")
    assert status == {"status": "COMPLETE"}
    assert list(files) == ["d/f"]
    assert team.http.get(files["d/f"]).text == "x"


def test_names_that_cannot_be_sent_are_removed(team):
    push(team, "import os\nfor n in (b'\\xff', b'a\\nb', b'\\xc3\\xbc.txt'): open(n, 'w').write('x')", slug="ada/names")
    assert list(finished(team, "ada/names")[2]) == ["ü.txt"]


def test_what_a_failed_kernel_wrote_is_as_harmless(hosted, team):
    solution = hosted.host.competitions["toy"].solution
    code = (
        "import os, sys\nfor n in (b'\\xff', b'a\\nb', b'ok.txt'): open(n, 'w').write('x')\n"
        f"os.symlink({str(solution)!r}, 'submission.csv')\nos.chmod('ok.txt', 0o4755)\nsys.exit(3)"
    )
    push(team, code, slug="ada/failed")
    status, _, files = finished(team, "ada/failed")
    assert (status["status"], list(files)) == ("ERROR", ["ok.txt"])
    working = next(hosted.host.settings.state.glob("kernels/*/*/working/ok.txt")).parent
    assert [(p.name, p.stat().st_mode & 0o7777) for p in working.iterdir()] == [("ok.txt", 0o600)]


def test_the_environment_tells_nothing_of_the_host(team, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_HOST", "1")
    push(team, "import os; print(sorted(os.environ))", slug="ada/environment")
    log = finished(team, "ada/environment")[1]
    assert "SECRET_OF_THE_HOST" not in log
    assert "KAGGLE_KERNEL_RUN_TYPE" in log


def test_a_kernel_that_ran_when_the_host_ended_runs_again(tmp_path):
    write_competition(tmp_path / "toy")
    marker = (
        "import os, time\n"
        "if os.path.exists('/kaggle/input/go/go.txt'): print('again')\n"
        "else: print('first', flush=True); time.sleep(1000)"
    )
    with local_host(tmp_path) as first:
        ada = first.team()
        make_dataset(ada, {"stay.txt": "1"}, slug="go")
        push(ada, marker, slug="ada/long", datasetDataSources=["ada/go"])
        while "first" not in ada.call("ListKernelSessionOutput", service=KERNELS, userName="ada",
                                      kernelSlug="long").get("log", ""):  # fmt: skip
            pass
        token = upload_version(ada, {"go.txt": "1"})
        assert token
    with local_host(tmp_path) as second:
        from hosting import Client

        again = Client(second.http, ada.token)
        status, log, _ = finished(again, "ada/long")
        assert (status, log) == ({"status": "COMPLETE"}, "again\n")


def test_a_host_that_is_killed_takes_its_kernel_with_it_and_runs_it_again(tmp_path):
    write_competition(tmp_path / "toy")
    code = "import time\nwhile True:\n    open('alive', 'a').write('x'); time.sleep(0.01)"
    with running_host(tmp_path, "Ada", stop=subprocess.Popen.kill) as first:
        push(first.client("Ada"), code, slug="ada/long", sessionTimeoutSeconds=3)
        alive = first.state / "kernels" / "1" / "1" / "working" / "alive"
        while not alive.exists():
            time.sleep(0.01)
    assert _stops_growing(alive)
    with running_host(tmp_path, tokens=first.tokens) as second:
        status, _, _ = finished(second.client("Ada"), "ada/long")
        assert "ran longer than 3 seconds" in status["failureMessage"]


def _stops_growing(path):
    for _ in range(100):
        size = path.stat().st_size
        time.sleep(0.1)
        if path.stat().st_size == size:
            return True
    return False


def upload_version(team, files):
    from kernel_cases import DATASETS, upload

    tokens = [{"token": upload(team, content, name)} for name, content in files.items()]
    body = {"versionNotes": "more", "files": tokens}
    return team.call("CreateDatasetVersion", service=DATASETS, ownerSlug="ada", datasetSlug="go", body=body)


def test_the_state_is_for_its_owner_alone(hosted, team):
    assert hosted.host.settings.state.stat().st_mode & 0o077 == 0
