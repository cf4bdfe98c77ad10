"""What a competition's page says of its metric: a name of Kaggle's, or a sentence of its evaluation page."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aicomp.metrics.aliases import spelling_key
from aicomp.metrics.base import ProblemType
from aicomp.metrics.builtin import OF_LISTS
from aicomp.metrics.kaggle_names import AMBIGUOUS, BY_PROBLEM, WITHOUT
from aicomp.metrics.known import ALL_METRICS, NAMES, canonical_name

UNKNOWN = "it holds no name of a metric"
"""Why a text that nothing is known of is none."""

MOST_WORDS = 14
"""Of a metric's name in a sentence."""

_SINGLE_WORDS = {
    *("accuracy", "auc", "auroc", "rmse", "rmsle", "rmspe", "mae", "mape", "smape", "medae", "mcrmse", "mcrmsle"),
    *("mcauc", "mcc", "logloss", "wrmsse", "nwrmsle", "wmae", "qwk", "pf1", "lwlrap", "r2", "wer", "cer", "bleu"),
    *("chrf", "wspl", "mase", "crps", "mse", "f1"),
}
"""Names of one word that count in a sentence. Others, such as `precision` or `dice`, are words of explanations, too."""

_QUALIFIERS = {
    *("weighted", "balanced", "normalized", "normalised", "modified", "scaled", "stratified", "partial", "micro"),
    *("macro", "grouped", "group", "custom", "columnwise", "wise", "mean", "average", "averaged", "median"),
}
"""A word before a name that makes another metric of it, where that is none of ours."""

_MEANS = {"accuracy", "levenshtein", "word_jaccard", "log_loss", "haversine", "mean_distance", "kl_divergence"}
"""Metrics that are means over rows: the word `mean` or `average` before them adds nothing."""

_INCLUDES = {
    "brier": {"mse", "rmse"},
    "f1_macro": {"f1"},
    "f1_micro": {"f1"},
    "f1_weighted": {"f1"},
    "f1_samples": {"f1"},
    "f1_of_sets": {"f1"},
    "roc_auc_mean": {"roc_auc"},
    "mcrmse": {"rmse"},
    "mcrmsle": {"rmsle", "rmse"},
    "rmsle": {"rmse"},
    "bias_auc": {"roc_auc"},
    "gini": {"roc_auc"},
    "word_jaccard": {"jaccard"},
    "lwlrap": {"lrap"},
    "wrmsse": {"rmsse"},
    "weighted_scaled_pinball": {"pinball"},
    "probabilistic_f1": {"f1"},
}
"""Metrics that a text explains by others."""

_LISTS = re.compile(
    r"\b(map|mean average precision|ndcg|normalized discounted cumulative gain|mrr|recall|precision)\s*"
    r"(?:\((?:map|ndcg|mrr)\)\s*)?(?:@|\bat\b)\s*\{?(\d+|k)\b"
)
_LIST_NAMES = {"mean average precision": "map", "normalized discounted cumulative gain": "ndcg"}
_LOGARITHM = re.compile(r"\blog(arithm)?s?\b(?![\s-]*(loss|likelihood))")
_COMPARED = re.compile(r"\b(compared (to|with)|unlike|instead of|rather than|in contrast to)\b[^,.;:()]*")
_MODIFIED = re.compile(r"\bmodified (?:version|variant) of (?:the |a )?")
_COMBINED = re.compile(r"\b(harmonic|geometric) mean of (?!(the )?(precision|recall))")
_BY_GROUP = re.compile(r"\bmean of\b.*\b(for|within|in|of) each\b|\bper (day|date|time|group|era)\b")
_AVERAGED = re.compile(r"average of the|averaged|each of the|each column|each class|each label|columns|classes")


@dataclass(frozen=True)
class Reading:
    """What a text says of the metric.

    Attributes:
        names: Metrics that it may mean: one where it is clear, several where it is not, none where it is unknown.
        because: Why it is not clear, or why it is none; empty where it is clear.
    """

    names: tuple[str, ...]
    because: str = ""

    @property
    def name(self) -> str | None:
        """The one metric that is meant, None unless it is clear."""
        return self.names[0] if len(self.names) == 1 and not self.because else None


_SEVERAL = {spelling_key(text): names for text, names in AMBIGUOUS.items()}
_TYPED = {spelling_key(text): names for text, names in BY_PROBLEM.items()}
_NONE = {spelling_key(text): why for text, why in WITHOUT.items()}


def read_statement(text: str, types: Iterable[ProblemType] = ()) -> Reading:
    """Find out which metric a name of Kaggle's or a sentence of an evaluation page means.

    Args:
        text: Such as the field `evaluation_metric` of Kaggle's interface, or a sentence.
        types: Problem types that the target may be of; they tell some metrics of one name apart.

    >>> read_statement("Area Under Receiver Operating Characteristic Curve").name
    'roc_auc'
    >>> read_statement("Submissions are evaluated on the Mean Absolute Error (MAE) between the predicted return and "
    ...                "the observed target.").name
    'mae'
    >>> read_statement("Normalized Gini Index").names, read_statement("Normalized Gini Index", ["binary"]).name
    (('gini', 'normalized_gini_of_values'), 'gini')
    """
    key = spelling_key(text)
    if key in _TYPED:
        return _by_problem(text, _TYPED[key], types)
    if key in _SEVERAL:
        return Reading(_SEVERAL[key], "several metrics go by that name")
    if key in _NONE:
        return Reading((), _NONE[key])
    name = canonical_name(text)
    return Reading((name,)) if name is not None else _read_sentence(text, tuple(types))


def _by_problem(text: str, names: tuple[str, ...], types: Iterable[ProblemType]) -> Reading:
    possible = set(types)
    fitting = tuple(name for name in names if ALL_METRICS[name].problem_types & possible)
    if len(fitting) == 1:
        return Reading(fitting)
    return Reading(fitting or names, "which of them depends on the target")


def _read_sentence(text: str, types: tuple[ProblemType, ...]) -> Reading:
    """The metrics whose names stand in a sentence; those that only explain another one are left out."""
    plain = _COMPARED.sub(" ", unicodedata.normalize("NFKC", text).casefold())
    plain = _MODIFIED.sub("modified ", plain)
    lists = [(_LIST_NAMES.get(m[1], m[1]), m[2]) for m in _LISTS.finditer(plain)]
    if lengths := dict.fromkeys(f"{name}@{k}" for name, k in lists if k != "k" and name in OF_LISTS):
        return _of(list(lengths))
    if lists:
        return Reading((), f"it does not say how many items count: write for example `{lists[0][0]}@5`")
    found: list[str] = []
    several: list[Reading] = []
    for words, before in _phrases(plain):
        reading = _read_phrase(words, types)
        if not reading.names:
            return reading
        if not _is_plain(reading.name, before):
            return Reading((), f"`{before} {' '.join(words)}` is none of aicomp")
        if reading.name is None:
            several.append(reading)
        else:
            found.append(reading.name)
    explained = {other for name in found for other in _INCLUDES.get(name, ())}
    for reading in several:
        # "Mean Squared Error (MSE)" says which it is; "Brier score, a mean squared error" speaks of one.
        if not explained.issuperset(reading.names) and not set(found) & set(reading.names):
            return reading
    left = [name for name in dict.fromkeys(found) if name not in explained]
    if len(left) > 1 and "accuracy" in left:
        left.remove("accuracy")  # a word of many sentences
    return _with_doubts(plain, _of(left))


def _with_doubts(plain: str, reading: Reading) -> Reading:
    """The reading, doubted where the rest of the sentence changes what the name says."""
    if reading.names and _COMBINED.search(plain):
        return Reading((), f"it is a mean of several scores, of which one is `{reading.names[0]}`")
    if reading.name in ("pearson", "spearman") and _BY_GROUP.search(plain):
        return Reading(
            (f"{reading.name}_by_group", f"{reading.name}_mean"), "it is a mean, of groups of rows or of columns"
        )
    if reading.name == "rmse" and _LOGARITHM.search(plain):
        return Reading(("rmse", "rmsle"), "the error is one of logarithms, and of which is not said by the name")
    if reading.name == "roc_auc" and _AVERAGED.search(plain):
        return Reading(("roc_auc", "roc_auc_mean", "roc_auc_ovr_macro"), "it speaks of several columns or classes")
    return reading


def _of(names: list[str]) -> Reading:
    if not names:
        return Reading((), UNKNOWN)
    return Reading(tuple(names), "the sentence names several" if len(names) > 1 else "")


def _read_phrase(words: list[str], types: tuple[ProblemType, ...]) -> Reading:
    key = spelling_key("".join(words))
    if key in _TYPED:
        return _by_problem(" ".join(words), _TYPED[key], types)
    if key in _SEVERAL:
        return Reading(_SEVERAL[key], f"several metrics go by the name `{' '.join(words)}`")
    return Reading((NAMES[key],)) if key in NAMES else Reading((), _NONE[key])


def _is_plain(name: str | None, before: str) -> bool:
    return before not in _QUALIFIERS or (before in ("mean", "average") and name in _MEANS)


def _phrases(plain: str) -> Iterator[tuple[list[str], str]]:
    """Names of metrics in a text, the longest ones, each with the word before it."""
    words = re.findall(r"[a-z0-9]+(?:'[a-z]+)?(?:@[a-z0-9.]+)?", plain.replace("\u2019", "'").replace("^", ""))
    known = {*NAMES, *_TYPED, *_SEVERAL, *_NONE}
    start = 0
    while start < len(words):
        for length in range(min(MOST_WORDS, len(words) - start), 0, -1):
            phrase = words[start : start + length]
            key = spelling_key("".join(phrase))
            if key in known and (length > 1 or key in _SINGLE_WORDS):
                yield phrase, words[start - 1] if start else ""
                start += length
                break
        else:
            start += 1
