"""Metrics of strings against values from their papers, from their packages' pages, and computed by hand."""

import sys
from collections.abc import Hashable, Sequence

import numpy as np
import pytest

from aicomp.data.arrays import as_objects
from aicomp.errors import UsageError
from aicomp.metrics import get_metric
from aicomp.metrics.consensus import chrf_similarity, consensus
from aicomp.metrics.edits import edit_distance, edit_distances
from aicomp.metrics.rouge import common_subsequence, rouge1_of, rouge2_of, rouge_l_of

sacrebleu = pytest.importorskip("sacrebleu", reason="the extra [seq2seq] is not installed")
rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer", reason="the extra [seq2seq] is not installed")

FOX = "The quick brown fox jumps over the lazy dog"
LOG = "The quick brown dog jumps on the log."


def score(metric: str, truth: list[str], predicted: list[str]) -> float:
    return get_metric(metric)(as_objects(truth), as_objects(predicted))


def test_bleu_of_one_wrong_word_in_eight() -> None:
    # Precisions of runs of 1 to 4 words: 7/8, 6/7, 5/6, 4/5. Their product is 1/2, their geometric mean 2 ** -0.25.
    assert score("bleu", ["a b c d e f g h"], ["a b c d e f g x"]) == pytest.approx(100 * 0.5**0.25)


def test_bleu_punishes_what_is_too_short() -> None:
    # Every run is right, 6 of 8 words are there: exp(1 - 8 / 6).
    assert score("bleu", ["a b c d e f g h"], ["a b c d e f"]) == pytest.approx(100 * np.exp(1 - 8 / 6))


def test_bleu_is_that_of_all_rows_together() -> None:
    truth, predicted = ["a b c d e f g h", "x y z w"], ["a b c d e f g x", "x y z w"]
    # Hits over runs: 11/12, 9/10, 7/8, 5/6; not the mean over rows.
    product = 11 / 12 * 9 / 10 * 7 / 8 * 5 / 6
    assert score("bleu", truth, predicted) == pytest.approx(100 * product**0.25)


def test_chrf_of_one_wrong_letter_in_four() -> None:
    # Runs of 1 to 4 letters: 3/4, 2/3, 1/2, 0; precision and recall are the same, and so is their F-score.
    expected = (3 / 4 + 2 / 3 + 1 / 2 + 0) / 4
    assert score("chrf", ["abcd"], ["abce"]) == pytest.approx(100 * expected)
    assert chrf_similarity("abcd", "abce") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("most", "letters"), [(9, "ab "), (60, "abcdef "), (1800, "".join(map(chr, range(0x4E00, 0x5600))))]
)
def test_chrf_is_exactly_that_of_sacrebleu(most: int, letters: str) -> None:
    random = np.random.default_rng(most)
    n = 40 if most < 100 else 2  # of which a row alone has more than the 1023 distinct characters of a table
    truth = ["".join(random.choice([*letters], random.integers(most // 2, most))) for _ in range(n)]
    texts = [f"{text[: len(text) // 2]}x{text[len(text) // 3 :]}" if i % 3 else "" for i, text in enumerate(truth)]
    assert score("chrf", truth, texts) == sacrebleu.corpus_chrf(texts, [truth]).score
    assert score("chrf", texts, truth) == sacrebleu.corpus_chrf(truth, [texts]).score
    assert score("chrf", ["", "  "], ["a", ""]) == 0.0


@pytest.mark.parametrize(("metric", "expected"), [("rouge1", 12 / 17), ("rouge2", 4 / 15), ("rougeL", 10 / 17)])
def test_rouge_is_that_of_its_packages_page(metric: str, expected: float) -> None:
    # rouge-score's page: ROUGE-1 0.7058, ROUGE-L 0.5882; words 9 and 8, of which 6 and in order 5 are shared;
    # of 8 and 7 pairs, "the quick" and "quick brown".
    assert score(metric, [FOX], [LOG]) == pytest.approx(expected)


def test_rouge_l_counts_words_in_their_order() -> None:
    # Lin 2004, section 3: both have two runs in common with the truth, and the second one in another order.
    truth = "police ended the gunman"
    assert score("rougeL", [truth], ["police end the gunman"]) == 1.0  # stems are alike
    assert score("rougeL", [truth], ["the gunman end police"]) == pytest.approx(0.5)


def test_rouge_is_exactly_that_of_its_package() -> None:
    random = np.random.default_rng(0)
    words = "running runs the a of government's ministers said 12,000 co-operate café U.S. (and) voted voting"
    scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    for _ in range(50):
        truth, text = (" ".join(random.choice(words.split(), random.integers(1, 30))) for _ in range(2))
        expected = scorer.score(truth, text)
        for name, of in (("rouge1", rouge1_of), ("rouge2", rouge2_of), ("rougeL", rouge_l_of)):
            assert of(truth, text) == pytest.approx(expected[name].fmeasure, abs=1e-12)


def test_rouge_refuses_a_language_that_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="take `chrf`"):
        score("rougeL", ["你好"], ["你好"])


def test_common_subsequence_is_that_of_the_plain_table() -> None:
    random = np.random.default_rng(1)
    for _ in range(30):
        a, b = (random.integers(0, 4, random.integers(0, 80)).tolist() for _ in range(2))
        table = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
        for i, x in enumerate(a):
            for j, y in enumerate(b):
                table[i + 1, j + 1] = table[i, j] + 1 if x == y else max(table[i, j + 1], table[i + 1, j])
        assert common_subsequence(a, b) == table[-1, -1]


@pytest.mark.parametrize(
    ("a", "b", "expected"), [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("flaw", "lawn", 2), ("", "", 0)]
)
def test_edit_distance(a: str, b: str, expected: int) -> None:
    assert edit_distance(a, b) == expected


def by_the_plain_table(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        above, row = row, [i]
        for j, y in enumerate(b, start=1):
            row.append(min(row[-1] + 1, above[j] + 1, above[j - 1] + (x != y)))
    return row[-1]


@pytest.mark.parametrize(("most", "letters"), [(5, "ab"), (70, "abc"), (150, "ab \u00e9\u6f22\U0001f600")])
def test_edits_of_many_rows_are_those_of_the_plain_table(most: int, letters: str) -> None:
    random = np.random.default_rng(most)
    a, b = (["".join(random.choice([*letters], random.integers(0, most))) for _ in range(25)] for _ in range(2))
    b[:10] = [f"{text[3:]}a" for text in a[:10]]
    expected = [by_the_plain_table(x, y) for x, y in zip(a, b, strict=True)]
    assert edit_distances(a, b).tolist() == expected
    assert [edit_distance(x, y) for x, y in zip(a, b, strict=True)] == expected
    assert edit_distances([x.split() for x in a], [y.split() for y in b]).tolist() == [
        by_the_plain_table(x.split(), y.split()) for x, y in zip(a, b, strict=True)
    ]


def test_edits_of_long_strings_are_counted_too() -> None:
    assert edit_distances(["ab" * 400, "x"], ["ab" * 300 + "c", "x" * 999]).tolist() == [200, 998]


def test_error_rates_are_over_all_rows_together() -> None:
    truth, predicted = ["the cat sat", "yes"], ["the bat sat down", "yes"]
    assert score("wer", truth, predicted) == 2 / 4
    assert score("cer", ["abcd", "ef"], ["abxd", ""]) == 3 / 6
    assert score("exact_match", ["a", "b", "c"], ["a", " b ", "d"]) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("alias", "name"), [("ROUGE-L", "rougeL"), ("SacreBLEU", "bleu"), ("word error rate", "wer"), ("chrF2", "chrf")]
)
def test_other_spellings(alias: str, name: str) -> None:
    assert get_metric(alias).name == name


@pytest.mark.parametrize("metric", ["bleu", "chrf", "rougeL", "wer", "exact_match"])
def test_what_is_no_string_is_named(metric: str) -> None:
    with pytest.raises(ValueError, match=r"`y_pred\[1\]` is None"):
        get_metric(metric)(as_objects(["a", "b"]), as_objects(["a", None]))


def test_an_absent_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(UsageError) as error:
        score("bleu", ["a"], ["a"])
    assert error.value.message == "metric `bleu` needs the package `sacrebleu`"
    assert error.value.hint == "pip install 'aicomp[seq2seq]'"


def test_consensus_is_what_is_most_like_the_others() -> None:
    like = ["a man rides a horse", "a man rides a horse now", "the weather is fine"]
    assert consensus(like, [1, 1, 1], chrf_similarity).startswith("a man rides a horse")
    assert consensus(["b", "a", "a"], [1, 1, 1], chrf_similarity) == "a"
    assert consensus(["b", "a"], [1, 1], chrf_similarity) == "b"
    assert consensus(["b", "a"], [1, 2], chrf_similarity) == "a"


def test_consensus_by_edits_is_the_middle() -> None:
    combine = get_metric("cer").combine
    assert combine is not None
    assert combine(["aaaa", "aabb", "bbbb"], [1, 1, 1]) == "aabb"  # 4 edits from the others together, they 6 each
