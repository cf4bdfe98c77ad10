import errno
import hashlib
import io
import json
import os
import random
import signal
import socketserver
import stat
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
import requests
from faulty_bucket import GOOD, SLUG, TOKEN, FaultyBucket, Plan, faulty_bucket

from aicomp import archives
from aicomp.errors import AicompError, DataError, NetworkError, RefusedError
from aicomp.kaggle import download, partial
from aicomp.kaggle.cache import cache_folder
from aicomp.kaggle.digest import GrowingDigest
from aicomp.kaggle.download import Progress, download_competition
from aicomp.kaggle.endpoint import Endpoint
from aicomp.kaggle.partial import Partial, Whole
from aicomp.kaggle.patience import bucket_session
from aicomp.kaggle.transfer import CHUNK

SIZE = 2_000_000  # of the large file: more than a part without a record may have
TRAIN = random.Random(0).randbytes(SIZE)
NAME = "train.csv"


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    monkeypatch.setattr("aicomp.kaggle.patience.FIRST_PAUSE", 0.0)
    monkeypatch.setenv("AICOMP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT", raising=False)
    with faulty_bucket() as running:
        running.files = {NAME: TRAIN}
        yield running


def fetch(bucket, **options):
    with bucket.connect() as connection:
        return download_competition(connection, SLUG, **options)


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def cache_of(bucket):
    return cache_folder(Endpoint(bucket.url), SLUG)


def zipped(members, **attributes):
    """A .zip with these members; attributes of their ZipInfo."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in attributes.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return raw.getvalue()


def wrap(bucket):
    """Let the bucket hold the large file in a zip."""
    bucket.objects = {NAME: (f"{NAME}.zip", zipped({NAME: TRAIN}))}


# What a download brings


def test_files_lie_under_their_names_and_the_manifest_says_so(bucket):
    bucket.files |= {"images/a/1.png": b"png", "empty.csv": b"", "archive.zip": zipped({"x": "y"})}
    folder = fetch(bucket)
    assert contents(folder) == bucket.files
    manifest = json.loads((folder.parent / "manifest.json").read_text())
    assert manifest["whole"] is True
    row = next(row for row in manifest["files"] if row["name"] == "images/a/1.png")
    assert (row["size"], row["listed"]) == (3, "3 2026-01-02T03:04:05+00:00")
    assert row["sha256"] == hashlib.sha256(b"png").hexdigest()
    assert sorted(p.name for p in folder.parent.iterdir()) == ["files", "lock", "manifest.json"]


def test_a_second_project_downloads_nothing(bucket):
    folder = fetch(bucket)
    assert fetch(bucket) == folder
    assert len(bucket.gets) == 1
    assert bucket.methods == ["ListDataFiles", "DownloadDataFile", "ListDataFiles"]


def test_patterns_take_a_part_and_all_comes_later(bucket):
    bucket.files |= {"a/1.png": b"1", "a/2.png": b"2"}
    folder = fetch(bucket, patterns=["1.png"])
    assert contents(folder) == {"a/1.png": b"1"}
    assert json.loads((folder.parent / "manifest.json").read_text())["whole"] is False
    assert contents(fetch(bucket)) == bucket.files
    assert len(bucket.gets) == 3


def test_a_file_that_the_host_replaced_comes_again_and_one_that_is_gone_goes(bucket):
    bucket.files["old.csv"] = b"old"
    fetch(bucket)
    bucket.files = {NAME: TRAIN + b"more"}
    assert contents(fetch(bucket)) == bucket.files
    assert len(bucket.gets) == 3


def test_a_changed_file_in_the_cache_comes_again(bucket):
    path = fetch(bucket) / NAME
    path.touch()
    fetch(bucket)
    assert len(bucket.gets) == 1  # its SHA-256 is what it was
    path.write_bytes(TRAIN[:-1] + b"!")
    fetch(bucket)
    assert path.read_bytes() == TRAIN
    path.unlink()
    fetch(bucket)
    assert path.read_bytes() == TRAIN
    assert len(bucket.gets) == 3


def test_servers_and_competitions_have_folders_of_their_own(monkeypatch, tmp_path):
    monkeypatch.setenv("AICOMP_CACHE", str(tmp_path))
    assert cache_folder(Endpoint(), "titanic") == tmp_path / "hosts" / "kaggle" / "titanic"
    other = cache_folder(Endpoint("http://127.0.0.1:8000"), "titanic")
    assert other == tmp_path / "hosts" / "127.0.0.1_8000" / "titanic"
    monkeypatch.delenv("AICOMP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    if sys.platform == "linux":
        assert cache_folder(Endpoint(), "x") == tmp_path / "xdg" / "aicomp" / "hosts" / "kaggle" / "x"


def test_progress_says_how_much_how_fast_and_how_long(bucket, monkeypatch):
    monkeypatch.setattr("aicomp.kaggle.meter.SECONDS_BETWEEN_REPORTS", 0.0)
    bucket.files["test.csv"] = b"id\n"
    bucket.plans[NAME] = [Plan(cut_after=SIZE // 2)]
    seen: list[Progress] = []
    fetch(bucket, on_progress=seen.append)
    assert all(0 <= p.done <= p.total == SIZE + 3 for p in seen)
    assert {p.note for p in seen} == {NAME, "test.csv", ""}
    moving = next(p for p in seen if p.note == NAME and 0 < p.done < p.total)
    assert moving.rate > 0
    assert moving.seconds_left == pytest.approx((moving.total - moving.done) / moving.rate)
    assert (seen[-1].done, seen[-1].n_done, seen[-1].n_files) == (SIZE + 3, 2, 2)
    seen.clear()
    fetch(bucket, on_progress=seen.append)
    assert [(p.done, p.n_done, p.rate) for p in seen] == [(SIZE + 3, 2, 0)]


def test_several_files_come_at_once(bucket):
    bucket.files = {f"{i}.bin": random.Random(i).randbytes(1_000) for i in range(3 * download.N_AT_ONCE)}
    all_here = threading.Barrier(download.N_AT_ONCE, timeout=30)
    serve = bucket.object

    def serve_together(name):
        all_here.wait()  # broken, and an error for the client, if fewer ask at once
        return serve(name)

    bucket.object = serve_together
    assert contents(fetch(bucket)) == bucket.files
    assert len(bucket.gets) == 3 * download.N_AT_ONCE


def test_a_file_that_comes_wrapped_is_unpacked_to_its_listed_name(bucket):
    wrap(bucket)
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    bucket.files["test.csv"] = b"id\n"
    bucket.objects["test.csv"] = ("test.csv.zip", zipped({"other name": "id\n", "__MACOSX/._x": "junk"}))
    assert contents(fetch(bucket)) == bucket.files


def test_a_competition_without_files(bucket):
    bucket.files = {}
    with pytest.raises(DataError, match="`shop` has no files to download"):
        fetch(bucket)


def test_refused_rules_end_all_threads(bucket):
    bucket.files |= {f"{i}.csv": b"x" for i in range(9)}
    refusal = (403, {"code": 403, "message": "You must accept this competition's rules"})
    bucket.answers["DownloadDataFile"] = [refusal] * 20
    with pytest.raises(RefusedError, match="accept this competition's rules"):
        fetch(bucket)
    assert len(bucket.calls) <= 1 + download.N_AT_ONCE
    assert bucket.gets == []


# Cuts


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_cut_is_resumed_where_it_was(bucket, share):
    at = int(SIZE * share)
    bucket.plans[NAME] = [Plan(cut_after=at)]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["", f"bytes={at}-"]
    assert bucket.gets[1][1]["if-range"].startswith('"')
    assert all(headers["accept-encoding"] == "identity" for _, headers in bucket.gets)


def test_five_cuts_in_a_row_that_each_bring_something(bucket):
    bucket.plans[NAME] = [Plan(cut_after=100_000)] * 5 + [Plan(status=500)] * 4 + [Plan(cut_after=1)] * 5
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges[:6] == ["", *(f"bytes={i}00000-" for i in range(1, 6))]
    assert bucket.ranges[-1] == "bytes=500005-"


def test_cuts_without_progress_end(bucket):
    bucket.plans[NAME] = [Plan(cut_after=1_500_000)] + [Plan(cut_after=0)] * 5
    with pytest.raises(NetworkError, match=r"`train.csv` was not downloaded: the connection was cut") as e:
        fetch(bucket)
    assert "the 1,500,000 bytes that are here are kept" in e.value.hint
    assert e.value.exit_code == 6
    assert len(bucket.gets) == 6
    assert not (cache_of(bucket) / "manifest.json").exists()
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges[6:] == ["bytes=1500000-"]


def test_a_retry_after_of_the_bucket_is_honoured(bucket, monkeypatch):
    pauses = []
    monkeypatch.setattr("aicomp.kaggle.transfer.Transfer._pause", lambda self, seconds: pauses.append(seconds))
    bucket.plans[NAME] = [Plan(status=429, headers=(("Retry-After", "2"),))]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert pauses == [2.0]
    bucket.files["b"] = b"b"
    bucket.plans["b"] = [Plan(status=503, headers=(("Retry-After", "3600"),))]
    with pytest.raises(NetworkError, match="`b` was not downloaded: the bucket answers 503"):
        fetch(bucket)
    assert pauses == [2.0]


def test_a_stalled_body_is_resumed(bucket, monkeypatch):
    monkeypatch.setattr("aicomp.kaggle.patience.TIMEOUT", (5.0, 0.2))
    bucket.plans[NAME] = [Plan(stall_after=700_000)]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["", "bytes=700000-"]


def test_a_server_that_ignores_range_starts_anew(bucket):
    bucket.plans[NAME] = [Plan(cut_after=1_000_000), Plan(ignores_range=True)]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["", "bytes=1000000-"]


@pytest.mark.parametrize("plan", [Plan(shift=10), Plan(shift=-10), Plan(etag='"another"')], ids=str)
def test_another_range_or_whole_starts_anew(bucket, plan):
    bucket.plans[NAME] = [Plan(cut_after=1_000_000), plan]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["", "bytes=1000000-", ""]


def test_a_whole_that_changes_while_it_comes_is_not_mixed(bucket):
    bucket.plans[NAME] = [Plan(cut_after=1_000_000), Plan(cut_after=0)]
    other = random.Random(1).randbytes(SIZE)
    serve = bucket.object
    bucket.object = lambda name: serve(name) if len(bucket.gets) <= 2 else other
    assert contents(fetch(bucket)) == {NAME: other}
    assert bucket.ranges == ["", "bytes=1000000-", "bytes=1000000-"]  # If-Range made the last one a 200


def test_416_starts_anew(bucket):
    bucket.plans[NAME] = [Plan(cut_after=1_000_000), Plan(status=416)]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["", "bytes=1000000-", ""]


def test_416_of_a_part_that_is_whole(bucket):
    """All bytes came, but nothing said that they were all."""
    with Partial(cache_of(bucket) / "parts", NAME, f"{SIZE} 2026-01-02T03:04:05+00:00") as part:
        part.begin(Whole(etag='"x"'))
        part.append(TRAIN)
        part.record()
    bucket.plans[NAME] = [Plan(status=416, headers=(("Content-Range", f"bytes */{SIZE}"),))]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == [f"bytes={SIZE}-"]


def test_a_bucket_that_sends_pieces(bucket):
    bucket.plans[NAME] = [Plan(cut_after=500_000)] + [Plan(most=400_000)] * 4
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["", *(f"bytes={n}-" for n in (500_000, 900_000, 1_300_000, 1_700_000))]


def test_without_a_validator_a_cut_starts_anew(bucket):
    bucket.plans[NAME] = [Plan(cut_after=1_000_000, etag="")]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["", ""]


def test_a_weak_etag_is_no_validator_and_the_date_is_one():
    assert Whole('W/"1"', "Fri, 02 Jan 2026 03:04:05 GMT").validator == "Fri, 02 Jan 2026 03:04:05 GMT"
    assert Whole('"1"', "Fri, 02 Jan 2026 03:04:05 GMT").validator == '"1"'
    assert Whole('W/"1"').validator == Whole().validator == ""


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_expired_address_is_signed_again(bucket, status):
    bucket.plans[NAME] = [Plan(cut_after=1_000_000), Plan(status=status)]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    paths = [path for path, _ in bucket.gets]
    assert paths[0] == paths[1] != paths[2]
    assert bucket.ranges == ["", "bytes=1000000-", "bytes=1000000-"]
    assert bucket.methods == ["ListDataFiles", "DownloadDataFile", "DownloadDataFile"]


def test_a_bucket_that_always_refuses(bucket):
    bucket.plans[NAME] = [Plan(status=403)] * 9
    with pytest.raises(NetworkError, match=r"`train.csv` was not downloaded: the bucket answers 403: Forbidden") as e:
        fetch(bucket)
    assert e.value.exit_code == 6
    assert len({path for path, _ in bucket.gets}) == len(bucket.gets) == 5


# Kills and reboots


def test_after_a_reboot_only_flushed_bytes_count(bucket, monkeypatch):
    monkeypatch.setattr(partial, "SECONDS_BETWEEN_RECORDS", 1e9)
    folder, stamp = cache_of(bucket) / "parts", f"{SIZE} 2026-01-02T03:04:05+00:00"
    etag = '"40bf"'
    with Partial(folder, NAME, stamp) as part:
        part.begin(Whole(etag, total=SIZE))
        part.append(TRAIN[:600_000])
        part.record()
        part.append(b"\0" * 300_000)  # what a disk may show of bytes that it never got
    monkeypatch.setattr(partial, "boot", lambda: "another")
    bucket.plans[NAME] = [Plan(etag=etag)]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["bytes=600000-"]


def test_after_a_reboot_the_files_are_compared_with_their_sha256(bucket, monkeypatch):
    bucket.files["b.csv"] = b"id\n"
    folder = fetch(bucket)
    damaged = folder / NAME
    stat = damaged.stat()
    with damaged.open("r+b") as file:
        file.write(b"\0" * 4096)
    os.utime(damaged, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    monkeypatch.setattr("aicomp.kaggle.cache.boot", lambda: "another")
    assert contents(fetch(bucket)) == bucket.files
    assert sorted(path.split("?")[0] for path, _ in bucket.gets) == ["/bucket/b.csv", *["/bucket/train.csv"] * 2]
    # From now on nothing is computed again.
    monkeypatch.setattr("aicomp.kaggle.cache.file_sha256", None)
    fetch(bucket)
    rows = json.loads((folder.parent / "manifest.json").read_text())["files"]
    assert [row["boot"] for row in rows] == ["another", "another"]


def test_where_boots_cannot_be_told_apart_all_is_flushed(bucket, monkeypatch):
    flushed = []
    fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: flushed.append(os.fstat(descriptor).st_size) or fsync(descriptor)
    )
    monkeypatch.setattr(partial, "boot", lambda: "")
    monkeypatch.setattr("aicomp.kaggle.cache.boot", lambda: "")
    folder = fetch(bucket)
    assert SIZE in flushed
    assert json.loads((folder.parent / "manifest.json").read_text())["files"][0]["boot"] == ""


def test_a_part_resumes_only_as_what_it_was(tmp_path):
    whole = Whole('"1"', total=3_000_000)

    def write():
        with Partial(tmp_path, NAME, "stamp") as part:
            part.begin(whole)
            part.append(b"x" * 5_000)
            part.record()
            part.append(b"y" * 1_000)  # written, and not in the record: the process ends here

    def resumed(name=NAME, stamp="stamp"):
        with Partial(tmp_path, name, stamp) as part:
            return part.size, part.whole

    write()
    assert resumed() == (6_000, whole)
    assert resumed(stamp="replaced") == (0, Whole())
    write()
    path = next(tmp_path.glob("*.part"))
    os.truncate(path, 4_000)  # shorter than its record
    assert resumed() == (0, Whole())
    write()
    next(tmp_path.glob("*.json")).write_text("{")
    assert resumed() == (0, Whole())
    write()
    next(tmp_path.glob("*.json")).unlink()
    assert resumed() == (0, Whole())
    assert path.stat().st_size == 0


def test_a_new_whole_never_lies_under_the_record_of_the_old_one(tmp_path):
    with Partial(tmp_path, NAME) as part:
        part.begin(Whole('"1"', total=3_000_000))
        part.append(b"x" * 10)
        part.record()
        part.begin(Whole('"2"', total=10))  # too small for a record
        part.append(b"y" * 10)
    with Partial(tmp_path, NAME) as part:
        assert (part.size, part.whole) == (0, Whole())


@pytest.mark.slow
def test_killed_ten_times(bucket, tmp_path):
    bucket.files = {NAME: random.Random(2).randbytes(12_000_000), "b.bin": random.Random(3).randbytes(3_000_000)}
    bucket.rate = 2_500_000
    bucket.objects = {"b.bin": ("b.bin.zip", zipped({"b.bin": bucket.files["b.bin"]}))}
    program = (
        "import sys\n"
        "from aicomp.kaggle.connection import connect\n"
        "from aicomp.kaggle.credentials import Credentials\n"
        "from aicomp.kaggle.download import download_competition\n"
        "from aicomp.kaggle.endpoint import Endpoint\n"
        "with connect(Endpoint(sys.argv[1]), Credentials('t', token='t')) as connection:\n"
        f"    print(download_competition(connection, {SLUG!r}))\n"
    )
    chance, kills = random.Random(4), 0
    while kills < 10:
        before = len(bucket.gets)
        process = subprocess.Popen([sys.executable, "-c", program, bucket.url], stdout=subprocess.PIPE, text=True)
        while process.poll() is None and len(bucket.gets) == before:
            time.sleep(0.005)
        time.sleep(chance.random() * 0.4)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "the download was faster than the kills"
        kills += 1
    bucket.rate = 0
    done = subprocess.run([sys.executable, "-c", program, bucket.url], capture_output=True, text=True, check=True)
    assert contents(Path(done.stdout.strip())) == bucket.files
    # No byte that was written before a kill was asked for again.
    starts = [int(r[6:-1]) if r else 0 for (path, _), r in zip(bucket.gets, bucket.ranges, strict=True) if NAME in path]
    assert starts == sorted(starts)
    assert starts[-1] > 1_000_000


# Corrupt and truncated bodies


@pytest.mark.parametrize("header", ["x-goog-hash", "Content-MD5", "s3"])
def test_a_corrupt_byte_is_found_by_md5(bucket, header):
    bucket.md5_header = header
    bucket.plans[NAME] = [Plan(corrupt_at=1_234_567)]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["", ""]
    bucket.files["b.csv"] = b"good"
    bucket.plans["b.csv"] = [Plan(corrupt_at=2)] * 3
    with pytest.raises(NetworkError, match=r"`b.csv` arrived 3 times, each time with another MD5") as e:
        fetch(bucket)
    assert e.value.exit_code == 6
    assert contents(cache_of(bucket) / "files") == {NAME: TRAIN}


def test_md5_covers_what_was_resumed(bucket):
    bucket.md5_header = "x-goog-hash"
    bucket.plans[NAME] = [Plan(corrupt_at=3, cut_after=900_000), GOOD]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["", "bytes=900000-", ""]


def test_a_corrupt_byte_is_found_by_crc(bucket):
    wrap(bucket)
    bucket.plans[f"{NAME}.zip"] = [Plan(corrupt_at=1_234_567)]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["", ""]
    bucket.files["b.csv"] = b"good" * 9
    bucket.objects["b.csv"] = ("b.csv.zip", zipped({"b.csv": b"good" * 9}))
    bucket.plans["b.csv.zip"] = [Plan(corrupt_at=37)] * 3
    with pytest.raises(DataError, match=r"`b.csv` came in an archive that is cut or corrupt") as e:
        fetch(bucket)
    assert e.value.exit_code == 3
    assert not list(cache_of(bucket).glob("parts/*"))


@pytest.mark.parametrize("is_chunked", [False, True])
def test_truncated_without_a_length_is_compared_with_the_list(bucket, is_chunked):
    bucket.plans[NAME] = [Plan(has_length=False, is_chunked=is_chunked, end_after=1_500_000)]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["", "bytes=1500000-"]


def test_a_whole_body_without_a_length_is_taken(bucket):
    bucket.plans[NAME] = [Plan(has_length=False)]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert len(bucket.gets) == 1


def test_more_than_the_list_says_is_not_taken(bucket):
    bucket.sizes[NAME] = 1_000_000
    bucket.plans[NAME] = [Plan(has_length=False)] * 9
    with pytest.raises(NetworkError, match="the bucket sends more than 1,000,000 bytes"):
        fetch(bucket)
    assert all(p.stat().st_size <= 1_000_000 + CHUNK for p in cache_of(bucket).glob("parts/*.part"))


def test_truncated_without_a_length_in_a_zip(bucket):
    wrap(bucket)
    bucket.plans[f"{NAME}.zip"] = [Plan(has_length=False, end_after=1_500_000)]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert len(bucket.gets) == 2


def test_a_body_that_nothing_vouches_for_is_refused(bucket):
    bucket.sizes[NAME] = 0
    bucket.plans[NAME] = [Plan(has_length=False)] * 9
    with pytest.raises(NetworkError, match="came without its length, and the list of files has none") as e:
        fetch(bucket)
    assert e.value.exit_code == 6
    bucket.plans[NAME] = [Plan(is_chunked=True)]  # its end is marked
    assert contents(fetch(bucket)) == {NAME: TRAIN}


def test_a_listed_zip_vouches_for_itself(bucket):
    bucket.files = {"images.zip": zipped({"1.png": TRAIN})}
    bucket.sizes["images.zip"] = 0
    bucket.plans["images.zip"] = [Plan(has_length=False, end_after=1_000_000), Plan(has_length=False)]
    assert contents(fetch(bucket)) == bucket.files
    assert len(bucket.gets) == 2


def test_another_size_than_the_list_says(bucket):
    bucket.sizes[NAME] = SIZE + 1
    with pytest.raises(NetworkError, match=r"the bucket has 2,000,000 bytes of `train.csv`, the list of files says"):
        fetch(bucket)
    assert len(bucket.gets) == 1


def test_a_packed_body_is_refused(bucket):
    bucket.plans[NAME] = [Plan(headers=(("Content-Encoding", "gzip"),))] * 9
    with pytest.raises(NetworkError, match="packs the file as `gzip` though it was asked not to"):
        fetch(bucket)


# Archives


@pytest.mark.parametrize(
    ("members", "attributes", "fault"),
    [
        ({"../../evil": "x"}, {}, "climbs out of the folder"),
        ({"/tmp/evil": "x"}, {}, "is an absolute path"),
        ({NAME: "/etc/passwd"}, {"external_attr": (stat.S_IFLNK | 0o777) << 16}, "is a link"),
        ({NAME: "x"}, {"external_attr": (stat.S_IFCHR | 0o777) << 16}, "is no plain file"),
        ({NAME: b"0" * 20_000_000}, {}, "more than 200 times its size"),
        ({"a": "1", "b": "2"}, {}, "should hold `train.csv` and holds 2 files"),
    ],
)
@pytest.mark.parametrize("is_bundle", [False, True], ids=["single", "bundle"])
def test_a_hostile_zip_unpacks_nothing(bucket, tmp_path, members, attributes, fault, is_bundle):
    bucket.files = {NAME: b"id\n1\n"}
    if is_bundle:
        bucket.answers["DownloadDataFile"] = [(404, {"code": 404, "message": "Not found"})]
        bucket.objects = {"": (f"{SLUG}.zip", zipped({NAME: "id\n1\n", **members}, **attributes))}
        if "holds 2 files" in fault:
            return  # of the archive with all files, others are left alone
    else:
        bucket.objects = {NAME: (f"{NAME}.zip", zipped(members, **attributes))}
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataError, match=fault) as e:
        fetch(bucket)
    assert e.value.exit_code == 3
    assert len(bucket.gets) == 1
    assert contents(cache_of(bucket) / "files") == {}
    assert sorted({*tmp_path.iterdir()} - {tmp_path / "cache"}) == before


def test_an_archive_may_unpack_to_what_the_list_says(bucket, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 1_000)
    wrap(bucket)
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    bucket.files = {NAME: b"x" * 10}
    bucket.objects = {NAME: (f"{NAME}.zip", zipped({NAME: b"x" * 1_001}))}
    with pytest.raises(DataError, match="brings the archive to 1,001 bytes, more than 1,000"):
        fetch(bucket)


def test_the_archive_where_single_files_cannot_be_had(bucket):
    bucket.files |= {"a/1.png": b"1", "wrapped.csv": b"id\n"}
    inner = {NAME: TRAIN, "a/1.png": b"1", "wrapped.csv.zip": zipped({"wrapped.csv": "id\n"}), "unlisted": "x"}
    bucket.objects = {"": (f"{SLUG}.zip", zipped(inner))}
    bucket.answers["DownloadDataFile"] = [(404, {"code": 404, "message": "Not found"})] * 9
    bucket.plans[f"{SLUG}.zip"] = [Plan(cut_after=1_000_000), Plan(status=403)]
    folder = fetch(bucket)
    assert contents(folder) == bucket.files
    assert bucket.ranges == ["", "bytes=1000000-", "bytes=1000000-"]
    assert json.loads((folder.parent / "manifest.json").read_text())["whole"] is True
    assert sorted(p.name for p in folder.parent.iterdir()) == ["files", "lock", "manifest.json"]


def test_a_great_many_files_come_as_one_archive(bucket, monkeypatch):
    monkeypatch.setattr(download, "MOST_SINGLE_FILES", 3)
    bucket.files = {f"{i}.png": b"x" * (i + 1) for i in range(4)}
    bucket.objects = {"": (f"{SLUG}.zip", zipped(bucket.files))}
    assert contents(fetch(bucket)) == bucket.files
    assert bucket.methods == ["ListDataFiles", "DownloadDataFiles"]


def test_an_archive_that_lacks_a_file_or_has_another(bucket):
    bucket.answers["DownloadDataFile"] = [(404, {"code": 404, "message": "Not found"})] * 2
    bucket.objects = {"": (f"{SLUG}.zip", zipped({"other": "x"}))}
    with pytest.raises(NetworkError, match=r"the archive of `shop` lacks `train.csv`"):
        fetch(bucket)
    bucket.objects = {"": (f"{SLUG}.zip", zipped({NAME: "x"}))}
    with pytest.raises(NetworkError, match="has 1 bytes in the archive, the list of files says 2,000,000"):
        fetch(bucket)


# The disk


def test_too_little_room_is_seen_before_the_first_byte(bucket, monkeypatch):
    monkeypatch.setattr("aicomp.kaggle.room.shutil.disk_usage", lambda path: type("Usage", (), {"free": 1_000_000}))
    with pytest.raises(AicompError, match=r"1 MB free, and .* are needed") as e:
        fetch(bucket)
    assert "AICOMP_CACHE" in e.value.hint
    assert e.value.exit_code == 1
    assert bucket.gets == []
    bucket.sizes[NAME] = 0  # the list does not say: the bucket does
    with pytest.raises(AicompError, match="1 MB free"):
        fetch(bucket)
    assert len(bucket.gets) == 1
    assert not [p for p in cache_of(bucket).glob("parts/*.part") if p.stat().st_size]


def test_a_disk_that_fills_keeps_the_part(bucket, monkeypatch):
    class FullFile:
        """A file on a disk that takes a million bytes: it writes what fits, and only then fails."""

        def __init__(self, file):
            self._file = file

        def write(self, data):
            room = 1_000_000 - os.fstat(self._file.fileno()).st_size
            if room <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self._file.write(data[:room])

        def __getattr__(self, name):
            return getattr(self._file, name)

    opened = Partial.__enter__

    def enter(self):
        opened(self)
        self._file = FullFile(self._file)
        return self

    monkeypatch.setattr(Partial, "__enter__", enter)
    with pytest.raises(AicompError, match="No space left on device") as e:
        fetch(bucket)
    assert e.value.exit_code == 1
    assert [p.stat().st_size for p in cache_of(bucket).glob("parts/*.part")] == [1_000_000]
    monkeypatch.setattr(Partial, "__enter__", opened)
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert bucket.ranges == ["", "bytes=1000000-"]


# Others on this machine


def test_two_at_once_download_once(bucket):
    bucket.rate = 5_000_000
    notes: list[str] = []
    folders: list[Path] = []

    def work():
        folders.append(fetch(bucket, on_progress=lambda p: notes.append(p.note)))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(folders) == 3
    assert contents(folders[0]) == {NAME: TRAIN}
    assert len(bucket.gets) == 1
    assert "waiting for another aicomp, which downloads the same" in notes


def test_the_bucket_never_sees_credentials(bucket, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password s3cret\n")
    bucket.plans[NAME] = [Plan(cut_after=1_000), Plan(status=401, headers=(("WWW-Authenticate", "Basic"),))]
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert len(bucket.gets) == 3
    assert not [headers for _, headers in bucket.gets if {"authorization", "cookie"} & set(headers)]
    assert TOKEN not in str(bucket.gets)
    bucket.files["b"] = b"b"
    bucket.plans["b"] = [Plan(status=302, headers=(("Location", f"{bucket.url}/elsewhere"),))] * 9
    with pytest.raises(NetworkError, match="the bucket answers 302"):
        fetch(bucket)
    assert not [path for path, _ in bucket.gets if "elsewhere" in path]


@pytest.mark.parametrize("header", ["not base64", "c2hvcnQ="])
def test_an_md5_that_is_none_is_not_passed_over(bucket, header):
    bucket.plans[NAME] = [Plan(headers=(("Content-MD5", header),))] * 9
    with pytest.raises(NetworkError, match=f"the bucket gives `{header}` as MD5, which is none"):
        fetch(bucket)


def test_the_proxy_of_the_environment_is_used(bucket, monkeypatch):
    seen: list[str] = []

    class Proxy(socketserver.StreamRequestHandler):
        """Forwards each request in absolute form, and closes."""

        def handle(self):
            line = self.rfile.readline().decode()
            method, target, _ = line.split()
            seen.append(f"{method} {target}")
            headers = dict(h.split(": ", 1) for h in iter(lambda: self.rfile.readline().decode().strip(), ""))
            body = self.rfile.read(int(headers.get("Content-Length", 0)))
            with requests.Session() as session:
                session.trust_env = False
                got = session.request(method, target, headers=headers, data=body, allow_redirects=False)
            kept = [name for name in ("Location", "ETag", "Content-Type") if name in got.headers]
            lines = [f"HTTP/1.1 {got.status_code} x", *(f"{name}: {got.headers[name]}" for name in kept)]
            lines += [f"Content-Length: {len(got.content)}", "Connection: close"]
            self.wfile.write("\r\n".join([*lines, "", ""]).encode() + got.content)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_address[1]}")
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    server.shutdown()
    server.server_close()
    base = f"{bucket.url}/api/v1/competitions.CompetitionApiService"
    assert seen[:2] == [f"POST {base}/ListDataFiles", f"POST {base}/DownloadDataFile"]
    assert seen[2].startswith(f"GET {bucket.url}/bucket/train.csv?signature=")


# Small parts


def test_a_digest_follows_a_file_that_grows(tmp_path):
    path = tmp_path / "x"
    with path.open("wb", buffering=0) as file:
        digest = GrowingDigest(path, ["md5", "sha256"])
        for start in range(0, SIZE, 300_000):
            file.write(TRAIN[start : start + 300_000])
            digest.advance(min(SIZE, start + 300_000))
        assert digest.result() == {n: hashlib.new(n, TRAIN).hexdigest() for n in ("md5", "sha256")}
    short = GrowingDigest(path, ["md5"])
    short.advance(SIZE + 1)
    with pytest.raises(OSError, match="ends after 2000000 of 2000001 bytes"):
        short.result()


def test_a_digest_gives_up_on_a_fast_line_what_nobody_waits_for(tmp_path, monkeypatch):
    monkeypatch.setattr("aicomp.kaggle.digest.SAMPLE", 1_000)
    path = tmp_path / "x"
    path.write_bytes(TRAIN)
    expected = {n: hashlib.new(n, TRAIN).hexdigest() for n in ("md5", "sha256")}
    for fast_line, found in ((0, {"md5"}), (1e15, {"md5", "sha256"})):
        monkeypatch.setattr("aicomp.kaggle.digest.FAST_LINE", fast_line)
        digest = GrowingDigest(path, ["md5"], ["sha256"])
        digest.advance(SIZE)
        assert digest.result() == {name: expected[name] for name in found}


def test_what_came_too_fast_to_be_hashed_is_hashed_when_it_is_next_asked_for(bucket, monkeypatch):
    monkeypatch.setattr("aicomp.kaggle.digest.SAMPLE", 1_000)
    monkeypatch.setattr("aicomp.kaggle.digest.FAST_LINE", 0)
    folder = fetch(bucket)

    def recorded():
        return json.loads((folder.parent / "manifest.json").read_text())["files"][0]["sha256"]

    assert recorded() == ""
    fetch(bucket)
    assert recorded() == hashlib.sha256(TRAIN).hexdigest()
    assert len(bucket.gets) == 1
    (folder / NAME).unlink()
    fetch(bucket)
    monkeypatch.setattr("aicomp.kaggle.cache.boot", lambda: "another")
    assert contents(fetch(bucket)) == {NAME: TRAIN}
    assert len(bucket.gets) == 3


def test_a_session_for_buckets_takes_no_password_from_the_home_folder(bucket: FaultyBucket, tmp_path):
    (tmp_path / ".netrc").write_text("default login ada password s3cret\n")
    with bucket_session() as session:
        session.get(f"{bucket.url}/bucket/x")
    assert "authorization" not in bucket.gets[0][1]
