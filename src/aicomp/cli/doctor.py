"""`aicomp doctor`: whether this machine, the network, the credentials and a competition are ready for work."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aicomp.cli.options import Host, Json, ProjectFolder
from aicomp.cli.output import Output

if TYPE_CHECKING:
    from aicomp.checkup import Check
    from aicomp.project import AnyProject

_MARKS = {"ok": "ok", "warning": "warning", "failed": "FAILED"}
_INDENT = " " * 23  # below the details: the widths of mark and name in `_lines`


def doctor(
    slug: Annotated[
        str | None, typer.Argument(metavar="[SLUG]", help="A competition; inside a project, that project's.")
    ] = None,
    host: Host = None,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Check what has to be right before work begins, and say what to type or open where it is not.

    Looks at versions, device, network, credentials and disk space, and at what the server says of a competition: rules,
    deadline, submissions left, metric and files. Nothing is changed or downloaded, and no token is shown.

    With --json the keys are: host, competition (null without one), status (of the worst check: ok, warning or failed),
    exit_code, checks (name, status, detail, hint, exit_code of each), and error (code, message, hint) if one failed.
    """
    from aicomp.checkup import exit_code
    from aicomp.kaggle.endpoint import find_endpoint

    output = Output(as_json)
    project = _project(project_folder) if slug is None or project_folder is not None else None
    competition = None if project is None else project.competition
    endpoint = find_endpoint(host, "kaggle" if competition is None else competition.host)
    slug = slug or (None if competition is None else competition.slug)
    checks = []
    for check in _checks(project, endpoint, slug, is_elsewhere=host is not None):
        checks.append(check)
        if not as_json:
            output.result({}, *_lines(check))
    code = exit_code(checks)
    if as_json:
        output.result(_content(checks, endpoint.host, slug, code))
    raise typer.Exit(code)


def _project(folder: Path | None) -> "AnyProject | None":
    """The project that is named or that the current directory lies in, None if there is none."""
    from aicomp.project import find_root
    from aicomp.simulation.project import open_project

    if folder is None and find_root(Path.cwd()) is None:
        return None
    return open_project(folder)


def _checks(project: "AnyProject | None", endpoint: Any, slug: str | None, *, is_elsewhere: bool) -> "Iterator[Check]":
    from aicomp.checkup import Check, check_device, check_disk, check_versions
    from aicomp.kaggle.doctor import examine

    if project is not None:
        if not project.competition.is_simulation:
            yield _check_data(project)
        if project.competition.host == "local" and not is_elsewhere:
            yield from (check_versions(), check_device(), check_disk(project.folder))
            yield Check("competition", "ok", f"`{slug}` is embedded: it needs neither network nor account")
            return
    yield from examine(endpoint, slug)


def _check_data(project: "AnyProject") -> "Check":
    """Whether the data is there; where it is known where it comes from, the hint need not ask."""
    from dataclasses import replace

    from aicomp.checkup import check_data
    from aicomp.contract.inquiry import shell_word
    from aicomp.raw_data import manifest_path

    check = check_data(project.folder)
    if manifest_path(project.folder).is_file() or not (project.competition.url or project.competition.host == "local"):
        return check
    return replace(check, hint=f"run `aicomp init --data-only --into {shell_word(str(project.folder))}`")


def _lines(check: "Check") -> list[str]:
    lines = [f"{_MARKS[check.status]:<8}{check.name:<14} {check.detail}"]
    if check.hint and check.status != "ok":
        lines.append(f"{_INDENT}hint: {check.hint}")
    return lines


def _content(checks: "Sequence[Check]", host: str, slug: str | None, code: int) -> dict[str, Any]:
    from dataclasses import asdict

    worst = next((c for c in checks if c.status == "failed" and c.exit_code == code), None)
    warned = any(c.status == "warning" for c in checks)
    content: dict[str, Any] = {
        "host": host,
        "competition": slug,
        "status": "failed" if worst is not None else "warning" if warned else "ok",
        "exit_code": code,
        "checks": [asdict(c) for c in checks],
    }
    if worst is not None:
        content["error"] = {"code": code, "message": f"{worst.name}: {worst.detail}", "hint": worst.hint}
    return content
