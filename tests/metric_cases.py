"""Arrays for the tests of metrics: one small random problem per problem type, as `Metric` documents the shapes."""

import numpy as np

N_ROWS = 60
WORDS = ("house", "river", "seven", "green", "walks", "slowly", "under", "bridges")


def a_problem(problem_type, needs, seed=0):
    """`y_true` and a middling `y_pred`, right in most rows, of the shapes that `Metric` documents."""
    random = np.random.default_rng(seed)
    if problem_type == "string":
        sentences = [" ".join(random.choice(WORDS, 8)) for _ in range(N_ROWS)]
        right = random.random(N_ROWS) < 0.7
        changed = [s if ok else f"{s[:20]} or not" for s, ok in zip(sentences, right, strict=True)]
        return np.array(sentences, dtype=object), np.array(changed, dtype=object)
    if problem_type in ("regression", "multi-target"):
        shape = (N_ROWS,) if problem_type == "regression" else (N_ROWS, 3)
        if needs == "label":
            y_true = random.integers(1, 9, shape)
            return y_true, y_true + random.integers(-1, 2, shape)
        y_true = random.uniform(1.0, 9.0, shape)
        return y_true, y_true * random.uniform(0.8, 1.2, shape)
    if problem_type == "multiclass":
        y_true = random.permutation(np.arange(N_ROWS) % 4)
        scores = random.uniform(0.0, 1.0, (N_ROWS, 4)) + 0.8 * np.eye(4)[y_true]
        probabilities = scores / scores.sum(axis=1, keepdims=True)
        return y_true, probabilities.argmax(axis=1) if needs == "label" else probabilities
    shape = (N_ROWS,) if problem_type == "binary" else (N_ROWS, 3)
    y_true = random.integers(0, 2, shape)
    if problem_type == "multilabel":
        y_true[y_true.sum(axis=1) == 0, 1] = 1  # F1 of a row without labels is 0 even for the truth
    probabilities = np.clip(0.3 + 0.4 * y_true + random.uniform(-0.28, 0.28, shape), 0.0, 1.0)
    return y_true, (probabilities >= 0.5).astype(np.int64) if needs == "label" else probabilities


def the_truth_as_prediction(problem_type, needs, y_true):
    """What a model that knows everything would hand the metric."""
    return np.eye(4)[y_true] if problem_type == "multiclass" and needs == "probability" else y_true
