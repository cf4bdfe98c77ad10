"""The ranking, against orders worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hosting import write_competition

from aicomp.host.database import Database
from aicomp.host.folder import load_hosted
from aicomp.host.leaderboard import leaderboard, medal
from aicomp.host.teams import create_team
from aicomp.host.wire import ApiError

DEADLINE = datetime(2026, 3, 1, 12, tzinfo=UTC)
AFTER = DEADLINE + timedelta(hours=1)


def board(tmp_path, submissions, *, private=False, **config):
    """Team, score and medal of each row, of submissions (team, public, private, minute, more columns)."""
    competition = load_hosted(write_competition(tmp_path / "shop", deadline=DEADLINE, **config))
    db = Database(tmp_path / "host.sqlite3")
    ids = {}
    for ref, (team, public, hidden, minute, more) in enumerate(submissions, start=1):
        if team not in ids:
            create_team(db, team)
            ids[team] = len(ids) + 1
        row = {"team_id": ids[team], "public": public, "private": hidden, "submitted": minute * 60.0, **more}
        _insert(db, ref, {"status": "COMPLETE", "late": 0, "selected": 0, **row})
    return [(row.rank, row.team_name, row.score) for row in leaderboard(db, competition, private, now=AFTER)]


def _insert(db, ref, row):
    with db.transaction() as connection:
        connection.execute(
            "INSERT INTO blobs (token, team_id, purpose, file_name, size, created) "
            "VALUES (?, ?, 'submission', 'f', 1, 0)",
            (str(ref), row["team_id"]),
        )
        connection.execute(
            "INSERT INTO submissions (ref, team_id, slug, blob_token, file_name, size, sha256, description, submitted, "
            "day, status, public, private, late, selected) VALUES (:ref, :team_id, 'shop', :token, 'f', 1, '', '', "
            ":submitted, '2026-03-01', :status, :public, :private, :late, :selected)",
            {"ref": ref, "token": str(ref), **row},
        )


# mae: lower is better. Ada's best public one has the worse private score, as overfitting does.
GAME = [
    ("Ada", 0.3, 0.50, 1, {}),
    ("Ada", 0.1, 0.90, 2, {}),
    ("Ben", 0.2, 0.40, 3, {}),
    ("Cy", 0.2, 0.60, 4, {}),
    ("Cy", 0.4, 0.10, 5, {}),
    ("Cy", 0.3, 0.20, 6, {}),
    ("Dee", None, None, 7, {"status": "ERROR"}),
    ("Eve", 0.0, 0.00, 8, {"late": 1}),
    ("Fay", None, None, 9, {"status": "PENDING"}),
]


def test_the_best_public_score_ranks_and_of_equal_ones_the_first(tmp_path):
    assert board(tmp_path, GAME) == [(1, "Ada", 0.1), (2, "Ben", 0.2), (3, "Cy", 0.2)]


def test_a_metric_where_more_is_better_ranks_the_other_way_round(tmp_path):
    assert board(tmp_path, GAME, metric="r2") == [(1, "Cy", 0.4), (2, "Ada", 0.3), (3, "Ben", 0.2)]


def test_the_private_board_takes_the_best_private_score(tmp_path):
    assert board(tmp_path, GAME, private=True) == [(1, "Cy", 0.1), (2, "Ben", 0.4), (3, "Ada", 0.5)]


def test_where_submissions_are_selected_the_two_best_public_ones_count(tmp_path):
    # Cy's best public ones are those of 0.2 and 0.3, with private 0.60 and 0.20; the one of 0.10 does not count.
    assert board(tmp_path, GAME, private=True, selection="selected") == [
        (1, "Cy", 0.2),
        (2, "Ben", 0.4),
        (3, "Ada", 0.5),
    ]


def test_where_a_team_selects_only_its_choice_counts(tmp_path):
    chosen = [(*row[:4], {"selected": 1}) if row[:2] in (("Ada", 0.1), ("Cy", 0.4)) else row for row in GAME]
    assert board(tmp_path, chosen, private=True, selection="selected") == [
        (1, "Cy", 0.1),
        (2, "Ben", 0.4),
        (3, "Ada", 0.9),
    ]


def test_the_private_board_is_closed_until_the_deadline(tmp_path):
    competition = load_hosted(write_competition(tmp_path / "shop", deadline=DEADLINE))
    db = Database(tmp_path / "host.sqlite3")
    with pytest.raises(ApiError, match="opens after the deadline"):
        leaderboard(db, competition, private=True, now=DEADLINE)
    assert leaderboard(db, competition, private=True, now=AFTER) == []
    endless = load_hosted(write_competition(tmp_path / "endless"))
    with pytest.raises(ApiError):
        leaderboard(db, endless, private=True, now=AFTER)


@pytest.mark.parametrize(
    ("n_teams", "last_gold", "last_silver", "last_bronze"),
    [(10, 1, 2, 4), (99, 9, 19, 39), (100, 10, 20, 40), (249, 10, 49, 99), (250, 10, 50, 100), (999, 11, 50, 100),
     (1000, 12, 50, 100), (5000, 20, 250, 500), (1, 0, 0, 0), (5, 0, 1, 2)],
)  # fmt: skip
def test_medals(n_teams, last_gold, last_silver, last_bronze):
    medals = [medal(rank, n_teams) for rank in range(1, n_teams + 1)]
    assert medals.count("gold") == last_gold
    assert medals.count("silver") == last_silver - last_gold
    assert medals.count("bronze") == last_bronze - last_silver
