"""What stands out in a project's data, in sentences with numbers."""

from collections.abc import Callable, Iterator

import numpy as np

from aicomp.data.steps import plural
from aicomp.eda.exploration import Exploration, Study
from aicomp.pages.render import number, percent

_RARE = 0.05
_DISGUISE = 0.9
_SKEWED = 3.0
_MOSTLY = 0.5
_UNSEEN = 0.05
_REPEATED = 0.05
_NAMED = 3


def standing_out(found: Exploration) -> list[str]:
    """Sentences, the weightiest kind first; none where nothing stands out."""
    return [sentence for look in _LOOKS for sentence in look(found)]


def _disguised(found: Exploration) -> Iterator[str]:
    for study in found.by_association:
        if study.association is not None and study.association.share > _DISGUISE and found.target.form != "boxes":
            yield (
                f"`{study.name}` alone tells {percent(study.association.share)} of the target: "
                "is it known when a row is to be predicted?"
            )


def _moved(found: Exploration) -> Iterator[str]:
    later = {span.name for span in found.spans if span.is_later}
    moved = [s for s in found.by_drift if s.drift is not None and s.drift.is_beyond and s.name not in later]
    if moved:
        of = f"{len(moved)} of {len(found.by_drift)} columns are distributed otherwise in test than in train"
        yield f"{of}, farther than chance would put them: {_listed(moved, _distance)}."
    emptied = [s for s in found.studies if s.drift is not None and s.drift.is_missing_beyond]
    if emptied:
        emptied.sort(key=lambda s: -abs(s.drift.missing) if s.drift else 0)
        yield f"{_columns(len(emptied))} missing more or less often in test: {_listed(emptied, _more_missing(found))}."


def _distance(study: Study) -> str:
    drift = study.drift
    return "" if drift is None else f"{drift.measure} {drift.distance:.2f}, chance below {drift.bound:.2f}"


def _more_missing(found: Exploration) -> Callable[[Study], str]:
    def told(study: Study) -> str:
        missing = found.missing
        return f"{percent(missing.train[study.name])} in train, {percent(missing.test.get(study.name))} in test"

    return told


def _target(found: Exploration) -> Iterator[str]:
    target = found.target
    if target.form == "classes":
        n = sum(target.counts.values())
        rare = min(target.counts, key=lambda label: target.counts[label])
        if target.counts[rare] < _RARE * n:
            yield f"Class `{rare}` is rare: {target.counts[rare]:,} of {n:,} rows, {percent(target.counts[rare] / n)}."
    if target.form == "labels":
        for name, n in target.counts.items():
            if n < _RARE * len(target.y):
                yield f"Label `{name}` is rare: {n:,} of {len(target.y):,} rows."
    if target.form == "values" and target.y.ndim == 1:
        yield from _values(found)


def _values(found: Exploration) -> Iterator[str]:
    y, name = found.target.y, found.target.names[0]
    spread = y.std()
    skew = float(((y - y.mean()) ** 3).mean() / spread**3) if spread > 0 else 0.0
    zeros = float((y == 0).mean())
    if abs(skew) > _SKEWED:
        side = "above" if skew > 0 else "below"
        yield (
            f"`{name}` has a long tail {side}: median {number(float(np.median(y)))}, mean {number(float(y.mean()))}, "
            f"from {number(float(y.min()))} to {number(float(y.max()))}."
        )
    if zeros > 0.3:
        yield f"`{name}` is 0 in {percent(zeros)} of the rows."


def _telling(found: Exploration) -> Iterator[str]:
    sure = [s for s in found.by_association if s.association is not None and s.association.is_sure]
    asked = len(found.by_association)
    if not asked or found.target.form in ("lists", "boxes"):
        return
    if not sure:
        yield f"None of {asked} columns tells anything of the target by itself."
        return
    told = {"strings": "the target's length"}.get(found.target.form, "the target")
    of = "its entropy" if found.target.are_shares else "the variance of its ranks"
    yield f"What tells most of {told} by itself, as a share of {of}: {_listed(sure, _share)}."


def _share(study: Study) -> str:
    return "" if study.association is None else percent(study.association.share)


def _holes(found: Exploration) -> Iterator[str]:
    missing = found.missing
    empty = [n for n in missing.columns if missing.train.get(n, 0) > _MOSTLY]
    if empty:
        shown = ", ".join(f"`{n}` ({percent(missing.train[n])})" for n in empty[:_NAMED])
        yield f"{_columns(len(empty))} missing in most rows of train: {shown}{_more(len(empty))}."
    for group in missing.together[:2]:
        shown = ", ".join(f"`{n}`" for n in group[:6])
        yield f"{len(group)} columns are missing in the same rows: {shown}{_more(len(group), 6)}."
    telling = [s for s in found.studies if _tells_by_absence(s)]
    if telling:
        yield f"That a value is missing goes with another target: {_listed(telling, _absence)}."


def _tells_by_absence(study: Study) -> bool:
    """Whether the intervals of the target, where the value is missing and over all rows, lie apart."""
    relation = study.relation
    if relation is None or relation.missing is None or relation.missing.n < 30 or len(relation.groups) < 2:
        return False
    gap = np.abs(relation.missing.mean - relation.overall)
    return bool((gap > 1.5 * relation.missing.margin.max(axis=0)).any())


def _absence(study: Study) -> str:
    relation = study.relation
    if relation is None or relation.missing is None:
        return ""
    j = int(np.abs(relation.missing.mean - relation.overall).argmax())
    return f"{number(float(relation.missing.mean[j]), 3)} instead of {number(float(relation.overall[j]), 3)}"


def _twice(found: Exploration) -> Iterator[str]:
    rows = found.duplicates
    if rows is not None and len(found.dataset.train.columns) > 0:
        if rows.across:
            has = "row of test has" if rows.across == 1 else "rows of test have"
            yield f"{rows.across:,} {has} the same features as a row of train."
        if rows.train:
            with_ = f"; {rows.differing:,} rows are in groups whose targets differ" if rows.differing else ""
            repeat = "row of train repeats" if rows.train == 1 else "rows of train repeat"
            yield f"{rows.train:,} {repeat} an earlier one{with_}."
    pairs = () if found.dependence is None else found.dependence.pairs
    if pairs:
        shown = ", ".join(f"`{a}` and `{b}` ({value:.3f})" for a, b, value in pairs[:_NAMED])
        several = "s" * (len(pairs) > 1)
        yield f"{len(pairs)} pair{several} of columns go together nearly wholly: {shown}{_more(len(pairs))}."
    same = [c for c in found.sampled.dropped if c.reason.startswith("the same values")]
    if same:
        shown = ", ".join(f"`{c.name}` ({c.reason})" for c in same[:_NAMED])
        yield f"{len(same)} column{'s' * (len(same) > 1)} repeat another one: {shown}{_more(len(same))}."


def _unseen(found: Exploration) -> Iterator[str]:
    for levels in found.levels:
        if levels.unseen_rows > _UNSEEN:
            yield (
                f"`{levels.name}`: {percent(levels.unseen_rows)} of test's rows have a level that train does not have "
                f"({levels.train:,} levels in train, {number(levels.rows_each)} rows each)."
            )


def _later(found: Exploration) -> Iterator[str]:
    for span in found.spans:
        if span.is_later and found.series is None:
            share = percent(span.after)
            yield f"Test is later than train: {share} of its rows are after the last `{span.name}` of train."


def _files(found: Exploration) -> Iterator[str]:
    for files in found.files:
        what = "image" if files.kind == "image" else "sound"
        if files.absent:
            yield f"{len(files.absent):,} of {files.n:,} {what} files are missing, such as `{files.absent[0]}`."
        if files.damaged:
            path, reason = files.damaged[0]
            yield f"{len(files.damaged):,} of {files.decoded:,} {what} files are damaged: `{path}` {reason}."
        if files.shared:
            yield f"{files.shared:,} {what} files are named by train and by test."
        varied = [k for k in files.kinds if k.what in ("mode", "sample rate") and len(k.counts) > 1]
        for kinds in varied:
            shown = ", ".join(f"{value} ({n:,})" for value, n in kinds.counts[:4])
            yield f"Files of `{files.name}` differ in their {kinds.what}: {shown}."


def _texts(found: Exploration) -> Iterator[str]:
    for text in found.texts:
        is_prose = np.median(text.words[0]) >= 3 or not text.by_words
        if is_prose and text.repeated > _REPEATED:
            yield f"{percent(text.repeated)} of the texts of `{text.name}` repeat another one of train."


def _series(found: Exploration) -> Iterator[str]:
    series = found.series
    if series is None:
        return
    if series.season is not None and series.season.strength > _MOSTLY:
        season = series.season
        yield (
            f"The total comes round every {season.period} {plural(series.step)}: the season makes "
            f"{percent(season.strength)} of its movement around the trend, and "
            f"{percent(season.median_strength)} in a single series (median)."
        )
    if series.zeros > 0.3:
        yield f"{percent(series.zeros)} of the values are 0."
    if series.holes > 0.01:
        yield f"{percent(series.holes)} of the steps inside the series have no row."


def _pairs(found: Exploration) -> Iterator[str]:
    pairs = found.pairs
    if pairs is None:
        return
    yield (
        f"{percent(pairs.density)} of all pairs of {len(pairs.user.counts):,} `{pairs.user.name}` and "
        f"{len(pairs.item.counts):,} `{pairs.item.name}` are in train; {percent(pairs.item.half)} of the latter have "
        "half of them."
    )
    for side in (pairs.user, pairs.item):
        if side.unseen > _UNSEEN:
            yield f"{percent(side.unseen)} of test's rows have a `{side.name}` that train does not have."


def _boxes(found: Exploration) -> Iterator[str]:
    boxes = found.boxes
    if boxes is None or not boxes.n:
        return
    common, rare = boxes.labels[0], boxes.labels[-1]
    if len(boxes.labels) > 1 and rare.n < 0.1 * common.n:
        yield f"`{common.label}` has {common.n:,} boxes, `{rare.label}` {rare.n:,}."
    empty = float((boxes.per_image == 0).mean())
    if empty:
        yield f"{percent(empty)} of the images have no box."


def _listed(studies: list[Study], told: Callable[[Study], str]) -> str:
    return ", ".join(f"`{s.name}` ({told(s)})" for s in studies[:_NAMED]) + _more(len(studies))


def _more(n: int, shown: int = _NAMED) -> str:
    return f" and {n - shown:,} more" if n > shown else ""


def _columns(n: int) -> str:
    return "1 column is" if n == 1 else f"{n} columns are"


_LOOKS: tuple[Callable[[Exploration], Iterator[str]], ...] = (
    _disguised,
    _moved,
    _later,
    _target,
    _telling,
    _unseen,
    _holes,
    _twice,
    _files,
    _texts,
    _series,
    _pairs,
    _boxes,
)
