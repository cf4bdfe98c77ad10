"""Sections of a report: with what a run was made, what has changed since, and how to make it again."""

from collections.abc import Iterator
from typing import Any

from aicomp.pages.document import Block, Cell, Code, Facts, Finding, Heading, Items, Paragraph, Section, Table
from aicomp.report.origin import Origin, hashes, requirements
from aicomp.report.recipe import written
from aicomp.run import Run


def versions(run: Run) -> Section:
    """Python, packages, system, commit."""
    info = run.info
    facts: list[tuple[str, Cell]] = [("Python", info["python"]), ("system", info["platform"])]
    git = info["git"]
    if git is None:
        facts.append(("git", "the project was in no repository"))
    else:
        facts.append(("git commit", git["commit"]))
        facts.append(("uncommitted changes", "yes" if git["dirty"] else "none"))
    rows = tuple((package, found) for package, found in info["versions"].items())
    return Section("versions", "Versions", (Facts(tuple(facts)), Table("Packages", ("package", "version"), rows)))


def again(run: Run, origin: Origin) -> Section:
    """What is needed to run it again, and what has changed."""
    info = run.info
    blocks: list[Block] = [*_changes(origin, info)]
    lines = []
    if info["git"] is not None:
        lines.append(f"git checkout {info['git']['commit']}")
        lines += ["# and the changes that were not committed then"] if info["git"]["dirty"] else []
    lines += ["pip install -r requirements.txt    # the lines below"]
    if info["competition"]["problem_type"] != "simulation":
        lines.append("aicomp init SOURCE --data-only --into .    # if data/raw/ is empty; SOURCE: slug, folder or .zip")
    lines += [*origin.commands, "aicomp runs"]
    blocks += [Heading("Commands"), Code("\n".join(lines), "console")]
    blocks += [Items(origin.remarks)] if origin.remarks else []
    blocks += [Paragraph("The same machine gives the same scores; another processor or package rounds otherwise.")]
    blocks += [Heading("Requirements"), Code("\n".join(requirements(run)))]
    blocks += [Heading("Settings that are not the template's"), _template(origin, info["config"]["template"])]
    named = [("fingerprint of config, data, code and versions", info["fingerprint"]), ("data", info["data_hash"]),
             ("Python files of the project", info["code_hash"]), *hashes(run)]  # fmt: skip
    summary = f"{len(named)} hashes" if len(named) > 6 else ""
    blocks += [Heading("Hashes"), Table("SHA-256", ("of", "hash"), tuple(named), (), summary)]
    return Section("again", "To run it again", tuple(blocks))


def _template(origin: Origin, name: str) -> Block:
    if origin.template_problem:
        return Paragraph(f"What the template `{name}` says is not known: {origin.template_problem}.")
    if not origin.template:
        return Paragraph(f"All settings are those of the template `{name}`.")
    rows = tuple((d.key, _value(d.before), _value(d.now)) for d in origin.template)
    return Table(f"Where the run is not as the template “{name}”", ("setting", "template", "run"), rows)


def _value(value: Any) -> str:
    return "(none)" if value is None else written(value)


def _changes(origin: Origin, info: dict[str, Any]) -> Iterator[Block]:
    found = changes(origin)
    if not found:
        yield Finding("ok", "Nothing has changed", "Code, data and package versions are those of the run.")
    yield from found
    commit = None if info["git"] is None else info["git"]["commit"]
    if origin.commit is not None and commit is not None and origin.commit != commit:
        yield Paragraph(f"The repository is at commit {origin.commit} now.")


def changes(origin: Origin) -> list[Finding]:
    """What differs from when the run was made, the worst first."""
    found = []
    if origin.data_changed:
        found.append(Finding("high", "The data has changed", "The files in `data/raw/` are not those of the run.",
                             "Bring them back, or train again."))  # fmt: skip
    if origin.data_changed is None:
        found.append(Finding("medium", "The data is not here", "The project has no `data/manifest.json`."))
    if origin.code_changed:
        found.append(Finding("medium", "The code has changed", "The project's Python files are not those of the run.",
                             "Go back to its commit, or train again."))  # fmt: skip
    if origin.versions:
        words = ", ".join(f"{d.key} {d.now} (here {d.before or 'not installed'})" for d in origin.versions)
        found.append(Finding("low", "Package versions are others", f"The run had {words}."))
    return found
