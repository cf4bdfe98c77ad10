"""How fast `aicomp` downloads beside curl, from the same server in the same run: `python benchmarks/download.py`.

By default the server is a small one of this file, which sends a file of 1 GB by sendfile, as fast as loopback goes. All
that a download does is timed: list, signed address, transfer, SHA-256 (and MD5 with `--md5`), and the manifest. curl
writes the same bytes to a file on the same disk, and computes nothing.

    --host URL --slug SLUG   a running host instead, with AICOMP_TOKEN
    --url URL                any address instead, without a list
"""

import argparse
import base64
import hashlib
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "train.bin"
SLUG = "benchmark"
MB = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the file (default 1024)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each program downloads (default 5)")
    parser.add_argument("--folder", type=Path, help="where to write; by default the system's temporary folder")
    parser.add_argument("--md5", action="store_true", help="let the server give an MD5, which is then checked")
    parser.add_argument("--host")
    parser.add_argument("--slug", default=SLUG)
    parser.add_argument("--url")
    for internal in ("--serve", "--fetch", "--sign"):
        parser.add_argument(internal, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(Path(options.serve), md5=options.md5)
    elif options.fetch:
        print(json.dumps(fetch(options)))
    elif options.sign:
        print(sign(options))
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir=options.folder) as text:
        folder = Path(text)
        with served(options, folder):
            rows: dict[str, list[dict[str, float]]] = {"curl": [], "aicomp": []}
            for _ in range(options.rounds):
                rows["curl"].append(timed_curl(options, folder / "curl.bin"))
                rows["aicomp"].append(timed_aicomp(options, folder / "cache"))
        print(f"{rows['curl'][0]['bytes'] / MB:.0f} MiB, {options.rounds} rounds in turn, into {folder.parent}\n")
        print("| program | MiB/s, median | slowest | fastest | peak memory | grown during the download |")
        print("|---|---|---|---|---|---|")
        for name, runs in rows.items():
            rates = sorted(run["bytes"] / MB / run["seconds"] for run in runs)
            grown = f"{max(run['grown'] for run in runs):.0f} MiB" if "grown" in runs[0] else "-"
            peak = max(run["peak"] for run in runs)
            middle = statistics.median(rates)
            print(f"| {name} | {middle:.0f} | {rates[0]:.0f} | {rates[-1]:.0f} | {peak:.0f} MiB | {grown} |")
        pairs = zip(rows["curl"], rows["aicomp"], strict=True)
        ratios = sorted(curl["seconds"] / ours["seconds"] for curl, ours in pairs)
        middle = statistics.median(ratios)
        print(f"\naicomp / curl: median {middle:.2f}, lowest {ratios[0]:.2f}, highest {ratios[-1]:.2f}")


@contextmanager
def served(options: argparse.Namespace, folder: Path) -> Iterator[None]:
    """Start the server of this file, unless another one is named."""
    if options.host or options.url:
        yield
        return
    source = folder / NAME
    with source.open("wb") as file:
        for _ in range(options.size):
            file.write(os.urandom(MB))
    command = [sys.executable, __file__, "--serve", str(source), *(["--md5"] if options.md5 else [])]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    options.host = f"http://127.0.0.1:{server.stdout.readline().strip()}"
    os.environ["AICOMP_TOKEN"] = "any"
    try:
        yield
    finally:
        server.kill()
        server.wait()


def timed_curl(options: argparse.Namespace, target: Path) -> dict[str, float]:
    url = (
        options.url or subprocess.run(own(options, "--sign"), check=True, capture_output=True, text=True).stdout.strip()
    )
    started = time.perf_counter()
    process = subprocess.Popen(["curl", "--silent", "--fail", "--output", str(target), url])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    assert status == 0, f"curl ended with {os.waitstatus_to_exitcode(status)}"
    size = target.stat().st_size
    target.unlink()
    return {"seconds": seconds, "bytes": size, "peak": usage.ru_maxrss / 1024}


def timed_aicomp(options: argparse.Namespace, cache: Path) -> dict[str, float]:
    environment = os.environ | {"AICOMP_CACHE": str(cache)}
    done = subprocess.run(own(options, "--fetch"), check=True, stdout=subprocess.PIPE, text=True, env=environment)
    shutil.rmtree(cache)
    return json.loads(done.stdout)


def own(options: argparse.Namespace, what: str) -> list[str]:
    place = ["--url", options.url] if options.url else ["--host", options.host, "--slug", options.slug]
    return [sys.executable, __file__, what, "yes", *place]


def fetch(options: argparse.Namespace) -> dict[str, float]:
    """Download in this process; the time does not include the start of Python, nor the imports."""
    from aicomp.kaggle.connection import connect
    from aicomp.kaggle.download import download_competition
    from aicomp.kaggle.endpoint import find_endpoint
    from aicomp.kaggle.partial import Partial
    from aicomp.kaggle.patience import bucket_session
    from aicomp.kaggle.transfer import Transfer

    cache = Path(os.environ["AICOMP_CACHE"])
    if options.url:
        with bucket_session() as session, Partial(cache, options.url) as partial:
            transfer = Transfer(session, lambda: options.url, partial, options.url)
            before, started = peak(), time.perf_counter()
            transfer.run()
            seconds, size = time.perf_counter() - started, partial.size
    else:
        with connect(find_endpoint(options.host)) as connection:
            before, started = peak(), time.perf_counter()
            folder = download_competition(connection, options.slug)
            seconds = time.perf_counter() - started
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"seconds": seconds, "bytes": size, "peak": peak(), "grown": peak() - before}


def sign(options: argparse.Namespace) -> str:
    from aicomp.kaggle import files
    from aicomp.kaggle.connection import connect
    from aicomp.kaggle.endpoint import find_endpoint

    with connect(find_endpoint(options.host)) as connection:
        largest = max(files.list_files(connection, options.slug), key=lambda file: file.bytes)
        return files.sign(connection, options.slug, largest.name)


def peak() -> float:
    """Most memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def serve(path: Path, *, md5: bool) -> None:
    """Answer Kaggle's two calls, and send the file by sendfile."""
    digest = ""
    if md5:
        with path.open("rb") as file:
            digest = base64.b64encode(hashlib.file_digest(file, "md5").digest()).decode()
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=answer, args=(connection, path, digest), daemon=True).start()


def answer(connection: socket.socket, path: Path, md5: str) -> None:
    with connection, connection.makefile("rb") as reader, path.open("rb") as file:
        while line := reader.readline().decode():
            headers = "".join(iter(lambda: reader.readline().decode().replace("\r\n", "\n"), "\n")).lower()
            length = re.search(r"^content-length: (\d+)", headers, re.MULTILINE)
            reader.read(int(length[1]) if length else 0)
            if line.startswith("GET"):
                send_file(connection, file.fileno(), path.stat().st_size, headers, md5)
            elif "ListDataFiles" in line:
                send_json(connection, {"files": [{"name": NAME, "totalBytes": path.stat().st_size}]})
            else:
                head = f"HTTP/1.1 302 Found\r\nLocation: /{NAME}?signature=x\r\nContent-Length: 0\r\n\r\n"
                connection.sendall(head.encode())


def send_json(connection: socket.socket, content: object) -> None:
    body = json.dumps(content)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall((head + body).encode())


def send_file(connection: socket.socket, file: int, size: int, headers: str, md5: str) -> None:
    asked = re.search(r"^range: bytes=(\d+)-", headers, re.MULTILINE)
    start = int(asked[1]) if asked else 0
    lines = [f"HTTP/1.1 {'206 Partial Content' if asked else '200 OK'}", 'ETag: "1"', f"Content-Length: {size - start}"]
    lines += [f"Content-Range: bytes {start}-{size - 1}/{size}"] if asked else []
    lines += [f"x-goog-hash: md5={md5}"] if md5 else []
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    while start < size:
        start += os.sendfile(connection.fileno(), file, start, min(size - start, 16 * MB))


if __name__ == "__main__":
    main()
