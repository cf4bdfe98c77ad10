"""What tests of kernels and datasets share: pushing, waiting, uploading."""

import json
import time

KERNELS = "kernels.KernelsApiService"
DATASETS = "datasets.DatasetApiService"


def push(team, code, *, slug="ada/first-try", kind="script", **more):
    """Push a kernel and return the answer."""
    if kind == "notebook" and isinstance(code, list):
        code = notebook(*code)
    body = {"slug": slug, "newTitle": "First try", "text": code, "language": "python", "kernelType": kind, **more}
    return team.call("SaveKernel", service=KERNELS, **body)


def notebook(*sources):
    """A notebook of these code cells, with a text cell before them."""
    cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "# words"}, *cells], "nbformat": 4})


def finished(team, slug="ada/first-try", label=None, seconds=120):
    """Status of a kernel that has ended, its log, and its output files by name."""
    owner, name = slug.split("/")
    named = {"userName": owner, "kernelSlug": name, **({"versionLabel": label} if label else {})}
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        status = team.call("GetKernelSessionStatus", service=KERNELS, **named)
        if status.get("status") not in ("QUEUED", "RUNNING"):
            output = team.call("ListKernelSessionOutput", service=KERNELS, **named)
            return status, output.get("log", ""), {f["fileName"]: f["url"] for f in output.get("files", [])}
        time.sleep(0.02)
    raise AssertionError(f"{slug} has not ended after {seconds} s")


def upload(team, content, name="data.csv"):
    """Upload a file for a dataset and return its token."""
    raw = content.encode()
    started = team.call(
        "StartBlobUpload", service="blobs.BlobApiService", type="DATASET", name=name, contentLength=len(raw)
    )
    assert team.http.put(started["createUrl"], content=raw).status_code == 200
    return started["token"]


def make_dataset(team, files, slug="my-data", **more):
    """Make a dataset of texts by file name."""
    tokens = [{"token": upload(team, content, name)} for name, content in files.items()]
    body = {"slug": slug, "title": "My data", "licenseName": "CC0-1.0", "isPrivate": True, **more}
    return team.call("CreateDataset", service=DATASETS, files=tokens, **body)
