"""`datasets.DatasetApiService`: a team's own datasets."""

from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from starlette.responses import RedirectResponse, Response

from aicomp.host.api import Call, Handler
from aicomp.host.api.paging import page_of
from aicomp.host.datasets import Dataset, Datasets
from aicomp.host.wire import ApiError, wire_date

_SERVICE = "datasets.DatasetApiService"


def create_dataset(call: Call) -> dict[str, Any]:
    """Make a dataset of uploaded files."""
    team = call.need_team()
    if call.text("ownerSlug") not in ("", team.user_name):
        raise ApiError(403, f"Your datasets are made as {team.user_name}/SLUG.")
    if call.body.get("isPrivate") is False:
        raise ApiError(400, "Datasets of this host are private to their team.")
    files = _datasets(call).paths_of(call.body.get("files"), call.body.get("directories"))
    made = _datasets(call).create(team, call.text("slug"), call.text("title"), call.text("licenseName"), files)
    return _made(call, made)


def create_version(call: Call) -> dict[str, Any]:
    """Make the next version of a dataset."""
    team = call.need_team()
    body = call.body.get("body") or {}
    if not isinstance(body, dict):
        raise ApiError(400, "`body` must be an object.")
    files = _datasets(call).paths_of(body.get("files"), body.get("directories"))
    notes = str(body.get("versionNotes") or "")
    made = _datasets(call).add_version(team, call.text("ownerSlug"), call.text("datasetSlug"), notes, files)
    return _made(call, made)


def get_status(call: Call) -> dict[str, Any]:
    """Whether a dataset can be used: as soon as it exists."""
    _named(call)
    return {"status": "READY"}


def get_dataset(call: Call) -> dict[str, Any]:
    """One dataset."""
    return _wire(call, _named(call))


def get_metadata(call: Call) -> dict[str, Any]:
    """Title and license of a dataset."""
    found = _named(call)
    info = {
        "datasetId": found.id,
        "datasetSlug": found.slug,
        "ownerUser": found.owner,
        "title": found.title,
        "isPrivate": True,
        "licenses": [{"name": found.license}],
    }
    return {"info": info}


def list_datasets(call: Call) -> dict[str, Any]:
    """The team's own datasets, whatever group is asked for: there are no others that it may see."""
    team = call.need_team()
    words = call.text("search").casefold()
    own = _datasets(call).of_team(team) if call.text("user") in ("", team.user_name) else []
    page, token = page_of(call, [d for d in own if words in f"{d.slug} {d.title}".casefold()])
    return {"datasets": [_wire(call, d) for d in page], "nextPageToken": token}


def list_files(call: Call) -> dict[str, Any]:
    """The files of a dataset."""
    found = _named(call)
    page, token = page_of(call, sorted(found.files.items()))
    files = [
        {
            "name": path,
            "datasetRef": f"{found.owner}/{found.slug}",
            "ownerRef": found.owner,
            "fileType": PurePosixPath(path).suffix,
            "totalBytes": blob.size,
            "creationDate": wire_date(datetime.fromtimestamp(found.created, UTC)),
        }
        for path, blob in page
    ]
    return {"datasetFiles": files, "nextPageToken": token}


def download(call: Call) -> Response:
    """Where to get one file of a dataset, or all of them in a zip."""
    found = _named(call)
    name = call.text("fileName")
    kind, rest = "datasets", name
    if not name:
        kind, rest = "dataset-archives", f"{found.slug}.zip"
    elif name not in found.files:
        raise ApiError(404, f"File not found: {name[:200]}")
    url = call.host.bucket.url(call.base_url, kind, f"{found.id}/{found.version}/{rest}")
    return RedirectResponse(url, 302)


def _datasets(call: Call) -> Datasets:
    found = call.host.parts["datasets"]
    assert isinstance(found, Datasets)
    return found


def _named(call: Call) -> Dataset:
    version = call.integer("datasetVersionNumber")
    return _datasets(call).get(call.need_team(), call.text("ownerSlug"), call.text("datasetSlug"), version)


def _made(call: Call, d: Dataset) -> dict[str, Any]:
    return {"ref": f"{d.owner}/{d.slug}", "url": _url(call, d), "status": "ok"}


def _wire(call: Call, d: Dataset) -> dict[str, Any]:
    return {
        "id": d.id,
        "ref": f"{d.owner}/{d.slug}",
        "title": d.title,
        "url": _url(call, d),
        "ownerRef": d.owner,
        "creatorName": d.owner,
        "licenseName": d.license,
        "totalBytes": d.size,
        "lastUpdated": wire_date(datetime.fromtimestamp(d.created, UTC)),
        "isPrivate": True,
        "currentVersionNumber": d.version,
    }


def _url(call: Call, d: Dataset) -> str:
    return f"{call.base_url}/datasets/{d.owner}/{d.slug}"


CALLS: dict[tuple[str, str], Handler] = {
    (_SERVICE, "CreateDataset"): create_dataset,
    (_SERVICE, "CreateDatasetVersion"): create_version,
    (_SERVICE, "GetDatasetStatus"): get_status,
    (_SERVICE, "GetDataset"): get_dataset,
    (_SERVICE, "GetDatasetMetadata"): get_metadata,
    (_SERVICE, "ListDatasets"): list_datasets,
    (_SERVICE, "ListDatasetFiles"): list_files,
    (_SERVICE, "DownloadDataset"): download,
}
