"""Targets and predictions as people read them."""

import numpy as np

from aicomp.competition import Competition


def explained_output(competition: Competition, prediction: np.ndarray) -> tuple[int | None, str]:
    """Which output is explained, None where there is one; and its name."""
    if competition.problem_type == "binary":
        return None, f"log-odds of “{competition.labels[1]}”"
    if competition.problem_type == "multiclass":
        likeliest = int(prediction.argmax())
        return likeliest, f"log-odds of “{competition.labels[likeliest]}”"
    if prediction.ndim == 0:
        return None, f"“{competition.target[0]}”"
    largest = int(prediction.argmax()) if competition.problem_type == "multilabel" else 0
    return largest, ("log-odds of " if competition.problem_type == "multilabel" else "") + competition.target[largest]


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Of sure predictions too, where a probability hardly changes whatever is taken away."""
    p = np.clip(probabilities, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(p / (1 - p)))


def truth_in_words(competition: Competition, y: np.ndarray) -> str:
    """The target of one row, (), or (n_targets,)."""
    if competition.labels:
        return competition.labels[int(y)]
    if np.ndim(y) == 0:
        return f"{float(y):g}"
    if competition.problem_type == "multilabel":
        return ", ".join(c for c, value in zip(competition.target, y, strict=True) if value) or "none"
    return ", ".join(f"{c} {value:g}" for c, value in zip(competition.target, y, strict=True))


def prediction_in_words(competition: Competition, prediction: np.ndarray) -> str:
    """The prediction of one row, () or (n_columns,): the likeliest label with its probability, or values."""
    if competition.problem_type == "binary":
        label = competition.labels[int(prediction > 0.5)]
        return f"{label} ({float(prediction if prediction > 0.5 else 1 - prediction):.1%})"
    if competition.problem_type == "multiclass":
        return f"{competition.labels[int(prediction.argmax())]} ({float(prediction.max()):.1%})"
    if prediction.ndim == 0:
        return f"{float(prediction):.6g}"
    if competition.problem_type == "multilabel":
        likely = [f"{c} {p:.0%}" for c, p in zip(competition.target, prediction, strict=True) if p > 0.5]
        return ", ".join(likely) or "none"
    return ", ".join(f"{c} {p:.6g}" for c, p in zip(competition.target, prediction, strict=True))
