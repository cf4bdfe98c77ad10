"""Seconds of the processor that each metric takes: `python benchmarks/metrics.py`.

    python benchmarks/metrics.py [--only NAME,NAME] [--rows 1e6] [--images 1000] [--slower-than 0]

Made-up rows as the metric wants them, of which most are right: numbers, classes (four), labels (three), further columns
(1000 groups, queries or series), sentences of eight words, lists of twelve items, boxes (ten an image), masks (three
objects in an image of 256 x 256). A metric of strings that reads boxes or masks gets `--images` rows, the others
`--rows`. Each is called once, from the arrays that a file is read into.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from aicomp.metrics import ALL_METRICS, BOX_METRICS, Metric
from aicomp.metrics.base import Column
from aicomp.metrics.run_length import write_runs

N_GROUPS = 1000
SIDE = 256
MASKS = ("dice", "iou", "dice_global", "mask_precision", "mask_f2", "hausdorff", "dice_hausdorff")
WORDS = np.array(
    [f"{start}{end}" for start in ("ka", "lo", "mi", "ne", "stra", "u") for end in ("ber", "n", "t", "sk")]
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names between commas; by default all")
    parser.add_argument("--rows", default="1e6")
    parser.add_argument("--texts", default="1e5")
    parser.add_argument("--images", default="1000")
    parser.add_argument("--slower-than", type=float, default=0.0, metavar="SECONDS")
    arguments = parser.parse_args()
    rows, texts, images = (int(float(n)) for n in (arguments.rows, arguments.texts, arguments.images))
    found: list[float] = []
    print("| metric | rows or images | seconds |\n|---|---|---|")
    for name in [name for name in arguments.only.split(",") if name] or ALL_METRICS:
        metric = ALL_METRICS[name]
        n = images if name in (*BOX_METRICS, *MASKS) else texts if metric.package else rows
        found.append(seconds(metric, n))
        if found[-1] >= arguments.slower_than:
            print(f"| `{name}` | {n:,} | {found[-1]:.2f} |", flush=True)
    print(f"\n{len(found)} metrics, {sum(found):.0f} seconds, the slowest {max(found):.1f}")


def seconds(metric: Metric, n: int) -> float:
    """Seconds of the processor that one call takes: others may work on the machine, too."""
    random = np.random.default_rng(0)
    y_true, y_pred = problem(metric, n, random)
    columns = {column.name: further(column, n, random) for column in metric.columns}
    if metric.name == "spread_return_sharpe":  # 500 stocks a day
        y_pred, columns["date"] = np.arange(n) % 500.0, np.array([f"d{i // 500}" for i in range(n)], dtype=object)
    start = time.process_time()
    metric(y_true, y_pred, **columns)
    return time.process_time() - start


def problem(metric: Metric, n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions, of the first problem type that the metric is for; see `Metric` for the shapes."""
    if metric.needs == "string":
        return strings(metric.base_name, n, random)
    if metric.parts:
        return of_parts(metric, n, random)
    kind = next(
        k for k in ("multiclass", "binary", "multilabel", "regression", "multi-target") if k in metric.problem_types
    )
    if metric.name in OWN:
        return OWN[metric.name](n, random)
    if kind in ("regression", "multi-target"):
        y_true = random.uniform(1.0, 9.0, (n,) if kind == "regression" else (n, 3))
        return y_true, y_true * random.uniform(0.8, 1.2, y_true.shape)
    if kind == "multiclass":
        y_true = random.integers(0, 4, n)
        scores = random.uniform(0.0, 1.0, (n, 4)) + 0.8 * np.eye(4)[y_true]
        probabilities = scores / scores.sum(axis=1, keepdims=True)
        return y_true, probabilities.argmax(axis=1) if metric.needs == "label" else probabilities
    y_true = random.integers(0, 2, (n,) if kind == "binary" else (n, 3))
    probabilities = np.clip(0.3 + 0.4 * y_true + random.uniform(-0.3, 0.3, y_true.shape), 0.0, 1.0)
    return y_true, (probabilities >= 0.5).astype(np.int64) if metric.needs == "label" else probabilities


def _angles(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    y_true = np.column_stack([random.uniform(0, 2 * np.pi, n), random.uniform(0, np.pi, n)])
    return y_true, y_true * 0.9


def _places(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    y_true = np.column_stack([random.uniform(-80, 80, n), random.uniform(-170, 170, n)])
    return y_true, y_true + random.normal(0, 0.1, (n, 2))


def _shares(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    y_true, y_pred = random.dirichlet(np.ones(6), n), random.dirichlet(np.ones(6), n)
    return y_true, y_pred


OWN: dict[str, Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]] = {
    "angular_error": _angles,
    "haversine": _places,
    "jane_street_utility": lambda n, random: (random.normal(0, 1, n), random.integers(0, 2, n)),
    "adjusted_rand": lambda n, random: (random.integers(0, 9, n), random.integers(0, 9, n)),
    "kl_divergence": _shares,
}


def of_parts(metric: Metric, n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of several numbers: bounds, a value and its spread, or the steps of a distribution."""
    k = len(metric.parts)
    if k > 2:
        n_values = (k + 1) // 2
        steps = np.arange(-n_values + 1, n_values) / 20
        return random.integers(-20, 60, n).astype(np.float64), np.clip(
            0.5 + steps + random.uniform(-0.1, 0.1, (n, 1)), 0, 1
        )
    y_true = random.normal(0, 1, n)
    middle = y_true + random.normal(0, 0.3, n)
    second = middle + 1 if metric.parts[1] == "upper" else random.uniform(0.5, 1.5, n)
    return y_true, np.column_stack([middle - (metric.parts[1] == "upper"), second])


def further(column: Column, n: int, random: np.random.Generator) -> np.ndarray:
    """A further column of the solution."""
    if column.kind == "flags":
        return random.integers(0, 2, (n, 9))
    if column.name == "week":
        return random.integers(0, 90, n)
    if column.name == "kind":
        return np.array(["clicks", "carts", "orders"], dtype=object)[random.integers(0, 3, n)]
    if column.kind == "string":
        return np.array([f"g{i}" for i in range(N_GROUPS)], dtype=object)[random.integers(0, N_GROUPS, n)]
    if column.name in ("height", "width"):
        return np.full(n, float(SIDE))
    if column.name == "event":
        return random.integers(0, 2, n).astype(np.float64)
    if column.name == "level":
        return random.choice([0.1, 0.25, 0.5, 0.75, 0.9], n)
    # Weight and scale of a series are the same in all its rows.
    return np.ones(n)


def strings(name: str, n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sentences, lists, boxes or masks."""
    if name in MASKS:
        return _masks(n, random, "; " if name.startswith("mask_") else " ")
    if name in BOX_METRICS:
        return _boxes(n, random)
    if name == "global_average_precision":
        labels = random.integers(0, 1000, n)
        right = np.where(random.random(n) < 0.7, labels, 0)
        told = [f"{label} {sure:.4f}" for label, sure in zip(right, random.random(n), strict=True)]
        return labels.astype(str).astype(object), np.array(told, dtype=object)
    if name == "kendall_of_orders":
        pairs = random.permuted(np.tile(np.arange(12), (n, 1)), axis=1)
        texts = np.array([" ".join(map(str, row)) for row in pairs], dtype=object)
        return np.full(n, " ".join(map(str, range(12))), dtype=object), texts
    n_words = (
        12
        if name in ("jaccard_of_sets", "otto_recall", "map", "ndcg", "recall", "mrr", "hit", "precision", "f1_of_sets")
        else 8
    )
    words = WORDS if n_words == 8 else np.array([f"{i:05d}" for i in range(50)])
    drawn = random.integers(0, len(words), (n, n_words))
    other = np.where(random.random((n, n_words)) < 0.8, drawn, random.integers(0, len(words), (n, n_words)))
    return tuple(np.array([" ".join(row) for row in words[codes]], dtype=object) for codes in (drawn, other))  # type: ignore[return-value]


def _boxes(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    corners = random.integers(0, 900, (n, 10, 2))
    sides = random.integers(20, 100, (n, 10, 2))
    labels = random.choice(["car", "person", "sign"], (n, 10))
    moved = corners + random.integers(-10, 10, corners.shape)
    found = []
    for starts in (corners, moved):
        rows = []
        for i in range(n):
            rows.append(
                " ".join(
                    f"{label} {random.random():.4f} {x} {y} {x + w} {y + h}"
                    for label, (x, y), (w, h) in zip(labels[i], starts[i], sides[i], strict=True)
                )
            )
        found.append(np.array(rows, dtype=object))
    return found[0], found[1]


def _masks(n: int, random: np.random.Generator, between: str) -> tuple[np.ndarray, np.ndarray]:
    """Three discs an image, each in a part of its own."""
    y, x = np.mgrid[:SIDE, :SIDE]
    found: list[list[str]] = [[], []]
    for _ in range(n):
        for k, shift in enumerate((0, 4)):
            codes = []
            for middle in (42, 128, 213):
                radius = 18 + 10 * random.random()
                codes.append(write_runs((y - 128 - shift) ** 2 + (x - middle - shift) ** 2 < radius**2))
            found[k].append(between.join(codes))
    return np.array(found[0], dtype=object), np.array(found[1], dtype=object)


if __name__ == "__main__":
    main()
