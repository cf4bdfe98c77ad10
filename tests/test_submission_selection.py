from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from submission_cases import competition

from aicomp.submission.history import Posted, Record, describe_file, join, with_tag
from aicomp.submission.ledger import Attempt, file_hash
from aicomp.submission.selection import agreement, select_two
from aicomp.submission.similarity import similarity


def attempt(run: str, cv: float | None, *, std: float = 0.01, ref: int | None = None, **facts: object) -> Attempt:
    made = Attempt(
        id=f"id-{run}-{ref}",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        competition="shop",
        host="kaggle",
        runs=(run,),
        file=f"{run}.csv",
        sha256=run.encode().hex().ljust(64, "0"),
        message=run,
        cv=None if cv is None else {"mean": cv, "std": std, "pooled": cv},
        status="sent",
        ref=ref,
    )
    return replace(made, **facts)  # type: ignore[arg-type]


def record(ref: int, cv: float | None, public: float | None, std: float = 0.01) -> Record:
    posted = Posted(ref, status="complete" if public is not None else "pending", public_score=public, file="s.csv")
    return Record(posted, None if cv is None else attempt(f"r{ref}", cv, std=std, ref=ref))


def test_the_tag_is_never_cut_off() -> None:
    sha256 = "1a2b3c4d5e6f" + "0" * 52
    made = describe_file("x" * 600, sha256)
    assert len(made) == 500
    assert made.endswith("x… [aicomp 1a2b3c4d5e6f]")
    assert describe_file("", sha256) == "[aicomp 1a2b3c4d5e6f]"
    # Words that hold a tag already, such as those of another submission, name this file alone.
    assert describe_file("again [aicomp 000000000000]", sha256) == "again [aicomp 1a2b3c4d5e6f]"
    assert Posted(1, description=made).tag == "1a2b3c4d5e6f"
    assert Posted(1, description="[aicomp 1a2b3c]").tag == ""


def test_submissions_of_one_file_are_found_oldest_first() -> None:
    tagged = [Posted(ref, description=f"a [aicomp {'ab' * 6}]") for ref in (9, 7)]
    assert [p.ref for p in with_tag([*tagged, Posted(8, description="a")], "ab" * 32)] == [7, 9]


def test_list_and_ledger_are_joined_by_number_then_by_tag() -> None:
    lost = attempt("lost", 0.7, status="unknown", ref=None, known=(1,))
    failed = attempt("failed", 0.6, status="failed", ref=None)
    known = attempt("known", 0.8, ref=2)
    tag = f"x [aicomp {lost.sha256[:12]}]"
    posted = [Posted(1, description=tag), Posted(2), Posted(3, description=tag), Posted(4, description="by hand")]
    records = {r.ref: r for r in join(posted, [failed, known, lost])}
    assert records[2].runs == ("known",)
    assert records[3].attempt is not None
    assert records[3].attempt.id == lost.id
    assert records[4].attempt is None
    assert records[4].cv is None
    assert records[1].cv == 0.7  # the same file, sent before the ledger knew of it
    assert records[None].status == "failed"
    assert len(records) == 5


def test_the_correlation_is_that_of_the_numbers() -> None:
    # Ranks 1 2 3 4 against 1 2 4 3: 1 - 6 * 2 / (4 * 15) = 0.8.
    records = [record(1, 0.1, 0.1), record(2, 0.2, 0.2), record(3, 0.3, 0.5), record(4, 0.4, 0.3)]
    found = agreement(records)
    assert found is not None
    assert found.n == 4
    assert found.spearman == pytest.approx(0.8)
    # x - mean: -.15 -.05 .05 .15; y - 0.275: -.175 -.075 .225 .025 -> 0.045 / sqrt(0.05 * 0.0875).
    assert found.pearson == pytest.approx(0.045 / (0.05 * 0.0875) ** 0.5)
    assert found.meaning.startswith("what is better in cross-validation is better on the leaderboard")
    assert found.meaning.endswith("; 4 pairs are few")


def test_fewer_than_four_files_make_no_correlation() -> None:
    records = [record(1, 0.1, 0.1), record(2, 0.2, 0.2), record(3, 0.3, 0.3), record(4, None, 0.4)]
    assert agreement(records) is None
    # The third file sent a second time is no fourth one.
    again = Record(Posted(5, status="complete", public_score=0.3), attempt("r3", 0.3, ref=5))
    assert agreement([*records, again]) is None


def test_scores_that_never_vary_tell_nothing() -> None:
    found = agreement([record(k, 0.1 * k, 0.5) for k in range(1, 5)])
    assert found is not None
    assert (found.pearson, found.spearman) == (None, None)
    assert "never varies" in found.meaning


def test_the_best_in_cv_and_the_best_public_score_are_selected() -> None:
    records = [record(1, 0.80, 0.79), record(2, 0.85, 0.80), record(3, 0.82, 0.83)]
    first, second = select_two(records, greater_is_better=True)
    assert (first.record.ref, second.record.ref) == (2, 3)
    assert first.reason == "best in cross-validation, 0.85 ± 0.01, public 0.8"
    assert second.reason == "best public score, 0.83"
    # The other direction: 1 has the lowest CV and the lowest public score, then 3 follows in CV.
    first, second = select_two(records, greater_is_better=False)
    assert (first.record.ref, second.record.ref) == (1, 3)
    assert second.reason == "next in cross-validation, 0.82 ± 0.01, public 0.83"


def test_two_bets_that_are_one_are_no_hedge() -> None:
    records = [record(1, 0.85, 0.80), record(2, 0.84, 0.83), record(3, 0.82, 0.81)]
    alike = {(1, 2): 0.999, (1, 3): 0.9}
    first, second = select_two(records, greater_is_better=True, similarity=lambda a, b: alike[(a.ref or 0, b.ref or 0)])
    assert (first.record.ref, second.record.ref) == (1, 3)
    assert second.reason.endswith(
        "its predictions correlate 0.900 with the first's; 2 predicts nearly the same as the first"
    )
    _, second = select_two(records, greater_is_better=True, similarity=lambda a, b: 0.999)
    assert second.record.ref == 2
    assert second.reason.endswith("hardly a hedge, and no other differs by more than 1 %")


def test_a_cv_score_that_the_leaderboard_denies_is_passed_over() -> None:
    # Gaps CV - public: 0.01, 0.02, 0.01, 0.02 and 0.24; the fold's deviation of 0.01 is the unit.
    records = [
        record(1, 0.80, 0.79),
        record(2, 0.81, 0.79),
        record(3, 0.82, 0.81),
        record(4, 0.83, 0.81),
        record(5, 0.99, 0.75),
    ]
    first, _ = select_two(records, greater_is_better=True)
    assert first.record.ref == 4
    # (0.24 - 0.02) / 0.01482..., the median distance from the usual gap 0.02 being 0.01.
    assert first.reason.endswith(
        "5 (r5) has 0.99, but its public score 0.75 falls behind that by 15 times the usual deviation"
    )


def test_what_cannot_be_selected() -> None:
    assert select_two([record(1, 0.8, None)], greater_is_better=True) == []
    (only,) = select_two([record(1, None, 0.7)], greater_is_better=True)
    assert only.reason == "best public score, 0.7; no score in cross-validation is known"


def test_two_files_are_compared_row_by_row(tmp_path: Path) -> None:
    def sent(name: str, *values: float, ids: str = "abc") -> Record:
        path = tmp_path / f"{name}.csv"
        path.write_text("id,bought\n" + "".join(f"{i},{v}\n" for i, v in zip(ids, values, strict=True)))
        return Record(None, attempt(name, 0.5, file=str(path), sha256=file_hash(path)))

    one, two, flat = sent("one", 0.1, 0.2, 0.3), sent("two", 0.9, 0.6, 0.3, ids="cba"), sent("flat", 0.5, 0.5, 0.5)
    # In the order of the ids, two is 0.3, 0.6, 0.9.
    assert similarity(competition(), one, two) == 1
    assert similarity(competition(), one, sent("three", 0.1, 0.3, 0.2)) == pytest.approx(0.5)
    assert similarity(competition(), one, flat) is None
    assert similarity(competition(), one, sent("others", 0.1, 0.2, 0.3, ids="abd")) is None
    assert similarity(competition(metric="accuracy", submission={"wants": "label"}), one, two) is None
    assert similarity(competition(), one, record(1, None, 0.5)) is None
    changed = sent("changed", 0.1, 0.2, 0.3)
    (tmp_path / "changed.csv").write_text("id,bought\na,1\nb,2\nc,3\n")
    assert similarity(competition(), one, changed) is None
    (tmp_path / "changed.csv").unlink()
    assert similarity(competition(), one, changed) is None
