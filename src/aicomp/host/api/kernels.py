"""`kernels.KernelsApiService`: a team's own kernels, run by this host without network."""

import re
from datetime import UTC, datetime
from typing import Any

from starlette.responses import RedirectResponse, Response

from aicomp.host.api import Call, Handler
from aicomp.host.api.paging import page_of
from aicomp.host.kernels.runner import Runner
from aicomp.host.kernels.store import Kernel, KernelType, Sources
from aicomp.host.teams import Team, has_accepted
from aicomp.host.wire import ApiError, wire_date

_SERVICE = "kernels.KernelsApiService"
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MOST_CHARACTERS = 80
MOST_TEXT_BYTES = 2**20
"""Most bytes of a kernel's text, as on Kaggle."""


def save_kernel(call: Call) -> dict[str, Any]:
    """Keep a new version of a kernel and queue it; what is wrong with it is told in `error`, as Kaggle does."""
    team = call.need_team()
    runner = _runner(call)
    slug, title = _slug_and_title(call, team)
    kernel_type = call.text("kernelType")
    if call.text("language").lower() != "python" or kernel_type not in ("script", "notebook"):
        return {"error": "This host runs scripts and notebooks in Python alone."}
    if not call.text("text").strip():
        return {"error": "The notebook is empty."}
    if len(call.text("text").encode()) > MOST_TEXT_BYTES:
        return {"error": f"The notebook has more than {MOST_TEXT_BYTES:,} bytes: put data and weights into a dataset."}
    sources, invalid = _sources(call, team)
    kind: KernelType = "script" if kernel_type == "script" else "notebook"
    saved = runner.store.save(
        team,
        slug,
        title,
        call.text("text"),
        kind,
        sources,
        seconds=call.integer("sessionTimeoutSeconds") or None,
        run=call.text("kernelExecutionType") != "QUICK_SAVE",
    )
    runner.wake()
    return {
        "ref": f"/{saved.owner}/{saved.slug}",
        "url": _url(call, saved),
        "versionNumber": saved.version,
        "kernelId": saved.kernel_id,
        **invalid,
    }


def get_session_status(call: Call) -> dict[str, Any]:
    """What became of a version, and why it failed."""
    kernel = _named(call)
    return {"status": kernel.status, "failureMessage": kernel.failure}


def list_session_output(call: Call) -> dict[str, Any]:
    """The files that a finished version wrote, and what it printed so far."""
    kernel = _named(call)
    page, token = page_of(call, list(_runner(call).store.outputs(kernel)))
    files = [{"url": _output_url(call, kernel, path), "fileName": path} for path in page]
    return {"files": files, "log": _runner(call).store.log(kernel), "nextPageToken": token}


def list_files(call: Call) -> dict[str, Any]:
    """The files that a finished version wrote, with their sizes."""
    kernel = _named(call)
    page, token = page_of(call, list(_runner(call).store.outputs(kernel).items()))
    made = wire_date(datetime.fromtimestamp(kernel.ended or kernel.created, UTC))
    files = [{"name": path, "size": file.stat().st_size, "creationDate": made} for path, file in page]
    return {"files": files, "nextPageToken": token}


def download_output(call: Call) -> Response:
    """Where to get one file that a version wrote."""
    team = call.need_team()
    store = _runner(call).store
    kernel = store.get(team, call.text("ownerSlug"), call.text("kernelSlug"), call.integer("versionNumber"))
    if call.text("filePath") not in store.outputs(kernel):
        raise ApiError(404, f"File not found: {call.text('filePath')[:200]}")
    return RedirectResponse(_output_url(call, kernel, call.text("filePath")), 302)


def get_kernel(call: Call) -> dict[str, Any]:
    """Text and settings of a version."""
    kernel = _named(call)
    blob = {"source": kernel.text, "language": "python", "kernelType": kernel.kernel_type, "slug": kernel.slug}
    return {"metadata": _wire(kernel), "blob": blob}


def list_kernels(call: Call) -> dict[str, Any]:
    """The team's own kernels, whatever group is asked for: there are no others that it may see."""
    team = call.need_team()
    words, competition = call.text("search").casefold(), call.text("competition")
    found = [
        kernel
        for kernel in (_runner(call).store.of_team(team) if call.text("user") in ("", team.user_name) else [])
        if words in f"{kernel.slug} {kernel.title}".casefold()
        and (not competition or competition in kernel.sources.competitions)
    ]
    page, token = page_of(call, found)
    return {"kernels": [_wire(kernel) for kernel in page], "nextPageToken": token}


def _runner(call: Call) -> Runner:
    if call.host.kernels is None:
        raise ApiError(400, "This host runs no kernels.")
    return call.host.kernels


def _named(call: Call) -> Kernel:
    """The version that a call names: `versionLabel` is `v3` or `3`, and absent for the newest."""
    label = call.text("versionLabel").removeprefix("v")
    if label and not (label.isdecimal() and 0 < int(label) < 10**9):
        raise ApiError(404, f"There is no version `{label[:40]}` of the notebook.")
    owner, slug = call.text("userName"), call.text("kernelSlug")
    return _runner(call).store.get(call.need_team(), owner, slug, int(label or 0))


def _slug_and_title(call: Call, team: Team) -> tuple[str, str]:
    owner, _, slug = call.text("slug").rpartition("/")
    title = call.text("newTitle").strip()[:_MOST_CHARACTERS] or slug
    if owner not in ("", team.user_name):
        raise ApiError(403, f"Your notebooks are pushed as {team.user_name}/SLUG.")
    slug = slug or re.sub("[^a-z0-9]+", "-", title.lower()).strip("-")
    if not _SLUG.fullmatch(slug) or len(slug) > _MOST_CHARACTERS:
        raise ApiError(400, f'"{slug[:80]}" is no slug: take small letters, digits and hyphens.')
    return slug, title


def _sources(call: Call, team: Team) -> tuple[Sources, dict[str, list[str]]]:
    """What the kernel may read of what it names, and what not."""
    host = call.host
    asked = {kind: _names(call, f"{kind}DataSources") for kind in ("competition", "dataset", "kernel", "model")}
    good: dict[str, list[str]] = {"competition": [], "dataset": [], "kernel": []}
    bad: dict[str, list[str]] = {kind: [] for kind in asked}
    for slug in asked["competition"]:
        allowed = slug in host.competitions and has_accepted(host.database, team, slug)
        (good if allowed else bad)["competition"].append(slug)
    for kind, exists in (("dataset", _dataset_exists), ("kernel", _kernel_exists)):
        for name in asked[kind]:
            (good if exists(call, team, name) else bad)[kind].append(name)
    bad["model"] = asked["model"]
    invalid = {f"invalid{kind.capitalize()}Sources": names for kind, names in bad.items()}
    return Sources(tuple(good["competition"]), tuple(good["dataset"]), tuple(good["kernel"])), invalid


def _dataset_exists(call: Call, team: Team, name: str) -> bool:
    match = re.fullmatch(r"([^/]+)/([^/]+)(?:/(\d{1,9}))?", name)
    try:
        return match is not None and bool(call.host.parts["datasets"].get(team, match[1], match[2], int(match[3] or 0)))
    except ApiError:
        return False


def _kernel_exists(call: Call, team: Team, name: str) -> bool:
    owner, _, slug = name.partition("/")
    return owner == team.user_name and _runner(call).store.find(owner, slug.partition("/")[0]) is not None


def _names(call: Call, field: str) -> list[str]:
    value = call.body.get(field) or []
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value) or len(value) > 100:
        raise ApiError(400, f"`{field}` must be a list of strings.")
    return list(dict.fromkeys(value))


def _output_url(call: Call, kernel: Kernel, path: str) -> str:
    return call.host.bucket.url(call.base_url, "kernels", f"{kernel.kernel_id}/{kernel.version}/{path}")


def _url(call: Call, kernel: Kernel) -> str:
    return f"{call.base_url}/code/{kernel.owner}/{kernel.slug}"


def _wire(kernel: Kernel) -> dict[str, Any]:
    return {
        "id": kernel.kernel_id,
        "ref": f"{kernel.owner}/{kernel.slug}",
        "title": kernel.title,
        "author": kernel.owner,
        "slug": kernel.slug,
        "lastRunTime": wire_date(datetime.fromtimestamp(kernel.ended or kernel.created, UTC)),
        "language": "python",
        "kernelType": kernel.kernel_type,
        "isPrivate": True,
        "enableGpu": False,
        "enableInternet": False,
        "competitionDataSources": list(kernel.sources.competitions),
        "datasetDataSources": list(kernel.sources.datasets),
        "kernelDataSources": list(kernel.sources.kernels),
        "currentVersionNumber": kernel.version,
    }


CALLS: dict[tuple[str, str], Handler] = {
    (_SERVICE, "SaveKernel"): save_kernel,
    (_SERVICE, "GetKernelSessionStatus"): get_session_status,
    (_SERVICE, "ListKernelSessionOutput"): list_session_output,
    (_SERVICE, "ListKernelFiles"): list_files,
    (_SERVICE, "DownloadKernelOutput"): download_output,
    (_SERVICE, "GetKernel"): get_kernel,
    (_SERVICE, "ListKernels"): list_kernels,
}
