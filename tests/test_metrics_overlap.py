"""Words in common, edits, and lists, against loops, torchmetrics and rouge-score's own idea of an F1."""

import numpy as np
import pytest

from aicomp.metrics import edit_distance, get_metric, overlap, ranking

WORDS = ["a", "b", "c", "d", "e", "f"]
RANDOM = np.random.default_rng(8)


def some_strings(n=40, most=7):
    return np.array([" ".join(RANDOM.choice(WORDS, RANDOM.integers(0, most))) for _ in range(n)], dtype=object)


A, B = some_strings(), some_strings()


def test_edits():
    torchmetrics = pytest.importorskip("torchmetrics.functional.text")
    distances = [float(torchmetrics.edit_distance([b], [a])) for a, b in zip(A, B, strict=True)]
    assert overlap.levenshtein(A, B) == pytest.approx(np.mean(distances))
    total = sum(map(len, A))
    assert overlap.normalized_total_levenshtein(A, B) == pytest.approx((total - sum(distances)) / total)
    assert edit_distance.cer(A, B) == pytest.approx(1 - overlap.normalized_total_levenshtein(A, B))


def test_words():
    each = [
        len({*a.split()} & {*b.split()}) / max(1, len({*a.split()} | {*b.split()})) for a, b in zip(A, B, strict=True)
    ]
    empty = [not a and not b for a, b in zip(A, B, strict=True)]
    assert overlap.word_jaccard(A, B) == pytest.approx(np.mean(np.where(empty, 1.0, each)))
    assert overlap.word_f1(np.array(["", "x"], object), np.array(["", ""], object)) == 0.5


def test_word_f1_is_rouge_1_where_words_are_plain():
    pytest.importorskip("rouge_score")
    rows = [i for i in range(len(A)) if A[i] and B[i]]
    assert overlap.word_f1(A[rows], B[rows]) == pytest.approx(get_metric("rouge1")(A[rows], B[rows]))


def test_lists():
    truth = np.array(["a b", "c", "", "d"], dtype=object)
    listed = np.array(["x a b", "c c d", "a", "a b c d"], dtype=object)
    assert ranking.mean_reciprocal_rank(truth, listed, k=3) == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert get_metric("mrr@4")(truth, listed) == pytest.approx((1 / 2 + 1 + 1 / 4) / 3)
    assert get_metric("hit@1")(truth, listed) == pytest.approx(1 / 3)
    assert get_metric("precision@2")(truth, listed) == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)


def test_sets():
    from sklearn.metrics import f1_score

    present = [(set(a.split()), set(b.split())) for a, b in zip(A, B, strict=True)]
    t, p = (np.array([[w in pair[side] for w in WORDS] for pair in present]) for side in (0, 1))
    assert ranking.f1_of_sets(A, B) == pytest.approx(f1_score(t, p, average="samples", zero_division=1.0))


def test_global_average_precision_by_a_loop():
    truth = np.array(["a", "b", "", "a", "c"], dtype=object)
    guess = np.array(["a 0.9", "a 0.8", "b 0.95", "a 0.1", ""], dtype=object)
    # b 0.95 wrong, a 0.9 right (1/2), a 0.8 wrong, a 0.1 right (2/4); four rows have a label
    assert ranking.global_average_precision(truth, guess) == pytest.approx((1 / 2 + 2 / 4) / 4)
    with pytest.raises(ValueError, match=r"^`y_pred\[1\]` is 'a b', but `label confidence` is needed$"):
        ranking.global_average_precision(truth[:2], np.array(["a 1", "a b"], dtype=object))
