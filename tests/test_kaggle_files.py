import threading
from datetime import UTC, datetime

import pytest
from faulty_bucket import SLUG, TOKEN, FaultyBucket, faulty_bucket

from aicomp.errors import CredentialsError, DataError, NetworkError, RefusedError, UsageError
from aicomp.kaggle.competitions import find_competition
from aicomp.kaggle.download import select_files
from aicomp.kaggle.files import RemoteFile, list_files, name_in_address, rules_accepted, sign

RULES = "You must accept this competition's rules before you'll be able to download files."
FLAT = {"code": 403, "message": RULES}
NESTED = {"error": {"code": 403, "message": RULES, "status": "PERMISSION_DENIED"}}


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setattr("aicomp.kaggle.patience.FIRST_PAUSE", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT", raising=False)
    with faulty_bucket() as running:
        running.files = {"train.csv": b"id,y\n1,0\n", "test.csv": b"id\n2\n"}
        yield running


@pytest.fixture
def connection(bucket):
    with bucket.connect() as opened:
        yield opened


@pytest.fixture
def pauses(monkeypatch):
    """Seconds of each pause, which are not slept."""
    slept: list[float] = []
    monkeypatch.setattr("aicomp.kaggle.patience.time.sleep", slept.append)
    return slept


# What is asked, and what comes of it


def test_a_competition_is_found_by_its_slug_and_not_by_a_longer_one(bucket, connection):
    near = {"ref": f"{bucket.url}/competitions/{SLUG}-2", "title": "Shop 2"}
    exact = {
        "ref": f"https://www.kaggle.com/competitions/{SLUG}",
        "title": "Shop",
        "evaluationMetric": "Categorization Accuracy",
        "deadline": "2030-01-02T23:59:00.000Z",
        "maxDailySubmissions": 5,
        "userHasEntered": True,
        "isKernelsSubmissionsOnly": True,
        "teamCount": 12,
        "userRank": 3,
        "reward": "Knowledge",
        "category": "Getting Started",
    }
    bucket.page_size, bucket.competitions = 1, [near, exact, near]
    info = find_competition(connection, SLUG)
    assert (info.slug, info.title, info.metric) == (SLUG, "Shop", "Categorization Accuracy")
    assert info.deadline == datetime(2030, 1, 2, 23, 59, tzinfo=UTC)
    assert (info.max_daily_submissions, info.team_count, info.user_rank) == (5, 12, 3)
    assert (info.entered, info.notebook_only, info.submissions_disabled) == (True, True, False)
    assert bucket.methods == ["ListCompetitions"] * 2  # the third page is not asked for
    assert bucket.calls[0][1]["search"] == SLUG


def test_what_a_server_does_not_say_is_none_or_empty(bucket, connection):
    bucket.competitions = [{"ref": SLUG}]
    info = find_competition(connection, SLUG)
    assert (info.title, info.metric, info.deadline, info.user_rank) == (SLUG, "", None, None)
    assert info.url == f"{bucket.url}/competitions/{SLUG}"


def test_a_competition_that_the_search_does_not_find_is_asked_for_by_name(bucket, connection):
    bucket.competitions = []
    bucket.answers["GetCompetition"] = [(200, {"ref": f"https://www.kaggle.com/competitions/{SLUG}", "title": "Shop"})]
    assert find_competition(connection, SLUG).title == "Shop"


def test_a_misspelled_slug_that_the_search_does_not_find_gets_the_nearest_of_the_list(bucket, connection):
    some = [{"ref": f"{bucket.url}/competitions/{name}"} for name in ("shop-sales", "rents")]
    bucket.answers["ListCompetitions"] = [(200, {"competitions": []}), (200, {"competitions": some})] * 2
    bucket.answers["GetCompetition"] = [(404, {"code": 404, "message": "none"})] * 2
    with pytest.raises(RefusedError) as caught:
        find_competition(connection, "shop-sails")
    assert caught.value.hint == "did you mean `shop-sales`?"
    assert "search" not in bucket.calls[-1][1]
    with pytest.raises(RefusedError) as caught:
        find_competition(connection, "xyz")
    assert caught.value.hint == f"the slug is the last part of its page's address, {bucket.url}/competitions/SLUG"


def test_each_further_try_is_said_before_its_pause(bucket, connection, pauses, caplog):
    bucket.answers["ListDataFiles"] = [(500, {"code": 500, "message": "broken"}), (429, {}, {"Retry-After": "7"})]
    assert list_files(connection, SLUG)
    first, second = caplog.messages
    assert first.startswith("broken: try 2 of 5 in ")
    assert second.endswith(": try 3 of 5 in 7 s")
    assert pauses[1] == 7


@pytest.mark.parametrize("slug", ["", "../x", "a b", "https://www.kaggle.com/competitions/shop", "-x"])
def test_what_cannot_be_a_slug_is_not_asked_for(bucket, connection, slug):
    with pytest.raises(UsageError, match="is no competition's slug"):
        find_competition(connection, slug)
    with pytest.raises(UsageError, match="is no competition's slug"):
        list_files(connection, slug)
    assert bucket.calls == []


def test_all_pages_of_the_list_are_read(bucket, connection):
    bucket.files = {f"images/{i}.png": b"x" * (i + 1) for i in range(25)}
    bucket.page_size = 10
    files = list_files(connection, SLUG)
    assert [f.name for f in files] == list(bucket.files)
    assert files[24] == RemoteFile("images/24.png", 25, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert [body.get("pageToken") for _, body in bucket.calls] == [None, "10", "20"]


def test_an_address_is_signed_for_a_file_or_for_all(bucket, connection):
    assert sign(connection, SLUG, "train.csv").startswith(f"{bucket.url}/bucket/train.csv?signature=")
    assert name_in_address(sign(connection, SLUG)) == "shop.zip"
    assert bucket.gets == []
    bucket.answers["DownloadDataFile"] = [(302, b"", {"Location": "/bucket/train.csv?signature=1"})]
    assert sign(connection, SLUG, "train.csv") == f"{bucket.url}/bucket/train.csv?signature=1"


@pytest.mark.parametrize("location", ["", "file:///etc/passwd", "ftp://bucket/x"])
def test_an_answer_without_a_usable_address_is_an_error(bucket, connection, location):
    bucket.answers["DownloadDataFile"] = [(302, b"", {"Location": location} if location else {})]
    with pytest.raises(NetworkError, match=r"answers 302 and names no address to get `train\.csv`"):
        sign(connection, SLUG, "train.csv")


def test_patterns_select_by_the_whole_name_or_its_last_part():
    files = [RemoteFile(name, 1, None) for name in ("train.csv", "images/1.png", "images/train.csv")]
    assert select_files(files, []) == files
    assert [f.name for f in select_files(files, ["train*"])] == ["train.csv", "images/train.csv"]
    assert [f.name for f in select_files(files, ["images/*", "train.csv"])] == [f.name for f in files]
    with pytest.raises(UsageError, match=r"unknown file `trian\.csv`") as e:
        select_files(files, ["train.csv", "trian.csv"])
    assert e.value.hint == "did you mean `train.csv`?"


# What goes wrong: the first table of docs/faults.md


def test_401_names_the_credential_and_not_its_value(bucket, connection):
    bucket.answers["ListDataFiles"] = [(401, {"code": 401, "message": "Unauthenticated"})]
    with pytest.raises(CredentialsError, match="of the test: Unauthenticated") as e:
        list_files(connection, SLUG)
    assert TOKEN not in e.value.message + e.value.hint
    assert e.value.exit_code == 4
    assert bucket.methods == ["ListDataFiles"]


@pytest.mark.parametrize("body", [FLAT, NESTED], ids=["flat", "nested"])
def test_403_of_the_rules_in_both_shapes(bucket, connection, body):
    files = list_files(connection, SLUG)
    assert rules_accepted(connection, SLUG, files)
    assert bucket.calls[-1] == ("DownloadDataFile", {"competitionName": SLUG, "fileName": "test.csv"})
    bucket.answers["DownloadDataFile"] = [(403, body), (403, body)]
    assert not rules_accepted(connection, SLUG, files)
    with pytest.raises(RefusedError, match="You must accept this competition's rules") as e:
        sign(connection, SLUG, "train.csv")
    assert f"{bucket.url}/competitions/{SLUG}/rules" in e.value.hint
    assert e.value.exit_code == 5
    assert len(bucket.calls) == 4


def test_403_for_another_reason_is_not_about_the_rules(bucket, connection):
    bucket.answers["DownloadDataFile"] = [(403, {"code": 403, "message": "You are banned"})]
    with pytest.raises(RefusedError, match="You are banned"):
        rules_accepted(connection, SLUG, list_files(connection, SLUG))


def test_404_names_what_is_near(bucket, connection):
    with pytest.raises(RefusedError, match="knows no competition `shap`") as e:
        find_competition(connection, "shap")
    assert e.value.hint == "did you mean `shop`?"
    assert e.value.exit_code == 5
    bucket.answers["ListDataFiles"] = [(404, {"code": 404, "message": "Not found"})]
    with pytest.raises(RefusedError, match="knows no competition `shap`: Not found"):
        list_files(connection, "shap")


def test_429_waits_as_long_as_it_is_told(bucket, connection, pauses):
    body = {"error": {"code": 429, "message": "Too many requests", "status": "RESOURCE_EXHAUSTED"}}
    bucket.answers["ListDataFiles"] = [(429, body, {"Retry-After": "2"})]
    assert len(list_files(connection, SLUG)) == 2
    assert pauses == [2.0]


def test_429_that_asks_for_an_hour_is_reported(bucket, connection, pauses):
    bucket.answers["ListDataFiles"] = [(429, {"code": 429, "message": "Too many requests"}, {"Retry-After": "3600"})]
    with pytest.raises(NetworkError, match="429: Too many requests") as e:
        list_files(connection, SLUG)
    assert e.value.hint == "try again in 3600 s"
    assert e.value.exit_code == 6
    assert pauses == []


def test_500_twice_then_right(bucket, connection, pauses, monkeypatch):
    monkeypatch.setattr("aicomp.kaggle.patience.FIRST_PAUSE", 8.0)
    bucket.answers["ListDataFiles"] = [(500, b"<html>"), (503, {"code": 503, "message": "later"})]
    assert len(list_files(connection, SLUG)) == 2
    assert len(bucket.calls) == 3
    assert 4 <= pauses[0] <= 8 <= pauses[1] <= 16


def test_500_each_time_ends(bucket, connection):
    bucket.answers["ListDataFiles"] = [(500, {"code": 500, "message": "broken"})] * 9
    with pytest.raises(NetworkError, match="answers 500: broken") as e:
        list_files(connection, SLUG)
    assert e.value.exit_code == 6
    assert len(bucket.calls) == 5


def test_a_reset_is_tried_again(bucket, connection):
    bucket.answers["ListDataFiles"] = [(0, b""), (0, b"")]
    assert len(list_files(connection, SLUG)) == 2
    assert len(bucket.calls) == 3


def test_an_answer_slower_than_the_time_out(bucket, connection, monkeypatch):
    monkeypatch.setattr("aicomp.kaggle.patience.TIMEOUT", (1.0, 0.05))
    bucket.answers["ListDataFiles"] = [(-1, b"")] * 5
    with pytest.raises(NetworkError, match="cannot be reached: no answer in time") as e:
        list_files(connection, SLUG)
    assert e.value.exit_code == 6
    assert len(bucket.calls) == 5


@pytest.mark.parametrize("tokens", [["1", "1"], ["1", "2", "1"]], ids=" ".join)
def test_page_tokens_in_a_circle_are_an_error(bucket, connection, tokens):
    pages = [(200, {"files": [{"name": f"{i}.csv"}], "nextPageToken": token}) for i, token in enumerate(tokens)]
    bucket.answers["ListDataFiles"] = pages * 9
    with pytest.raises(NetworkError, match="the list of files does not end") as e:
        list_files(connection, SLUG)
    assert e.value.exit_code == 6
    assert len(bucket.calls) == len(tokens)


def test_a_list_of_competitions_in_a_circle_is_an_error(bucket, connection):
    bucket.answers["ListCompetitions"] = [(200, {"competitions": [], "nextPageToken": "1"})] * 9
    with pytest.raises(NetworkError, match="the list of competitions does not end"):
        find_competition(connection, SLUG)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../train.csv", "climbs out of the folder"),
        ("a/../../b", "climbs out of the folder"),
        ("..\\b", "climbs out of the folder"),
        ("/etc/passwd", "is an absolute path"),
        ("C:b", "is an absolute path"),
        ("a//b", "is no file's name"),
        ("a/", "is no file's name"),
        ("./a", "is no file's name"),
        ("", "is no file's name"),
        ("a\nb", "holds signs that cannot be shown"),
        ("a\0b", "holds signs that cannot be shown"),
        ("\u202ea", "holds signs that cannot be shown"),
        ("x" * 256, "is longer than 255 bytes"),
    ],
)
def test_a_list_with_a_hostile_name_is_refused(bucket, connection, name, fault):
    bucket.files = {"good.csv": b"", name: b"x"}
    with pytest.raises(DataError, match=fault) as e:
        list_files(connection, SLUG)
    assert e.value.message.isprintable()
    assert e.value.exit_code == 3


def test_names_that_would_overwrite_each_other_are_refused(bucket: FaultyBucket, connection):
    bucket.answers["ListDataFiles"] = [(200, {"files": [{"name": "a"}, {"name": "a"}]})]
    with pytest.raises(DataError, match="names `a` twice"):
        list_files(connection, SLUG)
    bucket.answers["ListDataFiles"] = [(200, {"files": [{"name": "a/b/c"}, {"name": "a"}]})]
    with pytest.raises(DataError, match="names `a` as a file and as the folder of `a/b/c`"):
        list_files(connection, SLUG)


def test_a_file_that_is_listed_and_not_given(bucket, connection):
    bucket.answers["DownloadDataFile"] = [(404, {"code": 404, "message": "Not found"})]
    with pytest.raises(RefusedError, match=r"lists `train\.csv` of `shop` and does not give it: Not found"):
        sign(connection, SLUG, "train.csv")


def test_calls_may_be_made_by_several_threads(bucket, connection):
    signed: list[str] = []
    threads = [
        threading.Thread(target=lambda: signed.append(sign(connection, SLUG, "train.csv")), daemon=True)
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(signed)) == 8
