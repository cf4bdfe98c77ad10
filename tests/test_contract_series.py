"""Which competitions `aicomp init` takes for series whose next steps are asked for."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from series_cases import a_panel, write_panel

from aicomp.competition import load_competition
from aicomp.contract import Given, infer_contract
from aicomp.contract.infer import Inferred
from aicomp.errors import DataError, UsageError
from aicomp.scaffold import create_project


def inferred(folder: Path, **given: object) -> Inferred:
    return infer_contract(folder, Given(metric="mae", **given), "sales")  # type: ignore[arg-type]


def found(result: Inferred, what: str) -> list[str]:
    return [f"{f.value}: {f.because}" for f in result.findings if f.what == what]


def test_series_are_recognised_and_the_reasons_told(tmp_path: Path) -> None:
    write_panel(tmp_path, a_panel(40))
    result = inferred(tmp_path)
    c = result.competition
    assert (c.template, c.time, c.series, c.horizon, c.gap) == ("forecast", "quarter", ("region", "kind"), 8, 0)
    assert found(result, "series") == ["region, kind: 12 series of regular quarters"]
    assert found(result, "horizon") == ["8: quarters that test asks for"]
    assert found(result, "time") == ["quarter: every row of test is later than every one of train"]
    assert "test holds the next steps" in found(result, "template")[0]
    assert not found(result, "note")


def test_a_gap_is_counted_and_written(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_panel(data, a_panel(40), horizon=6, gap=2)
    created = create_project(str(data), tmp_path / "project", Given(metric="mae"))
    written = load_competition(tmp_path / "project" / "competition.toml")
    assert written == created.competition
    assert (written.horizon, written.gap) == (6, 2)


@pytest.mark.parametrize(
    ("times", "steps"),
    [
        (pd.date_range("2020-01-01", periods=40, freq="D").strftime("%Y-%m-%d"), "days"),
        (pd.date_range("2020-01-01", periods=40, freq="h").strftime("%Y-%m-%d %H:%M"), "hours"),
        (pd.date_range("2010-01-01", periods=40, freq="MS").strftime("%Y-%m"), "months"),
        ([f"{2010 + i // 52}-W{i % 52 + 1:02d}" for i in range(40)], "weeks"),
        (range(1960, 2000), "steps of 1 number"),
        (pd.date_range("2020-01-01", periods=40, freq="20min").strftime("%Y-%m-%d %H:%M"), "steps of 20 minutes"),
    ],
    ids=["days", "hours", "months", "weeks", "years", "of 20 minutes"],
)
@pytest.mark.parametrize("keyed", [True, False])
def test_steps_of_every_kind(tmp_path: Path, times: object, steps: str, keyed: bool) -> None:
    random = np.random.default_rng(0)
    parts = [
        pd.DataFrame({"year": list(times), "store": s, "town": f"t{s // 2}"}) for s in (range(3) if keyed else [0])
    ]  # type: ignore[call-overload]
    table = pd.concat(parts, ignore_index=True).assign(sales=lambda t: random.normal(10, 3, len(t)).round(2))
    if not keyed:
        table = table.drop(columns=["store", "town"])
    write_panel(tmp_path, table, horizon=5, time="year")
    result = inferred(tmp_path)
    assert result.competition.template == "forecast"
    assert result.competition.series == (("store", "town") if keyed else ())
    assert found(result, "horizon") == [f"5: {steps} that test asks for"]


def test_rows_of_another_kind_are_left_alone(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    table = a_panel(40)
    shuffled = table.sample(frac=1, random_state=0).reset_index(drop=True)
    for name, rows in (("train", shuffled[:400]), ("test", shuffled[400:])):
        rows = rows.reset_index(drop=True)
        rows.insert(0, "id", range(len(rows)))
        rows.drop(columns=["sales"] if name == "test" else []).to_csv(tmp_path / f"{name}.csv", index=False)
    pd.DataFrame({"id": range(80), "sales": 1.5}).to_csv(tmp_path / "sample_submission.csv", index=False)
    assert inferred(tmp_path).competition.template == "tabular"
    # Later, but at irregular moments of unlike things.
    moments = pd.to_datetime("2020-01-01") + pd.to_timedelta(np.sort(random.choice(10**7, 120, replace=False)), "s")
    events = pd.DataFrame(
        {"id": range(120), "when": moments.strftime("%Y-%m-%d %H:%M:%S"), "x": random.normal(size=120)}
    )
    events["sales"] = random.normal(size=120)
    events[:90].to_csv(tmp_path / "train.csv", index=False)
    events[90:].drop(columns="sales").to_csv(tmp_path / "test.csv", index=False)
    events[90:][["id"]].assign(sales=1.5).to_csv(tmp_path / "sample_submission.csv", index=False)
    result = inferred(tmp_path)
    assert (result.competition.template, result.competition.horizon) == ("tabular", 0)
    assert found(result, "note") == ["test is later by when: `--time when` would validate on later rows too"]


def test_flags_win(tmp_path: Path) -> None:
    write_panel(tmp_path, a_panel(40))
    assert inferred(tmp_path, series=("kind", "region")).competition.series == ("kind", "region")
    with pytest.raises(UsageError, match="given with `--series`: `regoin`"):
        inferred(tmp_path, series=("regoin",))
    with pytest.raises(DataError, match=r"line 34: the series 'r0' has the time `2000 Q1` twice"):
        inferred(tmp_path, series=("region",))


def test_a_contract_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_panel(data, a_panel(40))
    create_project(str(data), tmp_path / "project", Given(metric="mae"))
    path = tmp_path / "project" / "competition.toml"
    text = path.read_text()
    for old, new, message in (
        ("horizon = 8", "horizon = 0", "`series` is set, and `horizon` is not"),
        ("horizon = 8", "horizon = -1", "`horizon` and `gap` count steps"),
        ('time = "quarter"', "", "`horizon` is 8, and `time` is not set"),
    ):
        path.write_text(text.replace(old, new))
        with pytest.raises(UsageError, match=message):
            load_competition(path)
