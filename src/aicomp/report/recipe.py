"""Section of a report: the model, and every setting as it was resolved."""

import json
import math
from collections.abc import Iterator
from typing import Any

from aicomp.pages.document import Block, Cell, Facts, Link, Paragraph, Section, Table
from aicomp.pages.render import number
from aicomp.run import Run


def recipe(run: Run) -> Section:
    """The model and all settings as they were resolved, those of regularization apart."""
    config = run.info["config"]
    facts: list[tuple[str, Cell]] = [
        ("model", config["model"]["name"]),
        ("kind of run", _KINDS.get(run.kind, run.kind)),
    ]
    facts += [("template", config["template"]), ("seed", str(config["seed"]))]
    facts += [("device", config["device"])] if "device" in config else []
    blocks: list[Block] = [Facts(tuple(facts))]
    if run.kind == "blend":
        return Section("recipe", "Model", (*blocks, *_members(run)))
    results = [run.result(k) for k in range(len(run.scores["folds"]))]
    params = config["model"].get("params", {})
    if params:
        rows = tuple((key, written(value)) for key, value in params.items())
        blocks.append(Table("Parameters of the model", ("parameter", "value"), rows))
    settings = _resolved([r.get("settings", {}) for r in results])
    keys = [k for k in settings if k in config.get("regularization", {})]
    for caption, names in (("Settings, as resolved", [k for k in settings if k not in keys]), ("Regularization", keys)):
        if names:
            rows = tuple((name, settings[name]) for name in names)
            blocks.append(Table(f"{caption} (where folds differ, all values)", ("setting", "value"), rows))
    inputs = results[0].get("inputs", {})
    if inputs:
        words = ", ".join(f"{len(v):,} {name}" for name, v in inputs.items() if v)
        blocks.append(Paragraph(f"What the model of the first fold reads: {words or 'nothing but rows'}."))
    if (run.folder / "layout.json").is_file():
        layout = run.read("layout.json")
        how = "as one network" if layout["stacked"] else "one by one"
        blocks.append(Paragraph(f"Folds were trained {how}: {layout['reason']}."))
    if not settings and not params:
        blocks.append(Paragraph("The run says nothing of settings: its predictions come from elsewhere."))
    return Section("recipe", "Model and recipe", tuple(blocks))


_KINDS = {
    "train": "trained here",
    "blend": "a blend of runs",
    "saved": "predictions of another framework, or a constant",
    "agent": "an agent",
}


def _members(run: Run) -> Iterator[Block]:
    details = run.info["blend"]
    metric = run.scores["metric"]
    rows = []
    for member in sorted(details["members"], key=lambda m: -abs(m["weight"])):
        other = Run(run.folder.parent / member["run"])
        name: Cell = str(member["run"])
        model = "(removed since)"
        if (other.folder / "run.json").is_file():
            page = "report.html" if (other.folder / "report.html").is_file() else ""
            name, model = Link(other.id, f"../{_quoted(other.id)}/{page}"), other.info["config"]["model"]["name"]
        rows.append((name, model, number(member["cv"], 5), number(member["weight"], 3)))
    yield Paragraph(
        f"Method: {details['method']}. Weights were fitted on all out-of-fold rows for test rows; scores of this run "
        f"come from weights fitted without each fold ({number(details['honest']['mean'], 5)}), while on the rows that "
        f"they were fitted on it would be {number(details['optimistic']['mean'], 5)}."
    )
    yield Table("Members, the heaviest first", ("run", "model", metric, "weight"), tuple(rows), (2, 3))


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name)


def _resolved(settings: list[dict[str, Any]]) -> dict[str, str]:
    """Each setting with its value, or the different ones of the folds."""
    keys = dict.fromkeys(key for s in settings for key in s)
    return {key: ", ".join(dict.fromkeys(written(s.get(key)) for s in settings)) for key in keys}


def written(value: Any) -> str:
    """A setting as a report writes it: numbers to six digits, all else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return json.dumps(value)
