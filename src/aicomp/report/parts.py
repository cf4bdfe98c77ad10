"""Sections that every report has: what a run is for, its data, folds, scores, submissions and findings."""

import json
from collections.abc import Iterator
from typing import Any

from aicomp.errors import DataError
from aicomp.pages.document import Block, Cell, Facts, Finding, Heading, Items, Paragraph, Section, Table
from aicomp.pages.render import number
from aicomp.project import AnyProject
from aicomp.raw_data import manifest_path
from aicomp.report.origin import Origin
from aicomp.report.recipe import written
from aicomp.run import Run
from aicomp.submission.ledger import Attempt, read_ledger

_MOST_FILES = 12
_MOST_COLUMNS = 400
_FOLDED = 12

SEVERITIES = ("high", "medium", "low", "ok")
CHECK_FILE = "check.json"
"""What `aicomp check` leaves in a run's folder: findings, each with name, severity, title, evidence and advice."""


def purpose(run: Run) -> Section:
    """What the run is for: the contract, and what the scores speak of."""
    c = run.info["competition"]
    submission = c["submission"]
    facts: list[tuple[str, Cell]] = [("competition", c["slug"]), ("problem", c["problem_type"])]
    if c["target"]:
        facts.append(("target", ", ".join(c["target"])))
    direction = "higher" if run.scores["greater_is_better"] else "lower"
    facts += [("metric", f"{c['metric']} ({direction} is better)")]
    if c["problem_type"] == "simulation":
        facts.append(("environment", c["environment"]))
    for name, key in (("page", "url"), ("deadline", "deadline"), ("graded by", "host")):
        facts += [(name, c[key])] if c[key] else []
    blocks: list[Block] = [Facts(tuple(facts)), Paragraph(_use(c))]
    if c["labels"]:
        shown = ", ".join(c["labels"][:60]) + (f" and {len(c['labels']) - 60} more" if len(c["labels"]) > 60 else "")
        blocks.append(Paragraph(f"Labels, in the order of their codes: {shown}."))
    if submission["columns"]:
        wants = {"label": "a label", "probability": "a probability", "value": "a value", "string": "a string"}
        columns = submission["columns"]
        named = ", ".join(columns[:12]) + (f" and {len(columns) - 12} more" if len(columns) > 12 else "")
        blocks.append(
            Paragraph(f"A submission has the columns {named}; its targets hold {wants[submission['wants']]}.")
        )
    if c["medals"]:
        rows = tuple((name, number(value, 6)) for name, value in c["medals"].items())
        blocks.append(
            Table(f"Score of a medal ({c['medals_source'] or 'source unknown'})", ("medal", "score"), rows, (1,))
        )
    return Section("purpose", "What it is for", tuple(blocks))


def _use(c: dict[str, Any]) -> str:
    if c["problem_type"] == "simulation":
        return (
            f"This run is an agent for the environment {c['environment']}, as the competition wants it. It "
            "was scored in episodes that no training has seen; what it does in another environment is not known."
        )
    return (
        f"This run predicts {', '.join(c['target'])} for rows like those of the competition's test file. It was scored "
        "on rows of the training file alone: scores hold for other rows as far as these are like them. No other use "
        "was looked at."
    )


def data(project: AnyProject, run: Run, origin: Origin) -> Section:
    """Files, rows and columns."""
    plan, facts = run.read("plan.json"), []
    for name, n in zip(("train rows", "test rows"), plan["n_rows"], strict=True):
        facts.append((name, f"{n:,}"))
    columns = run.read("columns.json") if (run.folder / "columns.json").is_file() else []
    if columns:
        facts.append(("columns", f"{len(columns):,}"))
    blocks: list[Block] = [Facts(tuple(facts)), *_files(project, origin)]
    if columns:
        rows = tuple((c["name"], c["kind"], c["reason"]) for c in columns[:_MOST_COLUMNS])
        left = len(columns) - len(rows)
        summary = f"{len(columns)} columns, and how each was taken" if len(columns) > _FOLDED else ""
        blocks.append(Table("Columns, and how each was taken", ("column", "taken as", "because"), rows, (), summary))
        blocks += [Paragraph(f"{left:,} more columns stand in the run's `columns.json`.", is_soft=True)] if left else []
        kinds: dict[str, int] = {}
        for c in columns:
            kinds[c["kind"]] = kinds.get(c["kind"], 0) + 1
        words = ", ".join(f"{n} as {kind}" for kind, n in sorted(kinds.items(), key=lambda item: -item[1]))
        blocks.insert(-1 - bool(left), Paragraph(f"Taken: {words}."))
    else:
        blocks.append(Paragraph("The run holds predictions alone: how columns were taken is known to what made them."))
    if (run.folder / "bad_files.json").is_file():
        bad = run.read("bad_files.json")
        words = ", ".join(f"{len(files):,} of {kind}" for kind, files in bad.items())
        blocks.append(Finding("medium", "Files that could not be read", f"Blank ones were taken instead: {words}."))
    return Section("data", "Data", tuple(blocks))


def _files(project: AnyProject, origin: Origin) -> Iterator[Block]:
    path = manifest_path(project.folder)
    if not path.is_file():
        yield Paragraph("The project has no data now, so that sizes and hashes of the files are not known.")
        return
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["files"]
        # Tables are named one by one; images and sounds, which lie in folders, together.
        tables = [e for e in entries if "/" not in e["name"]][:_MOST_FILES]
        others = [e for e in entries if e not in tables]
        rows = tuple((e["name"], f"{e['size']:,}", e["sha256"]) for e in tables)
        total = sum(e["size"] for e in others)
    except (ValueError, KeyError, TypeError) as e:
        raise DataError(f"`{path}` is no manifest: {e}", "run `aicomp init SOURCE --data-only` again") from e
    if origin.data_changed:
        yield Finding("high", "These files are not those of the run", "They have changed since it was trained.")
    yield Table("Files in data/raw", ("file", "bytes", "SHA-256"), rows, (1,))
    if others:
        yield Paragraph(f"Beside them {len(others):,} files of {total:,} bytes together, each hashed in the manifest.")


def folds(run: Run) -> Section:
    """Which rows validate what, and why so."""
    plan, config = run.read("plan.json"), run.info["config"]["split"]
    n_train, scores = plan["n_rows"][0], run.scores
    facts: list[tuple[str, Cell]] = [
        ("splitter", plan["splitter"]),
        ("folds", str(plan["n_folds"])),
        ("validated rows", f"{scores['n_validated']:,} of {n_train:,}"),
        ("seed of the shuffles", str(config["seed"])),
    ]
    facts += [(key, str(config[key])) for key in ("group", "time", "fold_column") if config[key]]
    blocks: list[Block] = [Facts(tuple(facts)), Paragraph(f"Why: {plan['splitter_reason']}.")]
    if plan["notes"]:
        blocks.append(Items(tuple(plan["notes"])))
    return Section("splits", "Validation", tuple(blocks))


def scores(project: AnyProject, run: Run) -> Section:
    """Scores of the folds, and what became of submissions."""
    found, metric = run.scores, run.scores["metric"]
    rows = []
    for k, score in enumerate(found["folds"]):
        result = run.result(k)
        best = result.get("best_epoch")
        epochs = "–" if best is None or not result.get("history") else f"{best} of {result.get('n_epochs', '?')}"
        rows.append((str(k), number(score, 5), epochs, f"{result['seconds']:.1f}"))
    direction = "higher" if found["greater_is_better"] else "lower"
    facts: list[tuple[str, Cell]] = [
        (f"{metric}, mean ± std over folds", f"{number(found['mean'], 5)} ± {number(found['std'], 2)}"),
        ("of all rows together", number(found["pooled"], 5)),
        ("direction", f"{direction} is better"),
    ]
    headings = ("fold", metric, "best epoch or round", "seconds")
    blocks: list[Block] = [Facts(tuple(facts)), Table("Score of each fold", headings, tuple(rows), (1, 2, 3))]
    blocks += _last_step(found["last_step"])
    blocks += submissions(project, run)
    return Section("scores", "Scores", tuple(blocks))


def _last_step(step: dict[str, Any]) -> Iterator[Block]:
    if step["name"] == "plain" and not step["reason"]:
        return
    yield Heading("Last step")
    parameters = ", ".join(f"{k} {written(v)}" for k, v in step["parameters"].items())
    words = f"{step['name']}{f' ({parameters})' if parameters else ''}"
    because = f"; {step['reason']}" if step["reason"] else ""
    yield Paragraph(f"From predictions to what is submitted: {words}{because}.")
    if "without" in step and step["name"] != "plain":
        rows = tuple(
            (name, number(s["mean"], 5), number(s["std"], 2), number(s["pooled"], 5))
            for name, s in (("as they are", step["without"]), ("with it, chosen without each fold", step["nested"]))
        )
        yield Table("What the last step brings", ("predictions", "mean", "std", "all rows"), rows, (1, 2, 3))


def submissions(project: AnyProject, run: Run) -> Iterator[Block]:
    """What was sent of this run, by the project's ledger."""
    yield Heading("Submissions")
    sent = attempts_of(project, run)
    if not sent:
        yield Paragraph("Nothing was sent of this run.")
        return
    rows = tuple(
        (f"{a.time:%Y-%m-%d %H:%M} UTC", a.host, a.status, number(a.score, 6), a.sha256[:12],
         a.message or "–", a.error or "–")
        for a in sent
    )  # fmt: skip
    headings = ("sent", "to", "status", "public score", "file, SHA-256", "message", "error")
    yield Table("Submissions of this run, public scores", headings, rows, (3,))


def attempts_of(project: AnyProject, run: Run) -> list[Attempt]:
    """The ledger's submissions that hold this run, oldest first."""
    return [a for a in read_ledger(project) if run.id in a.runs]


def checked(run: Run) -> Section | None:
    """What `aicomp check` found and left in the run's folder; None if it did not run.

    Raises:
        DataError: The file is no list of findings.
    """
    if not (run.folder / CHECK_FILE).is_file():
        return None
    content = run.read(CHECK_FILE)
    findings = content.get("findings") if isinstance(content, dict) else content
    if not isinstance(findings, list) or not all(isinstance(f, dict) and "title" in f for f in findings):
        raise DataError(f"`{run.folder / CHECK_FILE}` holds no list of findings", "run `aicomp check` again")
    blocks = tuple(_finding(f) for f in sorted(findings, key=lambda f: _rank(f.get("severity"))))
    return Section("check", "What aicomp check found", blocks or (Paragraph("Nothing."),))


def _rank(severity: object) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _finding(found: dict[str, Any]) -> Finding:
    severity = found.get("severity")
    known = str(severity) if severity in SEVERITIES else "low"
    return Finding(known, str(found["title"]), str(found.get("evidence", "")), str(found.get("advice", "") or ""))  # type: ignore[arg-type]
