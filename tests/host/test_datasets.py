"""Datasets: versions of uploaded files that only the team that made them sees."""

import io
import zipfile

import pytest
from hosting import local_host, write_competition
from kernel_cases import DATASETS, make_dataset, upload


@pytest.fixture(scope="module")
def hosted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hosted")
    write_competition(folder / "toy")
    with local_host(folder) as host:
        yield host


@pytest.fixture(scope="module")
def ada(hosted):
    return hosted.team("Ada")


@pytest.fixture(scope="module")
def bob(hosted):
    return hosted.team("Bob")


def call(team, method, slug, **body):
    return team.call(method, service=DATASETS, ownerSlug="ada", datasetSlug=slug, **body)


def refused(team, method, **body):
    answer = team.post(method, service=DATASETS, **body)
    return answer.status_code, answer.json()["message"]


def test_a_dataset_from_upload_to_download(hosted, ada):
    assert refused(ada, "GetDatasetStatus", ownerSlug="ada", datasetSlug="first-data") == (
        404,
        "Dataset not found: ada/first-data",
    )
    made = make_dataset(ada, {"a.csv": "x\n1\n", "b.txt": "hello"}, slug="first-data")
    assert (made["ref"], made["status"]) == ("ada/first-data", "ok")
    assert call(ada, "GetDatasetStatus", "first-data") == {"status": "READY"}
    files = call(ada, "ListDatasetFiles", "first-data")["datasetFiles"]
    assert [(f["name"], f["totalBytes"]) for f in files] == [("a.csv", 4), ("b.txt", 5)]
    answer = ada.post("DownloadDataset", service=DATASETS, ownerSlug="ada", datasetSlug="first-data", fileName="a.csv")
    assert answer.status_code == 302
    assert hosted.http.get(answer.headers["location"]).text == "x\n1\n"
    answer = ada.post("DownloadDataset", service=DATASETS, ownerSlug="ada", datasetSlug="first-data")
    with zipfile.ZipFile(io.BytesIO(hosted.http.get(answer.headers["location"]).content)) as archive:
        assert archive.namelist() == ["a.csv", "b.txt"]
        assert archive.read("b.txt") == b"hello"
    metadata = call(ada, "GetDatasetMetadata", "first-data")["info"]
    assert metadata["licenses"] == [{"name": "CC0-1.0"}]


def test_an_old_version_stays_as_it_was(hosted, ada):
    make_dataset(ada, {"a.txt": "one"}, slug="grows")
    body = {"versionNotes": "more", "files": [{"token": upload(ada, "two", "a.txt")}]}
    call(ada, "CreateDatasetVersion", "grows", body=body)
    assert call(ada, "GetDataset", "grows")["currentVersionNumber"] == 2
    for version, text in ((1, "one"), (2, "two"), (0, "two")):
        answer = ada.post(
            "DownloadDataset",
            service=DATASETS,
            ownerSlug="ada",
            datasetSlug="grows",
            fileName="a.txt",
            datasetVersionNumber=version,
        )
        assert hosted.http.get(answer.headers["location"]).text == text
    wrong = {"ownerSlug": "ada", "datasetSlug": "grows", "datasetVersionNumber": 3}
    assert refused(ada, "ListDatasetFiles", **wrong)[0] == 404


def test_folders_keep_their_paths(ada):
    inner = {"name": "in", "files": [{"token": upload(ada, "1", "a.txt")}], "directories": []}
    outer = {"name": "../out", "files": [{"token": upload(ada, "22", "a.txt")}], "directories": [inner]}
    ada.call("CreateDataset", service=DATASETS, slug="folders", title="Folders", files=[], directories=[outer])
    files = call(ada, "ListDatasetFiles", "folders")["datasetFiles"]
    assert [f["name"] for f in files] == ["out/a.txt", "out/in/a.txt"]


def test_nobody_else_sees_a_dataset(ada, bob):
    make_dataset(ada, {"a.txt": "secret"}, slug="private")
    named = {"ownerSlug": "ada", "datasetSlug": "private"}
    for method in ("GetDatasetStatus", "GetDataset", "GetDatasetMetadata", "ListDatasetFiles", "DownloadDataset"):
        assert refused(bob, method, **named) == (404, "Dataset not found: ada/private")
    files = [{"token": upload(bob, "x")}]
    assert refused(bob, "CreateDatasetVersion", **named, body={"files": files})[0] == 404
    assert refused(bob, "CreateDataset", ownerSlug="ada", slug="theirs", title="Theirs", files=files)[0] == 403
    assert bob.call("ListDatasets", service=DATASETS) == {}
    assert bob.call("ListDatasets", service=DATASETS, user="ada") == {}
    assert "ada/private" in [d["ref"] for d in ada.call("ListDatasets", service=DATASETS, pageSize=100)["datasets"]]


def test_without_a_token_nothing_works(hosted):
    from hosting import Client

    nobody = Client(hosted.http, "")
    assert refused(nobody, "ListDatasets")[0] == 401
    assert nobody.post("StartBlobUpload", service="blobs.BlobApiService", type="DATASET").status_code == 401


def test_uploads_of_others_and_of_other_kinds_are_refused(ada, bob):
    theirs = upload(bob, "x")
    named = {"slug": "stolen", "title": "Stolen"}
    assert refused(ada, "CreateDataset", **named, files=[{"token": theirs}])[0] == 404
    submission = ada.upload("toy", "id,y\n")
    assert refused(ada, "CreateDataset", **named, files=[{"token": submission}])[0] == 404
    assert refused(ada, "CreateDataset", **named, files=[{"token": "no-such"}])[0] == 404
    started = ada.call("StartBlobUpload", service="blobs.BlobApiService", type="DATASET", name="x", contentLength=3)
    assert refused(ada, "CreateDataset", **named, files=[{"token": started["token"]}]) == (
        400,
        "The upload of `x` is not complete.",
    )
    assert refused(ada, "GetDatasetStatus", ownerSlug="ada", datasetSlug="stolen")[0] == 404


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"slug": "No Slug"}, '"No Slug" is no slug'),
        ({"slug": "../x"}, '"../x" is no slug'),
        ({"slug": "empty", "files": []}, "holds 1 to 100 files, this one 0"),
        ({"slug": "wrong", "files": "x"}, "must be lists of objects"),
        ({"slug": "open", "isPrivate": False}, "private to their team"),
    ],
)
def test_what_a_dataset_cannot_be(ada, body, message):
    files = [{"token": upload(ada, "x")}]
    status, said = refused(ada, "CreateDataset", **{"title": "T", "files": files, **body})
    assert status == 400
    assert message in said


def test_a_slug_is_taken_once_and_a_file_is_used_once(ada):
    make_dataset(ada, {"a.txt": "1"}, slug="taken")
    token = upload(ada, "2")
    assert refused(ada, "CreateDataset", slug="taken", title="T", files=[{"token": token}])[0] == 409
    ada.call("CreateDataset", service=DATASETS, slug="other", title="T", files=[{"token": token}])
    again = refused(ada, "CreateDataset", slug="third", title="T", files=[{"token": token}])
    assert again == (400, "The upload of `data.csv` was used before: upload the file again.")
    assert refused(ada, "GetDatasetStatus", ownerSlug="ada", datasetSlug="third")[0] == 404


def test_two_files_of_one_name_are_refused(ada):
    files = [{"token": upload(ada, text, "a.txt")} for text in ("1", "2")]
    assert refused(ada, "CreateDataset", slug="twice", title="T", files=files) == (400, "Two files are called `a.txt`.")


def test_a_folder_and_a_file_of_one_name_are_refused(ada):
    folder = {"name": "a", "files": [{"token": upload(ada, "1", "b.txt")}]}
    files = [{"token": upload(ada, "2", "a")}]
    body = {"slug": "both", "title": "T", "files": files, "directories": [folder]}
    assert refused(ada, "CreateDataset", **body) == (400, "`a` is there twice.")


def test_only_datasets_are_uploaded_as_blobs(ada):
    answer = ada.post("StartBlobUpload", service="blobs.BlobApiService", type="MODEL", name="x", contentLength=1)
    assert answer.status_code == 400
    assert "type DATASET alone, not MODEL" in answer.json()["message"]


def test_datasets_outlive_the_host(tmp_path):
    from hosting import Client

    write_competition(tmp_path / "toy")
    with local_host(tmp_path) as first:
        team = first.team("Ada")
        make_dataset(team, {"a.txt": "kept"}, slug="kept-data")
    with local_host(tmp_path) as second:
        again = Client(second.http, team.token)
        answer = again.post(
            "DownloadDataset", service=DATASETS, ownerSlug="ada", datasetSlug="kept-data", fileName="a.txt"
        )
        assert second.http.get(answer.headers["location"]).text == "kept"
