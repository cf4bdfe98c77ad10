"""Many teams submit to `aicomp host` at once, the server is killed in the middle, and every submission is counted.

    python benchmarks/host_load.py                        # 50 teams for a minute, killed (-9) after half of it
    python benchmarks/host_load.py --teams 5 --seconds 10 --no-kill

Each team uploads a file of its own and submits it, again and again. A submission counts as acknowledged once its number
has come back. Meanwhile one reader asks for the leaderboard page. At the end every acknowledged submission must be
there, scored, and nothing may be there twice.
"""

import argparse
import http.client
import json
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

N_ROWS = 1000
SLUG = "load"
SERVICE = "/api/v1/competitions.CompetitionApiService"


@dataclass
class Load:
    """What was sent and what came back; `lock` guards the lists.

    Attributes:
        stop: When to end, by `time.monotonic`.
        acknowledged: Number and description of each submission that the server confirmed.
        uncertain: Descriptions of submissions whose answer never came.
        latencies: Seconds from the start of an upload to the number of the submission.
        pages: Seconds per leaderboard page.
        failures: What else went wrong, by text.
    """

    stop: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    acknowledged: list[tuple[int, str]] = field(default_factory=list)
    uncertain: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)

    def failed(self, error: BaseException) -> None:
        with self.lock:
            name = f"{type(error).__name__}: {error}"[:90]
            self.failures[name] = self.failures.get(name, 0) + 1


def write_competition(folder: Path) -> None:
    """A competition of `N_ROWS` hidden rows, with a daily limit that nobody reaches."""
    draw = random.Random(0)
    folder.mkdir(parents=True)
    rows = [(i, draw.random(), draw.random()) for i in range(2 * N_ROWS)]
    for name, header, lines in (
        ("train", "id,x,y", [f"{i},{x},{y}" for i, x, y in rows[:N_ROWS]]),
        ("test", "id,x", [f"{i},{x}" for i, x, _ in rows[N_ROWS:]]),
        ("sample_submission", "id,y", [f"{i},0.5" for i, _, _ in rows[N_ROWS:]]),
        ("solution", "id,y", [f"{i},{y}" for i, _, y in rows[N_ROWS:]]),
    ):
        (folder / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n")
    (folder / "host.toml").write_text('title = "Load"\nmetric = "rmse"\nmax_daily_submissions = 1000000\n')


def make_teams(state: Path, n_teams: int) -> list[str]:
    tokens = []
    for k in range(n_teams):
        command = ["host", "team", f"Team {k}", "--state", str(state), "--accept-rules", "--json"]
        tokens.append(json.loads(subprocess.check_output([*AICOMP, *command], stderr=subprocess.DEVNULL))["token"])
    return tokens


def start_server(competitions: Path, state: Path, port: int = 0) -> tuple["subprocess.Popen[str]", str]:
    command = [*AICOMP, "host", str(competitions), "--state", str(state), "--port", str(port), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["url"]


def call(connection: http.client.HTTPConnection, token: str, method: str, body: dict[str, object]) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", f"{SERVICE}/{method}", json.dumps(body), headers)
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise RuntimeError(f"{method} answers {response.status}")
    return dict(json.loads(content or b"{}"))


def team_works(load: Load, port: int, token: str, number: int) -> None:
    draw = random.Random(number)
    count = 0
    while time.monotonic() < load.stop:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            while time.monotonic() < load.stop:
                count += 1
                submit_once(load, connection, token, draw, f"{number}/{count}")
        except (OSError, http.client.HTTPException, RuntimeError) as e:
            load.failed(e)
            time.sleep(0.2)
        finally:
            connection.close()


def submit_once(load: Load, connection: http.client.HTTPConnection, token: str, draw: random.Random, name: str) -> None:
    body = "id,y\n" + "".join(f"{i},{draw.random():.6f}\n" for i in range(N_ROWS, 2 * N_ROWS))
    started = time.monotonic()
    size = {"competitionName": SLUG, "fileName": "s.csv", "contentLength": len(body)}
    upload = call(connection, token, "StartSubmissionUpload", size)
    target = urlsplit(str(upload["createUrl"]))
    connection.request("PUT", f"{target.path}?{target.query}", body.encode())
    response = connection.getresponse()
    response.read()
    if response.status not in (200, 201):
        raise RuntimeError(f"the bucket answers {response.status}")
    request = {"competitionName": SLUG, "blobFileTokens": upload["token"], "submissionDescription": name}
    try:
        ref = int(str(call(connection, token, "CreateSubmission", request)["ref"]))
    except (OSError, http.client.HTTPException):
        with load.lock:
            load.uncertain.append(name)
        raise
    with load.lock:
        load.acknowledged.append((ref, name))
        load.latencies.append(time.monotonic() - started)


def reader_reads(load: Load, port: int) -> None:
    while time.monotonic() < load.stop:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            started = time.monotonic()
            connection.request("GET", f"/competitions/{SLUG}/leaderboard")
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise RuntimeError(f"the leaderboard page answers {response.status}")
            with load.lock:
                load.pages.append(time.monotonic() - started)
            time.sleep(0.05)
        except (OSError, http.client.HTTPException, RuntimeError) as e:
            load.failed(e)
            time.sleep(0.2)
        finally:
            connection.close()


def all_submissions(port: int, token: str) -> list[dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found: list[dict[str, object]] = []
    page = ""
    while True:
        answer = call(connection, token, "ListSubmissions", {"competitionName": SLUG, "pageToken": page})
        found += answer.get("submissions", [])  # type: ignore[arg-type]
        page = str(answer.get("nextPageToken", ""))
        if not page:
            connection.close()
            return found


def settle(port: int, tokens: list[str], seconds: float) -> list[dict[str, object]]:
    """All submissions of all teams, once none is PENDING."""
    ends = time.monotonic() + seconds
    while True:
        found = [submission for token in tokens for submission in all_submissions(port, token)]
        if time.monotonic() > ends or all(s.get("status", "PENDING") != "PENDING" for s in found):
            return found
        time.sleep(1)


def report(load: Load, found: list[dict[str, object]], seconds: float) -> bool:
    by_ref = {int(str(s["ref"])): s for s in found}
    descriptions = [str(s.get("description", "")) for s in found]
    lost = [ref for ref, _ in load.acknowledged if ref not in by_ref]
    unscored = [s["ref"] for s in found if s.get("status") != "COMPLETE" or not s.get("publicScore")]
    twice = len(descriptions) - len(set(descriptions)) + len(found) - len(by_ref)
    arrived = len(set(descriptions) & set(load.uncertain))
    print(f"acknowledged: {len(load.acknowledged)} ({len(load.acknowledged) / seconds:.0f} a second)")
    print(f"without an answer: {len(load.uncertain)}, of which {arrived} had arrived")
    print(f"on the server: {len(found)}; lost {len(lost)}, twice {twice}, without score {len(unscored)}")
    for name, values in (("submission", load.latencies), ("leaderboard page", load.pages)):
        if len(values) > 1:
            cuts = statistics.quantiles(values, n=100)
            print(f"{name}: median {cuts[49] * 1000:.0f} ms, p95 {cuts[94] * 1000:.0f} ms, n {len(values)}")
    for failure, count in sorted(load.failures.items()):
        print(f"seen by clients: {count} x {failure}")
    return not lost and not twice and not unscored and len(found) == len(load.acknowledged) + arrived


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teams", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kill", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="aicomp-load-"))
    competitions, state = folder / "competitions", folder / "state"
    write_competition(competitions / SLUG)
    tokens = make_teams(state, options.teams)
    server, url = start_server(competitions, state)
    port = urlsplit(url).port or 0
    try:
        load = Load(time.monotonic() + options.seconds)
        threads = [threading.Thread(target=team_works, args=(load, port, t, k)) for k, t in enumerate(tokens)]
        threads.append(threading.Thread(target=reader_reads, args=(load, port)))
        for thread in threads:
            thread.start()
        if options.kill:
            time.sleep(options.seconds / 2)
            server.send_signal(signal.SIGKILL)
            server.wait()
            server, _ = start_server(competitions, state, port)
            print("the server was killed (-9) and started again")
        for thread in threads:
            thread.join()
        ended = time.monotonic()
        found = settle(port, tokens, 900)
        print(
            f"{options.teams} teams, {options.seconds:.0f} s; all scores there {time.monotonic() - ended:.0f} s later"
        )
        return 0 if report(load, found, options.seconds) else 1
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


AICOMP = [sys.executable, "-m", "aicomp"]

if __name__ == "__main__":
    sys.exit(main())
