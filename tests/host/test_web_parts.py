"""The score chart, Markdown, moments, and the count of refused sign-ins."""

from datetime import UTC, datetime, timedelta

import pytest

from aicomp.host.submissions import Submission
from aicomp.host.web.chart import HEIGHT, WIDTH, score_chart
from aicomp.host.web.formats import absolute, relative
from aicomp.host.web.markdown import render_markdown, summary
from aicomp.host.web.session import MOST_TRIES, TRIES_SECONDS, Throttle
from aicomp.metrics import get_metric

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def submission(ref, public):
    status = "COMPLETE" if public is not None else "ERROR"
    return Submission(
        ref, 1, "Ada", "toy", "a.csv", 1, "", "", NOON, status, public, public, "", late=False, selected=False,
        blob_token="",
    )  # fmt: skip


def test_the_best_is_on_top_whatever_the_direction():
    # Newest first, as `Submissions.of_team` has them; the third has no score.
    scores = [submission(4, 0.5), submission(3, None), submission(2, 0.9), submission(1, 0.1)]
    higher = score_chart(scores, get_metric("accuracy", None))
    assert [(p.ref, p.y, p.is_best) for p in higher.points] == [
        (1, HEIGHT, False),
        (2, 0, True),
        (4, HEIGHT / 2, False),
    ]
    assert [p.x for p in higher.points] == [8, WIDTH / 2, WIDTH - 8]
    assert (higher.best, higher.best_at, higher.marks) == (0.9, 2, (0.9, 0.5, 0.1))
    assert higher.best_path == "M8.0 200.0H300.0V0.0H592.0"
    lower = score_chart(scores, get_metric("mae", None))
    assert [(p.ref, p.y) for p in lower.points] == [(1, 0), (2, HEIGHT), (4, HEIGHT / 2)]
    assert lower.best_path == "M8.0 0.0H300.0H592.0"


def test_equal_scores_are_a_level_line():
    chart = score_chart([submission(1, 0.5), submission(2, 0.5)], get_metric("mae", None))
    assert [p.y for p in chart.points] == [HEIGHT / 2, HEIGHT / 2]
    assert chart.marks == (0.5,)


@pytest.mark.parametrize("scores", [[], [None], [0.5], [0.5, None]])
def test_fewer_than_two_scores_are_no_chart(scores):
    submissions = [submission(i, score) for i, score in enumerate(scores)]
    assert score_chart(submissions, get_metric("mae", None)) is None


@pytest.mark.parametrize(
    "text",
    [
        "<b onclick=x>", "[a](javascript:x)", "[a](JaVaScRiPt:x)", "[a](data:text/html,x)", "[a](vbscript:x)",
        "<javascript:x>", "[a]: javascript:x\n\n[a]", "![a](javascript:x)", "[a](<javascript:x>)",
        "[a](&#106;avascript:x)",
    ],
)  # fmt: skip
def test_markdown_can_do_no_harm(text):
    html = render_markdown(text)
    assert "<b" not in html.replace("<blockquote", "")
    assert 'href="' not in html or "script:" not in html


def test_an_address_cannot_leave_its_attribute():
    html = render_markdown('[a](http://x.example/"onmouseover="x \'b"c\')\n\n![p"q](http://x.example/a"b)')
    assert '"onmouseover' not in html
    assert 'a"b' not in html


def test_markdown_tables_and_links_of_the_page_work():
    html = render_markdown("| a |\n|---|\n| 1 |\n\n[data](data) [mail](mailto:a@b.example)")
    assert "<td>1</td>" in html
    assert 'href="data"' in html
    assert 'href="mailto:a@b.example"' in html


def test_headings_close_their_gaps():
    html = render_markdown("### A\n\n##### B\n\n# C\n\n## D")
    assert [part[:2] for part in html.split("<h")[1:]] == ["2>", "3>", "2>", "3>"]


def test_a_summary_is_cut_after_a_word():
    assert summary("one two three", 8) == "one two…"
    assert summary("") == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "just now"),
        (-60, "1 minute ago"),
        (-7199, "1 hour ago"),
        (86_400, "in 1 day"),
        (-40 * 86_400, "1 month ago"),
    ],
)
def test_relative_moments(seconds, text):
    assert relative(NOON + timedelta(seconds=seconds), NOON) == text


def test_absolute_moments_are_utc():
    assert absolute(datetime.fromisoformat("2026-03-01T13:00:00+01:00")) == "1 Mar 2026, 12:00 UTC"


def test_a_throttled_address_may_try_again_later_and_others_at_once():
    now = [0.0]
    throttle = Throttle(now=lambda: now[0])
    for _ in range(MOST_TRIES):
        assert throttle.seconds_left("a") == 0
        throttle.note_failure("a")
    assert throttle.seconds_left("a") == TRIES_SECONDS + 1
    assert throttle.seconds_left("b") == 0
    now[0] = TRIES_SECONDS + 1.0
    assert throttle.seconds_left("a") == 0
