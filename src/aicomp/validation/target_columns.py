"""The target in disguise: a single column from which nearly all of the target follows, on rows not learned from."""

from functools import partial

import numpy as np

from aicomp.validation.drawings import bars
from aicomp.validation.finding import Finding, Outcome, listed
from aicomp.validation.quick_model import drawn
from aicomp.validation.single import explained, most_explained, target_matrix
from aicomp.validation.subject import Subject

_MOST_ROWS = 50_000
_NEARLY, _ALL = 0.95, 0.97
_SHOWN = 8


def check_columns(subject: Subject, most: int = _MOST_ROWS) -> Outcome:
    """Ask of each column that is trained on how much of the target it tells alone.

    Args:
        subject: The data.
        most: Rows that are looked at.
    """
    rows = drawn(subject.n_train, most)
    notes = (
        [f"single columns: {len(rows):,} of {subject.n_train:,} rows of train"] if len(rows) < subject.n_train else []
    )
    targets = target_matrix(subject.y[rows], subject.task.problem_type)
    if targets is None:
        return Outcome([_of_strings(subject, rows)], notes=notes)
    shares = {}
    for name in subject.names("number", "code", "boolean", "datetime"):
        shares[name] = most_explained(subject.train.numbers[name][rows], targets)
    for name in subject.names("category"):
        shares[name] = explained(subject.train.codes[name][rows].astype(np.int64), targets).share
    shares = dict(sorted(shares.items(), key=lambda item: -item[1]))
    findings = [_finding(name, share) for name, share in shares.items() if share >= _NEARLY]
    if not findings:
        best = next(iter(shares.items()), None)
        said = "No column can be asked."
        if best is not None:
            said = f"`{best[0]}` tells most of it alone, {best[1]:.1%} of its variation."
        numbers = {} if best is None else {"largest_share": best[1]}
        findings = [Finding("target-in-disguise", "ok", "No column is the target in disguise", said, "", numbers)]
    drawings = []
    shown = {name: share for name, share in list(shares.items())[:_SHOWN] if share > 0.01}
    if len(shown) > 1:
        caption = "How much of the target's variation each column tells alone, out of fold: the largest ones."
        drawings.append(partial(bars, "single-columns", shown, caption, "share of the target's variation"))
    return Outcome(findings, drawings, notes)


def _finding(name: str, share: float) -> Finding:
    is_all = share >= _ALL
    evidence = f"Means of the target in the bins or levels of `{name}` tell {share:.2%} of its variation on other rows."
    advice = (
        f"Is `{name}` known before the target is? If not, or if test is filled otherwise, write "
        f'`"{name}" = "drop"` under [columns] in aicomp.toml.'
    )
    title = f"`{name}` is the target in disguise" if is_all else f"`{name}` alone tells nearly all of the target"
    numbers = {"share": share}
    return Finding("target-in-disguise", "high" if is_all else "medium", title, evidence, advice, numbers, (name,))


def _of_strings(subject: Subject, rows: np.ndarray) -> Finding:
    """Of a target that is a string: columns that hold the same one."""
    same = {}
    for name in subject.names("text", "category"):
        values = subject.strings(name, subject.train, rows)
        same[name] = float(np.mean([a == b.strip() for a, b in zip(values, subject.y[rows], strict=True)]))
    worst = [name for name, share in same.items() if share >= _NEARLY]
    if worst:
        evidence = f"In {same[worst[0]]:.1%} of the rows, the target is what {listed(worst)} says, word for word."
        advice = f'If test has that column otherwise filled: `"{worst[0]}" = "drop"` under [columns].'
        title = f"{listed(worst)} is the target"
        return Finding("target-in-disguise", "high", title, evidence, advice, {"share": same[worst[0]]}, tuple(worst))
    most = max(same.values(), default=0.0)
    evidence = f"At most {most:.1%} of the targets stand word for word in a column."
    return Finding("target-in-disguise", "ok", "No column is the target", evidence, "", {"largest_share": most})
