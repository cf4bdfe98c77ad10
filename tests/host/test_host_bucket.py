"""Signed addresses, ranges, resumed uploads, and names that try to get at what is withheld."""

import base64
import hashlib
import io
import socket
import zipfile
from datetime import timedelta
from urllib.parse import quote

import pytest
from hosting import local_host, submission_text, write_competition

from aicomp.host import uploads
from aicomp.host.wire import ApiError


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bucket")
    shop = write_competition(folder / "shop", max_daily_submissions=100)
    (shop / "images").mkdir()
    (shop / "images" / "a b&c.png").write_bytes(bytes(range(256)))
    with local_host(folder, max_submission_bytes=5000) as local:
        yield local


@pytest.fixture(scope="module")
def ada(local):
    return local.team()


def address(team, name):
    answer = team.post("DownloadDataFile", competitionName="shop", fileName=name)
    assert answer.status_code == 302
    return answer.headers["location"]


def test_a_download_needs_no_authorization(local, ada):
    place = address(ada, "images/a b&c.png")
    assert place.startswith(f"{local.url}/bucket/data/shop/images/a%20b%26c.png?expires=")
    found = local.http.get(place)
    assert (found.status_code, found.content) == (200, bytes(range(256)))
    assert found.headers["accept-ranges"] == "bytes"
    assert found.headers["content-length"] == "256"
    assert found.headers["content-type"] == "application/octet-stream"
    assert found.headers["x-goog-hash"] == "md5=" + base64.b64encode(hashlib.md5(bytes(range(256))).digest()).decode()
    assert local.http.head(place).headers["content-length"] == "256"


def test_ranges(local, ada):
    place = address(ada, "images/a b&c.png")
    whole = local.http.get(place)
    part = local.http.get(place, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert part.headers["content-range"] == "bytes 10-19/256"
    for validator in (whole.headers["etag"], whole.headers["last-modified"]):
        rest = local.http.get(place, headers={"Range": "bytes=250-", "If-Range": validator})
        assert (rest.status_code, rest.content) == (206, bytes(range(250, 256)))
    other = local.http.get(place, headers={"Range": "bytes=250-", "If-Range": '"another"'})
    assert (other.status_code, len(other.content)) == (200, 256)
    assert local.http.get(place, headers={"Range": "bytes=256-"}).status_code == 416


def test_an_address_holds_for_its_time_method_and_file_alone(local, ada):
    place = address(ada, "train.csv")
    assert local.http.get(place).status_code == 200
    for wrong in (
        place.replace("train.csv", "test.csv"),
        place.replace("expires=1", "expires=2"),
        place.partition("&signature")[0],
        place.partition("?")[0],
        place[:-1] + ("0" if place[-1] != "0" else "1"),
    ):
        refused = local.http.get(wrong)
        assert refused.status_code == 403, wrong
        assert "<Code>SignatureDoesNotMatch</Code>" in refused.text
    assert local.http.put(place.replace("/data/", "/upload/"), content=b"x").status_code in (403, 404, 405)
    local.clock.now += timedelta(hours=2)
    expired = local.http.get(place)
    assert (expired.status_code, expired.headers["content-type"]) == (403, "application/xml")
    assert "<Code>ExpiredToken</Code>" in expired.text


NAMES = [
    "solution.csv",
    "SOLUTION.CSV",
    "Solution.csv",
    "./solution.csv",
    "images/../solution.csv",
    "../shop/solution.csv",
    "..%2fshop%2fsolution.csv",
    "%2e%2e/shop/solution.csv",
    "images/..\\solution.csv",
    "solution.csv\0.png",
    "solution.csv/",
    "host.toml",
    ".aicomp-host/host.sqlite3",
    "../.aicomp-host/host.sqlite3",
    "/etc/passwd",
    "../../../../../../etc/passwd",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_gets_at_what_is_withheld(local, ada, name):
    answer = ada.post("DownloadDataFile", competitionName="shop", fileName=name)
    assert answer.status_code == 404
    # Even with an address that this host had signed, nothing but a listed file is found.
    for kind in ("data", "archives", "submissions"):
        for rest in (f"shop/{name}", name, f"shop/../shop/{name}", f"shop/{quote(name, safe='')}"):
            place = local.host.bucket.url(local.url, kind, rest)
            found = local.http.get(place)
            if kind == "archives" and rest.startswith("shop/"):
                continue  # the archive of shop, whatever it is called; its content is tested below
            assert found.status_code in (403, 404), place
            assert b"a3,3" not in found.content


def test_the_archive_holds_the_data_files_and_is_the_same_bytes_each_time(local, ada):
    answer = ada.post("DownloadDataFiles", competitionName="shop")
    place = answer.headers["location"]
    assert place.partition("?")[0].endswith("/shop.zip")
    first, again = local.http.get(place), local.http.get(place)
    assert first.content == again.content
    assert first.headers["etag"] == again.headers["etag"]
    with zipfile.ZipFile(io.BytesIO(first.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["images/a b&c.png", "sample_submission.csv", "test.csv", "train.csv"]
        assert archive.read("train.csv") == (local.host.competitions["shop"].folder / "train.csv").read_bytes()
    kept = next((local.host.settings.state / "archives").iterdir())
    kept.unlink()
    rebuilt = local.http.get(place)
    assert rebuilt.content == first.content


def begin(team, size):
    return team.call("StartSubmissionUpload", competitionName="shop", contentLength=size, fileName="a.csv")


def test_an_upload_goes_on_where_it_was_cut(local, ada):
    text = submission_text(range(10)).encode()
    started = begin(ada, len(text))
    place, size = started["createUrl"], len(text)
    asked = local.http.put(place, headers={"Content-Range": f"bytes */{size}"})
    assert (asked.status_code, "range" in asked.headers) == (308, False)
    first = local.http.put(place, content=text[:20], headers={"Content-Range": f"bytes 0-19/{size}"})
    assert (first.status_code, first.headers["range"]) == (308, "bytes=0-19")
    gap = local.http.put(place, content=text[30:], headers={"Content-Range": f"bytes 30-{size - 1}/{size}"})
    assert (gap.status_code, gap.headers["range"]) == (308, "bytes=0-19")
    rest = local.http.put(place, content=text[20:], headers={"Content-Range": f"bytes 20-{size - 1}/{size}"})
    assert rest.status_code == 200
    assert local.http.put(place, headers={"Content-Range": f"bytes */{size}"}).status_code == 200
    ref = ada.call("CreateSubmission", competitionName="shop", blobFileTokens=started["token"])["ref"]
    assert ada.wait(ref)["publicScore"] == "0.00000"


def test_what_was_received_cannot_be_overwritten(local, ada):
    text = submission_text(range(10)).encode()
    started = begin(ada, len(text))
    assert local.http.put(started["createUrl"], content=text).status_code == 200
    assert local.http.put(started["createUrl"], content=bytes(len(text))).status_code == 200
    assert local.host.uploads.get(started["token"]).path.read_bytes() == text


def test_uploads_of_another_size_are_refused(local, ada):
    for sent in (b"x" * 9, b"x" * 11):
        started = begin(ada, 10)
        assert local.http.put(started["createUrl"], content=sent).status_code == 400
        answer = ada.post("CreateSubmission", competitionName="shop", blobFileTokens=started["token"])
        assert answer.status_code == 400
    too_large = ada.post("StartSubmissionUpload", competitionName="shop", contentLength=5001, fileName="a.csv")
    assert too_large.json()["message"] == "The file has 5001 bytes; the most allowed is 5000."
    assert ada.post("StartSubmissionUpload", competitionName="shop", contentLength=-1, fileName="a").status_code == 400


def test_an_empty_file_arrives_in_chunks(local, ada):
    started = begin(ada, 0)
    assert local.http.put(started["createUrl"], content=iter([b""])).status_code == 200


def test_names_of_files_are_stripped_of_what_could_do_harm(local, ada):
    ref = ada.submit("shop", submission_text(range(10)), file_name="../../<b>evil\r\n.csv")
    assert ada.wait(ref)["fileName"] == "_b_evil__.csv"
    folder = local.host.settings.state / "uploads"
    assert {p.parent for p in folder.iterdir()} == {folder}


def test_begun_uploads_are_limited_and_removed_when_they_are_old(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_OPEN", 3)
    write_competition(tmp_path / "shop")
    with local_host(tmp_path) as local:
        ada = local.team()
        started = [begin(ada, 3) for _ in range(3)]
        local.http.put(started[0]["createUrl"], content=b"abc")
        answer = ada.post("StartSubmissionUpload", competitionName="shop", contentLength=3, fileName="a.csv")
        assert answer.status_code == 429
        monkeypatch.setattr(uploads, "STALE_SECONDS", -1)
        assert local.host.uploads.remove_stale() == 3
        assert not list((local.host.settings.state / "uploads").iterdir())
        assert local.http.put(started[1]["createUrl"], content=b"abc").status_code == 404


def test_an_upload_can_begin_again(local, ada):
    started = begin(ada, 10)
    place = started["createUrl"]
    assert local.http.put(place, content=b"x" * 4, headers={"Content-Range": "bytes 0-3/10"}).status_code == 308
    again = local.http.put(place, content=b"y" * 6, headers={"Content-Range": "bytes 0-5/10"})
    assert (again.status_code, again.headers["range"]) == (308, "bytes=0-5")
    assert local.http.put(place, content=b"z" * 4, headers={"Content-Range": "bytes 6-9/10"}).status_code == 200
    assert local.host.uploads.get(started["token"]).path.read_bytes() == b"yyyyyyzzzz"


def test_nobody_writes_to_an_upload_that_is_being_finished(local, ada, monkeypatch):
    started, finish, others = begin(ada, 5), local.host.uploads.finish, []

    def finish_late(blob):
        others.append(local.http.put(started["createUrl"], content=b"other").status_code)
        return finish(blob)

    monkeypatch.setattr(local.host.uploads, "finish", finish_late)
    assert local.http.put(started["createUrl"], content=b"first").status_code == 200
    blob = local.host.uploads.get(started["token"])
    assert (others, blob.path.read_bytes()) == ([409], b"first")
    with pytest.raises(ApiError, match="arrived already"), local.host.uploads.receiving(blob):
        pass
    assert not local.host.uploads.partial(blob).exists()


def test_a_client_that_falls_silent_does_not_keep_its_upload(tmp_path):
    write_competition(tmp_path / "shop")
    with local_host(tmp_path, stall_seconds=0.2) as local:
        started = begin(local.team(), 10)
        place = started["createUrl"].removeprefix(local.url)
        with socket.create_connection(("127.0.0.1", local.http.base_url.port)) as silent:
            silent.sendall(f"PUT {place} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc".encode())
            silent.settimeout(60)
            assert silent.recv(100).startswith(b"HTTP/1.1 408 ")
        asked = local.http.put(place, headers={"Content-Range": "bytes */10"})
        assert (asked.status_code, asked.headers["range"]) == (308, "bytes=0-2")
        rest = local.http.put(place, content=b"defghij", headers={"Content-Range": "bytes 3-9/10"})
        assert rest.status_code == 200


def test_uploads_leave_room_on_the_disk(local, ada, monkeypatch):
    monkeypatch.setattr(uploads, "KEPT_FREE_BYTES", 2**60)
    answer = ada.post("StartSubmissionUpload", competitionName="shop", contentLength=3, fileName="a.csv")
    assert (answer.status_code, "nearly full" in answer.text) == (507, True)


def test_old_uploads_make_room_for_new_ones_while_the_host_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_OPEN", 1)
    write_competition(tmp_path / "shop")
    with local_host(tmp_path) as local:
        ada = local.team()
        begin(ada, 3)
        monkeypatch.setattr(uploads, "STALE_SECONDS", -1)
        begin(ada, 3)


def test_what_a_killed_host_was_receiving_by_the_web_form_is_removed(tmp_path):
    write_competition(tmp_path / "shop")
    left = tmp_path / ".aicomp-host" / "incoming" / "tmp1" / "file"
    left.parent.mkdir(parents=True)
    left.write_text("x")
    with local_host(tmp_path):
        assert not left.exists()


def test_an_address_to_read_from_is_none_to_write_to(local, ada):
    started = begin(ada, 3)
    read_only = local.host.bucket.url(local.url, "upload", started["token"])
    assert local.http.put(read_only, content=b"abc").status_code == 403
    assert local.http.put(started["createUrl"], content=b"abc").status_code == 200


def test_what_is_committed_outlives_a_cut_of_power(local):
    connection = local.host.database.read()
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL: a commit waits for the disk
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
