"""Metrics that no other file compares, against scikit-learn, torchmetrics and plain formulas."""

import numpy as np
import pytest
from sklearn import metrics as sk

from aicomp.metrics import get_metric

RANDOM = np.random.default_rng(11)
LABELS, SCORES = (
    RANDOM.integers(0, 2, (80, 3)),
    RANDOM.permuted(np.arange(240.0).reshape(80, 3) / 256),
)  # of which none is equal to another
VALUES = RANDOM.uniform(1, 9, 80)
GUESSES = VALUES * RANDOM.uniform(0.7, 1.4, 80)
TEXTS = [" ".join(RANDOM.choice(["a", "bc", "def", "g"], RANDOM.integers(1, 9))) for _ in range(60)]
OTHERS = [" ".join(text.split()[::-1]) if i % 3 else f"{text} a" for i, text in enumerate(TEXTS)]


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_average_precision_of_several_labels(average):
    expected = sk.average_precision_score(LABELS, SCORES, average=average)
    assert get_metric(f"average_precision_{average}")(LABELS, SCORES) == pytest.approx(expected, abs=1e-12)


def test_errors_by_their_formulas():
    off = abs(GUESSES - VALUES)
    assert get_metric("wape")(VALUES, GUESSES) == pytest.approx(off.sum() / VALUES.sum(), abs=1e-12)
    assert get_metric("mdape")(VALUES, GUESSES) == pytest.approx(np.median(off / VALUES), abs=1e-12)
    truth, guess = VALUES.reshape(-1, 4), GUESSES.reshape(-1, 4)
    expected = np.linalg.norm(guess - truth, axis=1).mean()
    assert get_metric("mean_distance")(truth, guess) == pytest.approx(expected, abs=1e-12)


def as_array(texts):
    return np.array(texts, dtype=object)


def test_error_rates_of_torchmetrics():
    text = pytest.importorskip("torchmetrics.functional.text")
    wer, cer = text.word_error_rate(OTHERS, TEXTS), text.char_error_rate(OTHERS, TEXTS)
    assert get_metric("wer")(as_array(TEXTS), as_array(OTHERS)) == pytest.approx(float(wer), rel=1e-6)
    assert get_metric("cer")(as_array(TEXTS), as_array(OTHERS)) == pytest.approx(float(cer), rel=1e-6)
    distance = float(text.edit_distance(OTHERS, TEXTS))
    assert get_metric("levenshtein")(as_array(TEXTS), as_array(OTHERS)) == pytest.approx(distance, rel=1e-6)


def test_bleu_of_torchmetrics():
    text = pytest.importorskip("torchmetrics.functional.text")
    pytest.importorskip("sacrebleu")
    bleu = float(text.sacre_bleu_score(OTHERS, [[truth] for truth in TEXTS]))
    assert get_metric("bleu")(as_array(TEXTS), as_array(OTHERS)) == pytest.approx(100 * bleu, rel=1e-5)


def test_rankings_of_torchmetrics():
    torch = pytest.importorskip("torch")
    retrieval = pytest.importorskip("torchmetrics.functional.retrieval")
    query = np.repeat(np.array([*"abcdefgh"], dtype=object), 10)
    relevant = (SCORES[:, 1] > 0.6).astype(float)
    each = [
        (torch.tensor(SCORES[query == q, 0]), torch.tensor(relevant[query == q] == 1)) for q in dict.fromkeys(query)
    ]
    assert all(truth.any() for _, truth in each)
    mrr = np.mean([float(retrieval.retrieval_reciprocal_rank(p, t)) for p, t in each])
    assert get_metric("mrr_by_query")(relevant, SCORES[:, 0], query=query) == pytest.approx(mrr, rel=1e-6)
    ndcg = np.mean([float(retrieval.retrieval_normalized_dcg(p, t, top_k=5)) for p, t in each])
    assert get_metric("ndcg_by_query@5")(relevant, SCORES[:, 0], query=query) == pytest.approx(ndcg, rel=1e-6)


def test_labels_of_torchmetrics():
    torch = pytest.importorskip("torch")
    reference = pytest.importorskip("torchmetrics.functional.classification")
    truth, scores = torch.tensor(LABELS), torch.tensor(SCORES)
    for name, function in (
        ("coverage_error", reference.multilabel_coverage_error),
        ("ranking_loss", reference.multilabel_ranking_loss),
        ("lrap", reference.multilabel_ranking_average_precision),
    ):
        assert get_metric(name)(LABELS, SCORES) == pytest.approx(float(function(scores, truth, num_labels=3)), rel=1e-5)
    assert get_metric("roc_auc_mean")(LABELS, SCORES) == pytest.approx(
        float(reference.multilabel_auroc(scores, truth, num_labels=3)), rel=1e-5
    )
