import csv
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from aicomp.errors import AicompError
from aicomp.report.curves import best_row, draw_curves, write_curves_csv

Rows = list[dict[str, float]]


def history(scores: list[float], valid_losses: list[float] | None = None) -> Rows:
    return [
        {
            "epoch": epoch,
            "train_loss": 1.0 / epoch,
            "valid_loss": valid_losses[epoch - 1] if valid_losses else 2.0 / epoch,
            "score": score,
            "learning_rate": 0.01,
            "seconds": 0.5 * epoch,
        }
        for epoch, score in enumerate(scores, 1)
    ]


def colors_in(path: Path) -> set[tuple[int, ...]]:
    pixels = np.round(imread(path)[..., :3] * 255).astype(int).reshape(-1, 3)
    return {tuple(pixel) for pixel in np.unique(pixels, axis=0).tolist()}


def test_csv_has_a_line_per_fold_and_epoch(tmp_path: Path) -> None:
    write_curves_csv([history([0.5, 0.75]), history([0.25])], tmp_path / "curves.csv")
    assert (tmp_path / "curves.csv").read_bytes() == (
        b"fold,epoch,train_loss,valid_loss,score,learning_rate,seconds\n"
        b"0,1,1.0,2.0,0.5,0.01,0.5\n"
        b"0,2,0.5,1.0,0.75,0.01,1.0\n"
        b"1,1,1.0,2.0,0.25,0.01,0.5\n"
    )


def test_csv_keeps_every_digit_and_the_number_of_the_fold(tmp_path: Path) -> None:
    write_curves_csv([history([1 / 3])], tmp_path / "history.csv", first_fold=4)
    with (tmp_path / "history.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["fold"] == "4"
    assert float(row["score"]) == 1 / 3


def test_csv_of_no_folds_has_its_header(tmp_path: Path) -> None:
    write_curves_csv([], tmp_path / "curves.csv")
    assert (tmp_path / "curves.csv").read_text().count("\n") == 1


def test_files_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    path.write_text("before\n")
    broken = history([0.5])
    del broken[0]["seconds"]
    with pytest.raises(KeyError, match="seconds"):
        write_curves_csv([history([0.5]), broken], path)
    assert path.read_text() == "before\n"
    assert [p.name for p in tmp_path.iterdir()] == ["curves.csv"]  # no temporary file stays behind


def test_unwritable_place_is_an_error_with_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AicompError, match=r"curves\.png"):
        draw_curves([history([0.5])], tmp_path / "file" / "curves.png", metric_name="m", greater_is_better=True)


@pytest.mark.parametrize(("greater_is_better", "epoch"), [(True, 3), (False, 2)])
def test_best_epoch_follows_the_direction(greater_is_better: bool, epoch: int) -> None:
    best = best_row(history([0.5, 0.4, 0.9, 0.6]), greater_is_better=greater_is_better)
    assert best is not None
    assert best["epoch"] == epoch


def test_best_epoch_of_equal_scores_has_the_lower_loss() -> None:
    best = best_row(history([0.8, 0.8, 0.8], [0.3, 0.1, 0.2]), greater_is_better=True)
    assert best is not None
    assert best["epoch"] == 2


def test_best_epoch_passes_over_scores_that_are_no_numbers() -> None:
    nan = float("nan")
    best = best_row(history([nan, 0.4, nan]), greater_is_better=True)
    assert best is not None
    assert best["epoch"] == 2
    assert best_row(history([nan]), greater_is_better=True) is None


def test_png_shows_losses_and_one_color_per_fold(tmp_path: Path) -> None:
    histories = [history([0.6, 0.7, 0.65]), history([0.5, 0.8, 0.9]), history([0.4, 0.5, 0.6])]
    draw_curves(histories, tmp_path / "curves.png", metric_name="roc_auc", greater_is_better=True)
    image = imread(tmp_path / "curves.png")
    assert image.shape[:2] == (528, 1320)  # 4.4 x 11 inches at 120 dots
    third_fold = (0x00, 0x9E, 0x73)
    assert third_fold in colors_in(tmp_path / "curves.png")
    draw_curves(histories[:2], tmp_path / "two.png", metric_name="roc_auc", greater_is_better=True)
    assert third_fold not in colors_in(tmp_path / "two.png")


@pytest.mark.parametrize(
    "histories",
    [
        pytest.param([history([0.5])], id="one epoch"),
        pytest.param([[], history([0.5, 0.6])], id="a fold without epochs"),
        pytest.param([], id="no folds"),
        pytest.param([history([float("nan"), float("nan")])], id="no score"),
        pytest.param([history([0.1, 0.2], [float("inf"), 1e9])], id="huge loss"),
        pytest.param([history([0.5, 0.6])] * 50, id="50 folds"),
    ],
)
def test_png_of_unusual_histories(tmp_path: Path, histories: list[Rows], recwarn: pytest.WarningsRecorder) -> None:
    draw_curves(histories, tmp_path / "curves.png", metric_name="rmse", greater_is_better=False)
    assert imread(tmp_path / "curves.png").std() > 0
    # Files that an earlier test left open are told of whenever they are collected.
    assert not [w.message for w in recwarn if w.category is not ResourceWarning]


def test_drawing_leaves_no_global_figure(tmp_path: Path) -> None:
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    draw_curves([history([0.5, 0.6])], tmp_path / "curves.png", metric_name="m", greater_is_better=True)
    assert pyplot.get_fignums() == before
