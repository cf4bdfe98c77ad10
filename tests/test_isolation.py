"""Isolated code has no network, sees nothing hidden, cannot lift its limits, and ends with the one who started it."""

import errno
import json
import os
import platform
import signal
import subprocess
import sys
import time

import pytest

from aicomp.errors import AicompError
from aicomp.isolation import Mount, can_hide, isolation_fault, network_isolation, run_isolated

MIB = 2**20
needs_namespaces = pytest.mark.skipif(not can_hide(), reason=f"no namespaces here: {isolation_fault()}")
both = pytest.mark.parametrize("isolation", [pytest.param("namespace", marks=needs_namespaces), "socket block"])


@pytest.fixture
def folder(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    return work


def run(folder, code, **options):
    """Outcome and log of a Python program in `folder`."""
    log = folder.parent / "log.txt"
    log.unlink(missing_ok=True)
    options = {"seconds": 60, "memory_bytes": None, "environment": {"PATH": os.environ["PATH"]}, **options}
    argv = [sys.executable, "-c", code] if isinstance(code, str) else code
    outcome = run_isolated(argv, folder=folder, log=log, **options)
    return outcome, log.read_text()


def test_the_isolation_of_this_system_is_the_strongest_it_allows():
    assert network_isolation() == ("namespace" if can_hide() else "socket block")
    assert can_hide() == (isolation_fault() == "")


@both
def test_exit_code_output_and_working_folder(folder, isolation):
    code = "import os, sys; print(os.getcwd()); print(os.environ['A']); open('made', 'w').write('1'); sys.exit(3)"
    outcome, log = run(folder, code, isolation=isolation, environment={"A": "b"})
    assert (outcome.code, outcome.timed_out, outcome.out_of_memory, outcome.isolation) == (3, False, False, isolation)
    assert log == f"{folder}\nb\n"
    assert (folder / "made").read_text() == "1"


@both
@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', PORT), 5)",
        "socket.socket().connect(('127.0.0.1', PORT))",
        "socket.getaddrinfo('example.com', 80)",
        "urllib.request.urlopen('http://127.0.0.1:PORT', timeout=5)",
    ],
)
def test_there_is_no_network(folder, isolation, attempt):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        attempt = attempt.replace("PORT", str(server.getsockname()[1]))
        code = f"import socket, urllib.request\ntry:\n    {attempt}\nexcept OSError as e:\n    print('refused', e)"
        outcome, log = run(folder, code, isolation=isolation)
        assert outcome.code == 0
        assert log.startswith("refused ")
        if isolation == "socket block":
            assert "internet off" in log


@both
def test_sockets_within_one_machine_still_work(folder, isolation):
    code = "import socket; a, b = socket.socketpair(); a.sendall(b'x'); print(b.recv(1))"
    assert run(folder, code, isolation=isolation)[1] == "b'x'\n"


@both
def test_a_time_limit_ends_grandchildren_that_left_the_group(folder, isolation):
    alive = folder / "alive"
    grandchild = f"import time\nwhile True:\n    open({str(alive)!r}, 'a').write('x'); time.sleep(0.01)"
    code = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {grandchild!r}], start_new_session=True)\n"
        "print('started', flush=True)\ntime.sleep(1000)"
    )
    outcome, log = run(folder, code, isolation=isolation, seconds=1.5)
    assert outcome.timed_out
    assert outcome.code == 128 + signal.SIGKILL
    assert "killed: it ran longer than 1.5 seconds" in log
    size = alive.stat().st_size
    assert size > 0
    time.sleep(0.1)
    assert alive.stat().st_size == size


@both
def test_what_a_program_leaves_behind_ends_with_it(folder, isolation):
    alive = folder / "alive"
    grandchild = f"import time\nwhile True:\n    open({str(alive)!r}, 'a').write('x'); time.sleep(0.01)"
    code = (
        "import os, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {grandchild!r}], start_new_session=True)\n"
        f"while not os.path.exists({str(alive)!r}): time.sleep(0.01)"
    )
    assert run(folder, code, isolation=isolation)[0].code == 0
    size = alive.stat().st_size
    time.sleep(0.1)
    assert alive.stat().st_size == size


@both
@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are exact on Linux alone")
def test_one_process_cannot_hold_more_than_the_limit(folder, isolation):
    outcome, log = run(folder, "x = bytearray(900 * 2**20)", isolation=isolation, memory_bytes=200 * MIB)
    assert outcome.out_of_memory
    assert outcome.code != 0
    assert log


@both
@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are exact on Linux alone")
def test_many_processes_cannot_hold_more_than_the_limit_together(folder, isolation):
    code = (
        "import os, time\n"
        "for _ in range(5):\n"
        "    if os.fork() == 0:\n"
        "        x = b'x' * (60 * 2**20); time.sleep(1000)\n"
        "time.sleep(1000)"
    )
    outcome, log = run(folder, code, isolation=isolation, memory_bytes=200 * MIB)
    assert outcome.out_of_memory
    assert not outcome.timed_out
    assert "killed: it held more than 200 MiB of memory" in log


@both
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere shared memory is not told apart")
def test_memory_that_is_shared_counts_too(folder, isolation):
    code = (
        "import mmap, os, time\n"
        "shared = [mmap.mmap(-1, 50 * 2**20) for _ in range(6)]\n"
        "for m in shared: m.write(b'x' * len(m))\n"
        "os.fork(); time.sleep(1000)"
    )
    outcome, log = run(folder, code, isolation=isolation, memory_bytes=200 * MIB)
    assert outcome.out_of_memory
    assert "killed: it held more than 200 MiB of memory" in log


@both
def test_memory_that_two_share_counts_once(folder, isolation):
    code = (
        "import mmap, os, time\n"
        "shared = mmap.mmap(-1, 120 * 2**20); shared.write(b'x' * len(shared))\n"
        "if os.fork() == 0: shared[:]; time.sleep(2.5); os._exit(0)\n"
        "os.wait()"
    )
    assert run(folder, code, isolation=isolation, memory_bytes=200 * MIB)[0].code == 0


@both
def test_empty_files_count_too(folder, isolation):
    outcome, _ = run(folder, "for i in range(300): open(str(i), 'w')", isolation=isolation, written_bytes=MIB)
    assert outcome.wrote_too_much


@both
def test_a_file_cannot_grow_beyond_its_limit(folder, isolation):
    outcome, log = run(
        folder,
        "open('f', 'wb', buffering=0).write(b'x' * 3000); open('f', 'ab', buffering=0).write(b'x')",
        isolation=isolation,
        file_size_bytes=1000,
    )
    assert outcome.code == 1
    assert "File too large" in log
    assert (folder / "f").stat().st_size <= 1000


@both
def test_a_log_is_cut_where_it_is_too_long(folder, isolation):
    outcome, log = run(folder, "print('x' * 100_000)", isolation=isolation, log_bytes=1000)
    assert outcome.code == 0
    assert log == "x" * 1000 + "\n[cut: the output is longer than 1,000 bytes]\n"


@both
def test_it_ends_when_its_parent_is_killed(folder, isolation):
    alive = folder / "alive"
    code = f"import time\nwhile True:\n    open({str(alive)!r}, 'a').write('x'); time.sleep(0.01)"
    parent = (
        "import sys\nfrom pathlib import Path\nfrom aicomp.isolation import run_isolated\n"
        f"f = Path({str(folder)!r})\n"
        f"run_isolated([sys.executable, '-c', {code!r}], folder=f, environment={{}}, seconds=100, memory_bytes=None, "
        f"log=f.parent / 'log', isolation={isolation!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", parent])
    while not alive.exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert _stops_growing(alive)


def _stops_growing(path):
    for _ in range(100):
        size = path.stat().st_size
        time.sleep(0.1)
        if path.stat().st_size == size:
            return True
    return False


def test_it_ends_when_it_is_told_to(folder):
    import threading

    stop = threading.Event()
    stop.set()
    outcome, _ = run(folder, "import time; time.sleep(1000)", stop=stop)
    assert outcome.stopped


def test_a_program_that_does_not_exist_says_so(folder):
    outcome, log = run(folder, ["no-such-program"])
    assert outcome.code == 127
    assert log.startswith("cannot run `no-such-program`: ")


@needs_namespaces
class TestHiding:
    @pytest.fixture
    def secret(self, tmp_path):
        folder = tmp_path / "competition"
        folder.mkdir()
        (folder / "solution.csv").write_text("the secret")
        (folder / "train.csv").write_text("for all")
        return folder / "solution.csv"

    def test_nothing_is_seen_that_was_not_given(self, folder, secret):
        _, log = run(folder, f"import os; print(os.path.exists({str(secret.parent)!r}), os.listdir('..'))")
        assert log == "False ['work']\n"

    def test_a_hidden_file_in_a_folder_that_is_shown_is_empty(self, folder, secret):
        place = str(secret.parent)
        code = f"import os\nfor n in sorted(os.listdir({place!r})): print(n, open({place!r} + '/' + n).read())"
        _, log = run(folder, code, read_only=[secret.parent], hidden=[secret])
        assert log == "solution.csv \ntrain.csv for all\n"

    def test_a_hidden_folder_is_empty_and_what_is_shown_inside_is_there(self, tmp_path, secret):
        inside = secret.parent / "state" / "work"
        inside.mkdir(parents=True)
        outcome, log = run_in(inside, tmp_path / "log", "import os; print(os.listdir('..'), os.listdir('../..'))",
                              read_only=[tmp_path], hidden=[secret.parent])  # fmt: skip
        assert (outcome.code, log) == (0, "['work'] ['state']\n")

    def test_a_symbolic_link_leads_nowhere(self, folder, secret):
        (folder / "link").symlink_to(secret)
        outcome, log = run(folder, "print(open('link').read())")
        assert outcome.code == 1
        assert "FileNotFoundError" in log

    def test_the_file_is_hidden_at_its_other_place_too(self, folder, secret):
        from pathlib import Path

        mount = Mount(Path("/kaggle/input/c"), secret.parent)
        code = "print(repr(open('/kaggle/input/c/solution.csv').read()), open('/kaggle/input/c/train.csv').read())"
        assert run(folder, code, mounts=[mount], hidden=[secret])[1] == "'' for all\n"

    @pytest.mark.parametrize(
        "attempt",
        [
            "for p in os.listdir('/proc'):\n"
            "    if p.isdigit(): print(open(f'/proc/{p}/root' + SECRET).read())",
            "libc.umount2(PLACE, 2); print(open(SECRET).read())",
            "libc.umount2(SECRET.encode(), 2); print(open(SECRET).read())",
            "print(libc.unshare(0x10000000 | 0x20000)); libc.umount2(SECRET.encode(), 2); print(open(SECRET).read())",
            "print(libc.unshare(0x20000)); libc.umount2(SECRET.encode(), 2); print(open(SECRET).read())",
            "print(os.listdir('/proc'), [libc.setns(os.open(f'/proc/{p}/ns/mnt', 0), 0) for p in '12'],"
            " open(SECRET).read())",
            "os.system('nsenter -t 1 -m cat ' + SECRET); os.system('umount ' + SECRET); print(open(SECRET).read())",
            "os.mkdir('m'); print(libc.mount(PLACE, b'm', None, 4096, None), os.listdir('m'))",
            "print(libc.mount(b'none', PLACE, None, 32, None)); open(PLACE.decode() + '/new', 'w')",
            "print(libc.chroot(b'.'), os.listdir('/../..')); print(open(SECRET).read())",
        ],
    )  # fmt: skip
    def test_mounts_cannot_be_undone(self, folder, secret, attempt):
        code = (
            "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
            f"SECRET = {str(secret)!r}\nPLACE = {str(secret.parent)!r}.encode()\n{attempt}"
        )
        _, log = run(folder, code, read_only=[secret.parent], hidden=[secret])
        assert "the secret" not in log
        assert secret.read_text() == "the secret"
        assert sorted(p.name for p in secret.parent.iterdir()) == ["solution.csv", "train.csv"]

    def test_capabilities_are_gone_and_cannot_come_back(self, folder):
        code = (
            "for line in open('/proc/self/status'):\n"
            "    if line.startswith(('Cap', 'NoNewPrivs')): print(line.split()[1])"
        )
        _, log = run(folder, code)
        assert log.split() == [*["0000000000000000"] * 5, "1"]
        _, log = run(folder, "import ctypes; print(ctypes.CDLL(None).unshare(0x10000000))")
        assert log == "-1\n"

    @pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="no filter of calls for this machine")
    def test_calls_that_reach_past_the_namespaces_are_refused(self, folder):
        code = (
            "import os, socket\n"
            "def refused(action):\n"
            "    try: action()\n"
            "    except OSError as e: return e.errno\n"
            "import ctypes\n"
            "libc = ctypes.CDLL(None, use_errno=True)\n"
            "print(refused(lambda: socket.socket(40, socket.SOCK_STREAM)), refused(lambda: os.memfd_create('x')))\n"
            "print(libc.syscall(425, 1, ctypes.create_string_buffer(200)), ctypes.get_errno())\n"
            "print(*[socket.socket(f).family.name for f in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)])"
        )
        log = run(folder, code, isolation="namespace")[1]
        assert log == f"{errno.EAFNOSUPPORT} {errno.ENOSYS}\n-1 {errno.ENOSYS}\nAF_INET AF_INET6 AF_UNIX\n"

    def test_it_goes_first_where_memory_runs_out(self, folder):
        assert run(folder, "print(open('/proc/self/oom_score_adj').read())")[1].strip() == "1000"

    @pytest.mark.parametrize(
        "place", ["/usr/x", "/x", "/etc/x", "/proc/sys/kernel/core_pattern", "/dev/x", sys.prefix + "/x"]
    )
    def test_only_its_own_folder_can_be_written(self, folder, place):
        outcome, log = run(folder, f"open({place!r}, 'w').write('x')")
        assert outcome.code == 1
        assert "Error: [Errno" in log

    def test_processes_of_others_are_not_seen(self, folder):
        _, log = run(folder, "import os; print([p for p in os.listdir('/proc') if p.isdigit()])")
        assert log == "['1', '2']\n"

    def test_environment_of_the_caller_does_not_arrive(self, folder, monkeypatch):
        monkeypatch.setenv("KAGGLE_API_TOKEN", "secret-token")
        code = (
            "import os\nprint(dict(os.environ))\nfor p in (1, 'self'):\n"
            "    try: print(open(f'/proc/{p}/environ').read())\n    except OSError as e: print(e)"
        )
        assert "secret-token" not in run(folder, code)[1]

    def test_usual_programs_work(self, folder):
        code = (
            "import json, multiprocessing, tempfile, numpy, pandas\n"
            "pandas.DataFrame({'a': numpy.arange(3)}).to_csv('submission.csv', index=False)\n"
            "multiprocessing.Lock()\n"
            "with multiprocessing.Pool(2) as p: print(json.dumps(p.map(abs, [-1, 2])))"
        )
        environment = {"PATH": os.environ["PATH"], "TMPDIR": str(folder)}
        outcome, log = run(folder, code, environment=environment)
        assert (outcome.code, json.loads(log)) == (0, [1, 2])
        assert (folder / "submission.csv").read_text() == "a\n0\n1\n2\n"


@needs_namespaces
def test_where_namespaces_are_forbidden_the_socket_block_is_taken(folder):
    """Inside one isolation there can be no other: the system says no, as some do to everybody."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom aicomp.isolation import *\n"
        "print(network_isolation(), can_hide(), 'unshare' in isolation_fault())\n"
        "Path('w').mkdir()\n"
        "done = run_isolated([sys.executable, '-c', 'import socket; socket.getaddrinfo(\"a.b\", 1)'], folder=Path('w'),"
        " environment={}, seconds=60, memory_bytes=None, log=Path('log'))\n"
        "print(done.isolation, done.code, 'internet off' in Path('log').read_text())"
    )
    _, log = run(folder, code, environment={"PATH": os.environ["PATH"], "TMPDIR": str(folder)})
    assert log == "socket block False True\nsocket block 1 True\n"


def run_in(folder, log, code, **options):
    argv = [sys.executable, "-c", code]
    outcome = run_isolated(argv, folder=folder, log=log, seconds=60, memory_bytes=None, environment={}, **options)
    return outcome, log.read_text()


def test_asking_for_what_the_system_does_not_allow_is_refused(folder, monkeypatch):
    monkeypatch.setattr("aicomp.isolation.run.isolation_fault", lambda: "unshare: not permitted")
    with pytest.raises(AicompError, match="this system allows no namespaces: unshare: not permitted"):
        run(folder, "pass", isolation="namespace")
