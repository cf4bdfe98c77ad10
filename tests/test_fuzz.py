"""Whatever comes from elsewhere is read, or refused by an error that people can read: no traceback, no hang."""

import io
import json
import stat
import string
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from bounded import bounded, refusal
from hosting import Client, local_host, write_competition
from hypothesis import assume, given
from hypothesis import strategies as st
from kaggle_server import KaggleServer

from aicomp.archives import check_packed, check_whole, unpack, unpack_single
from aicomp.contract import Given, infer_contract
from aicomp.data.reading import read_table
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.host.api import all_calls
from aicomp.kaggle.competitions import find_competition
from aicomp.kaggle.connection import connect
from aicomp.kaggle.credentials import Credentials
from aicomp.kaggle.endpoint import Endpoint
from aicomp.kaggle.files import list_files, sign
from aicomp.kaggle.submissions import list_submissions, read_limits
from aicomp.metrics import get_metric
from aicomp.models import ALL_MODELS
from aicomp.registry import resolve
from aicomp.run import find_run
from aicomp.scaffold import create_project, create_simulation, template_folder

pytest_plugins = ["kaggle_fixtures"]

# CSV

FIELDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.sampled_from(
        ["1", "0.5", "nan", "", '"', '""', '"a,b"', "a\nb", '"x\ny"', "\x00", "é", "1e999", " ", "x" * 200, "'"]
    ),
)
SEPARATORS = st.sampled_from([",", ",", ",", "\t", ";", "|", ", "])
ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n", "\x0b", "\u2028"])


@st.composite
def csv_bytes(draw: st.DrawFn) -> bytes:
    """Something like a CSV file, often ragged, in any encoding."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=80))
    separator, end = draw(SEPARATORS), draw(ENDS)
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(FIELDS, min_size=width, max_size=width), min_size=0, max_size=6))
    if rows and draw(st.integers(0, 4)) == 0:
        rows[draw(st.integers(0, len(rows) - 1))].append("extra")
    header = draw(
        st.lists(st.sampled_from(["id", "x", "y", "id", "", "target", "a b", "ü", "1"]), min_size=width, max_size=width)
    )
    text = end.join(separator.join(row) for row in [header, *rows]) + draw(st.sampled_from(["", end, '"']))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-32"]))
    return text.encode(encoding, "replace")


@bounded(250)
@given(raw=csv_bytes(), suffix=st.sampled_from([".csv", ".tsv", ".csv.gz", ".csv.zip", ".parquet"]))
def test_any_bytes_are_a_table_or_an_error(raw: bytes, suffix: str, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("csv") / f"train{suffix}"
    path.write_bytes(raw)
    error = refusal(lambda: read_table(path))
    if error is not None:
        assert isinstance(error, DataError)
        assert "train" in error.message
        return
    frame = read_table(path)
    assert len({*frame.columns}) == len(frame.columns)
    assert frame.index.tolist() == list(range(len(frame)))
    as_text = read_table(path, strings=[str(c) for c in frame.columns])
    assert as_text.shape == frame.shape


@bounded(120)
@given(
    files=st.tuples(csv_bytes(), csv_bytes(), csv_bytes()),
    metric=st.sampled_from(["rmse", "accuracy", "roc_auc", "nope", ""]),
)
def test_any_three_files_are_a_competition_or_an_error(
    files: tuple[bytes, bytes, bytes], metric: str, tmp_path_factory: Any
) -> None:
    folder = tmp_path_factory.mktemp("competition")
    for name, raw in zip(("train", "test", "sample_submission"), files, strict=True):
        (folder / f"{name}.csv").write_bytes(raw)
    error = refusal(lambda: infer_contract(folder, Given(metric=metric or None), "shop"))
    assert error is None or (isinstance(error, (DataError, UsageError)) and error.message)


# zip

PLACES = st.one_of(
    st.sampled_from(
        [
            "train.csv",
            "a/b.csv",
            "../x.csv",
            "/etc/x.csv",
            "C:\\x.csv",
            "a/../../x.csv",
            "A.csv",
            "a.csv",
            "a",
            ".",
            "",
            "..\\x",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.just("x" * 300 + ".csv"),
)
KINDS = [0, stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR, stat.S_IFSOCK]


@st.composite
def zip_bytes(draw: st.DrawFn) -> bytes:
    """An archive with odd members, whole or damaged."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for _ in range(draw(st.integers(0, 4))):
            info = zipfile.ZipInfo("x")
            info.filename = draw(PLACES)
            info.external_attr = draw(st.sampled_from(KINDS)) << 16
            info.compress_type = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
            content = draw(
                st.sampled_from([b"id,y\n1,2\n", b"", bytes(12 * 2**20) if draw(st.integers(0, 30)) == 0 else b"z"])
            )
            try:
                archive.writestr(info, content)
            except (ValueError, OSError):
                assume(False)
    raw = bytearray(target.getvalue())
    for _ in range(draw(st.integers(0, 3))):
        if raw:
            raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    return bytes(raw[: draw(st.integers(0, len(raw)))]) if draw(st.integers(0, 4)) == 0 else bytes(raw)


@bounded(150)
@given(raw=zip_bytes())
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_any_archive_unpacks_inside_its_folder_or_is_refused(raw: bytes, tmp_path_factory: Any) -> None:
    root = tmp_path_factory.mktemp("zip")
    archive, folder = root / "data.zip", root / "folder"
    archive.write_bytes(raw)
    error = refusal(lambda: unpack(archive, folder, lambda place: True, 2**26))
    assert error is None or error.hint
    for call in (
        lambda: check_whole(archive),
        lambda: check_packed(archive),
        lambda: unpack_single(archive, "train.csv", folder / "single.csv", 2**26),
    ):
        refusal(call)
    assert {path.name for path in root.iterdir()} <= {"data.zip", "folder"}
    for path in folder.rglob("*") if folder.exists() else ():
        assert not path.is_symlink()
        assert path.is_file() or path.is_dir()


def test_names_of_members_that_are_none(tmp_path: Path) -> None:
    """Found by the test above: Python's own code fails on them, in other ways than on a damaged archive."""
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.csv", "id\n1\n")
    raw = path.read_bytes()
    at = raw.rindex(b"train.csv")
    # Marked as UTF-8, which it is not.
    flags = at - 46 + 8
    path.write_bytes(raw[:flags] + b"\x00\x08" + raw[flags + 2 : at] + b"\x80" + raw[at + 1 :])
    error = refusal(lambda: unpack(path, tmp_path / "folder", lambda place: True))
    assert error is not None
    assert "cannot be unpacked as zip" in error.message
    # No name at all.
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = ""
        archive.writestr(info, "id\n1\n")
    error = refusal(lambda: unpack(path, tmp_path / "folder", lambda place: True))
    assert error is not None
    assert "which climbs out of the folder" in error.message


# Bodies that come to the host

WORDS = st.sampled_from(["shop", "..", "\x00"])
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.text(max_size=6),
        st.sampled_from(["shop", "..", "\x00"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=4,
)
FIELD_NAMES = st.sampled_from(
    [
        "competitionName", "pageSize", "pageToken", "fileName", "contentLength", "lastModifiedEpochSeconds", "ref",
        "page", "blobFileTokens", "submissionDescription", "search", "group", "sortBy", "token", "slug", "ownerSlug",
        "datasetSlug", "files", "title", "text", "language", "kernelType", "isPrivate", "userName", "kernelSlug",
        "versionNumber", "name",
        "type", "datasetVersionNumber", "categoryIds", "licenseName", "newTitle", "competitionDataSources",
    ]
)  # fmt: skip
BODIES = st.one_of(
    st.dictionaries(FIELD_NAMES, JSON, max_size=6).map(lambda b: json.dumps(b).encode()),
    JSON.map(lambda b: json.dumps(b).encode()),
    st.binary(max_size=40),
    st.sampled_from([b"[" * 5000, b'{"a":' * 3000, b'"\\ud800"', b"{", b"NaN", b"\xff\xfe"]),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Content-Type", "Range", "If-Range", "Cookie", "X-Forwarded-For", "Accept-Encoding", "If-None-Match"]
    ),
    st.text(st.sampled_from(string.printable[:95]), max_size=20).map(str.strip),
    max_size=3,
)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("hosted")
    write_competition(folder / "shop", max_daily_submissions=10**6)
    with local_host(folder) as local:
        yield local.team()


def check_answer(response: httpx.Response) -> None:
    assert response.status_code < 500, response.text


@bounded(200)
@given(
    call=st.sampled_from(sorted(all_calls())),
    body=BODIES,
    headers=HEADERS,
    authorization=st.sampled_from(["team", "team", "team", "", "Bearer x", "Basic !", "Basic YTpi", "Bearer", "\xff"]),
)
def test_any_body_of_a_call_gets_an_answer(
    team: Client, call: tuple[str, str], body: bytes, headers: dict[str, str], authorization: str
) -> None:
    sent = {
        **headers,
        **({"Authorization": authorization.encode("latin-1")} if authorization != "team" else team.headers),
    }
    check_answer(team.http.post(f"/api/v1/{call[0]}/{call[1]}", content=body, headers=sent, follow_redirects=False))  # type: ignore[arg-type]


@bounded(120)
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE", "PATCH"]),
    path=st.one_of(
        st.sampled_from(
            ["bucket/upload/x", "bucket/c/shop/train.csv", "competitions/shop", "competitions/shop/data", "", "healthz"]
        ),
        st.text(st.sampled_from("abc/.%?&=~0123\\:"), max_size=20),
        st.sampled_from(["bucket/c/../../x", "static/1/%2e%2e%2fx", "competitions/%00", "bucket/upload/" + "x" * 3000]),
    ),
    body=BODIES,
    headers=HEADERS,
)
def test_any_request_gets_an_answer(team: Client, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
    check_answer(
        team.http.request(method, f"{team.http.base_url}/{path}", content=body, headers=headers, follow_redirects=False)
    )


@bounded(80)
@given(
    parts=st.lists(
        st.tuples(st.sampled_from(["file", "description", "csrf", "x"]), st.binary(max_size=30)), max_size=4
    ),
    boundary=st.text(st.sampled_from(string.ascii_letters + "-'()+_,./:=?"), max_size=12),
    cut=st.integers(0, 40),
)
def test_any_form_gets_an_answer(team: Client, parts: list[tuple[str, bytes]], boundary: str, cut: int) -> None:
    mark = boundary.encode()
    body = b"".join(
        b"--"
        + mark
        + b'\r\nContent-Disposition: form-data; name="'
        + name.encode()
        + b'"; filename="a.csv"\r\n\r\n'
        + raw
        + b"\r\n"
        for name, raw in parts
    )
    body = (body + b"--" + mark + b"--\r\n")[: -cut or None]
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}".encode()}
    check_answer(
        team.http.post("/competitions/shop/submissions", content=body, headers=headers, follow_redirects=False)
    )  # type: ignore[arg-type]


# What a server answers


def lists_of(name: str, *fields: str) -> st.SearchStrategy[Any]:
    item = st.fixed_dictionaries({}, optional=dict.fromkeys(fields, JSON))
    return st.fixed_dictionaries({name: st.lists(item, max_size=2)})


ANSWERS = st.one_of(
    st.dictionaries(
        st.sampled_from(
            [
                "files",
                "competitions",
                "submissions",
                "nextPageToken",
                "url",
                "ref",
                "totalCount",
                "active",
                "name",
                "message",
            ]
        ),
        JSON,
        max_size=4,
    ),
    st.fixed_dictionaries(
        {
            "files": st.lists(
                st.fixed_dictionaries({}, optional={"name": JSON, "totalBytes": JSON, "creationDate": JSON}), max_size=2
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "submissions": st.lists(
                st.fixed_dictionaries({}, optional={"ref": JSON, "date": JSON, "publicScore": JSON, "status": JSON}),
                max_size=2,
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "competitions": st.lists(
                st.fixed_dictionaries({}, optional={"ref": JSON, "deadline": JSON, "url": JSON}), max_size=2
            )
        }
    ),
    JSON,
)


@pytest.mark.parametrize("what", ["files", "competition", "submissions", "limits", "address", "credentials"])
@bounded(25)
@given(answer=ANSWERS, status=st.sampled_from([200, 200, 200, 200, 204, 301, 400, 403, 404, 409, 418]))
def test_any_answer_of_a_server_is_read_or_an_error(server: KaggleServer, what: str, answer: Any, status: int) -> None:
    server.answers = dict.fromkeys(
        ["ListDataFiles", "ListCompetitions", "GetCompetition", "ListSubmissions", "GetCompetitionSubmissionLimits",
         "DownloadDataFile", "DownloadDataFiles", "IntrospectToken", "GetSubmissionLimits"],
        (status, answer),
    )  # fmt: skip
    with connect(Endpoint(server.url), Credentials("here", token="t")) as connection:
        calls = {
            "files": lambda: list_files(connection, "shop"),
            "competition": lambda: find_competition(connection, "shop"),
            "submissions": lambda: list_submissions(connection, "shop"),
            "limits": lambda: read_limits(connection, "shop"),
            "address": lambda: sign(connection, "shop", "train.csv"),
            "credentials": connection.check_credentials,
        }
        error = refusal(calls[what])
        assert error is None or error.message


# Names

NAMES = st.one_of(
    st.text(max_size=10),
    st.sampled_from(
        [
            "",
            ".",
            "..",
            "/",
            "../x",
            "a/b",
            "a\\b",
            "~",
            "x" * 5000,
            "\x00",
            "CON",
            "-h",
            "name:",
            ":name",
            "a:b:c",
            "features.py:x",
            "/etc/passwd:x",
            "ä",
            "\u202e",
        ]
    ),
)


@bounded(60)
@given(name=NAMES)
def test_any_name_is_known_or_refused(name: str, tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.mktemp("names")
    (folder / "here").mkdir()
    monkeypatch.chdir(folder / "here")
    for call in (
        lambda: resolve("model", name, ALL_MODELS, folder),
        lambda: get_metric(name, folder),
        lambda: template_folder(name),
        lambda: find_run(folder / "runs", name),
        lambda: create_project(name.replace("/", "_"), folder / "p", Given()),  # `/` is a folder, and a large one
        lambda: create_simulation(name, folder / "s", "CartPole-v1", "reward", "local"),
    ):
        error = refusal(call)
        if error is not None:
            assert isinstance(error, AicompError)
            assert error.message
