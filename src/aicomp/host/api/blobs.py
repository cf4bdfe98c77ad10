"""`blobs.BlobApiService`: files uploaded for datasets."""

from typing import Any

from aicomp.host.api import Call, Handler
from aicomp.host.wire import ApiError


def start_blob_upload(call: Call) -> dict[str, Any]:
    """Where to PUT a file, and the token by which a dataset takes it then."""
    team = call.need_team()
    kind = call.text("type")
    if kind != "DATASET":
        raise ApiError(400, f"This host takes uploads of type DATASET alone, not {kind[:40] or 'of no type'}.")
    blob = call.host.uploads.start(team, "dataset", call.text("name"), call.integer("contentLength"))
    return {"token": blob.token, "createUrl": call.host.bucket.url(call.base_url, "upload", blob.token, method="PUT")}


CALLS: dict[tuple[str, str], Handler] = {("blobs.BlobApiService", "StartBlobUpload"): start_blob_upload}
