"""Tables of boxes: gathered to a row per image, recognised by `aicomp init`, and wrong ones named."""

from pathlib import Path

import pandas as pd
import pytest
from box_cases import write_boxes_competition

from aicomp.competition import BoxColumns, dump_competition, load_competition
from aicomp.contract import Given, infer_contract
from aicomp.data.box_tables import find_box_columns, find_label_column, gather_boxes
from aicomp.errors import DataError, UsageError

CORNERS = BoxColumns(columns=("xmin", "ymin", "xmax", "ymax"), label="label", labels=("cat", "dog"))
EDGES = "left, top, right, bottom"
HEADER = "image,label,xmin,ymin,xmax,ymax,width,height"


def gather(folder: Path, *lines: str, columns: BoxColumns = CORNERS, header: str = HEADER):
    path = folder / "train.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    table = pd.read_csv(path, dtype={"image": str, "label": str})
    return gather_boxes(table, path, columns, ("image",), "boxes")


def test_rows_of_an_image_become_one(tmp_path):
    found = gather(tmp_path, "b,cat,1,2,3,4,9,9", "a,dog,0,0,5,5,9,9", "b,dog,5,5,9,9.5,9,9", "c,,,,,,9,9")
    assert found.frame["image"].tolist() == ["b", "a", "c"]
    assert found.frame["boxes"].tolist() == ["cat 1 1 2 3 4 dog 1 5 5 9 9.5", "dog 1 0 0 5 5", ""]
    assert list(found.frame.columns) == ["image", "width", "height", "boxes"]
    assert found.firsts.tolist() == [0, 1, 3]


def test_sizes_and_lists(tmp_path):
    by_size = BoxColumns(columns=("x", "y", "w", "h"), edges="size")
    found = gather(tmp_path, "a,1,2,3,4", "a,5,5,1,1", columns=by_size, header="image,x,y,w,h")
    assert found.frame["boxes"].tolist() == ["object 1 1 2 4 6 object 1 5 5 6 6"]
    listed = BoxColumns(columns=("bbox",), edges="size")
    lines = ('a,"[1, 2, 3, 4]"', 'b,"[[0.0, 0, 2, 2], [4, 4, 1, 1]]"', "c,[]", "d,")
    found = gather(tmp_path, *lines, columns=listed, header="image,bbox")
    assert found.frame["boxes"].tolist() == ["object 1 1 2 4 6", "object 1 0 0 2 2 object 1 4 4 5 5", "", ""]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b,cat,5,2,3,4,90,90", f"the box `5, 2, 3, 4` ({EDGES}) has a negative size"),
        ("b,cat,1,2,93,4,90,80", f"the box `1, 2, 93, 4` ({EDGES}) leaves its image of 90 x 80 pixels"),
        ("b,cat,-7,2,3,4,90,80", f"the box `-7, 2, 3, 4` ({EDGES}) leaves its image of 90 x 80 pixels"),
        ("b,cow,1,2,3,4,90,80", "the label `cow` is none of ['cat', 'dog']"),
        ("b,,1,2,3,4,90,80", "`label` is missing, and the box is there"),
        ("b,cat,1,,3,4,90,80", "`ymin` is missing, and other edges of that box are there"),
        ("b,cat,1,two,3,4,90,80", "`ymin` is `two`, which is no number"),
        (",cat,1,2,3,4,90,80", "the id of the image is missing"),
    ],
)
def test_a_bad_box_is_named_with_file_and_line(tmp_path, line, message):
    with pytest.raises(DataError) as error:
        gather(tmp_path, "a,cat,0,0,50,50,90,90", line, "c,dog,0,0,5,5,90,90")
    assert error.value.message == f"`train.csv` line 3: {message}"
    assert error.value.hint


def test_shares_and_broken_lists_are_refused(tmp_path):
    with pytest.raises(DataError, match="as if they were shares of the image"):
        gather(tmp_path, "a,cat,0.1,0.1,0.5,0.5,90,90")
    listed = BoxColumns(columns=("bbox",), edges="size")
    with pytest.raises(DataError, match=r"`train.csv` line 2: `bbox` is `\[1, 2\]`, which is no list of four numbers"):
        gather(tmp_path, 'a,"[1, 2]"', columns=listed, header="image,bbox")
    with pytest.raises(DataError, match="has no column `ymax`"):
        gather(tmp_path, "a,cat,1,2,3", header="image,label,xmin,ymin,xmax")


def test_an_image_whose_size_no_column_tells_is_looked_at(tmp_path):
    write_boxes_competition(tmp_path / "data", n=4, n_test=2, empty=1)
    path = tmp_path / "data" / "train.csv"
    table = pd.read_csv(path, dtype={"image_id": str})
    columns = BoxColumns(columns=CORNERS.columns, label="label", labels=("blue", "red"))
    assert len(gather_boxes(table, path, columns, ("image_id",), "boxes").frame) == 4
    table.loc[1, "xmax"] = 98
    with pytest.raises(DataError, match=r"`train.csv` line 3: .* leaves its image of 96 x 64 pixels"):
        gather_boxes(table, path, columns, ("image_id",), "boxes")


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["id", "x", "y", "w", "h"], (("x", "y", "w", "h"), "size")),
        (["x", "y", "width", "height", "Target"], (("x", "y", "width", "height"), "size")),
        (["XMin", "XMax", "YMin", "YMax"], (("XMin", "YMin", "XMax", "YMax"), "corners")),
        (["x1", "y1", "x2", "y2"], (("x1", "y1", "x2", "y2"), "corners")),
        (["bbox_x", "bbox_y", "bbox_w", "bbox_h"], (("bbox_x", "bbox_y", "bbox_w", "bbox_h"), "size")),
        (["width", "height", "bbox", "source"], (("bbox",), "size")),
        (["x", "y", "label"], None),
    ],
)
def test_spellings_of_the_edges(columns, found):
    assert find_box_columns(columns) == found


def test_the_label_is_found_by_its_name():
    assert find_label_column(["image_id", "class_name", "class_id"]) == "class_name"
    assert find_label_column(["image_id", "source"]) is None


def test_init_recognises_corners_with_labels(tmp_path):
    data = write_boxes_competition(tmp_path / "data", n=8, n_test=3)
    inferred = infer_contract(data, Given(), "shapes")
    contract, because = inferred.competition, {f.what: f.because for f in inferred.findings}
    assert (contract.problem_type, contract.metric, contract.template) == ("string", "map50", "detection")
    assert (contract.id, contract.target) == (("image_id",), ("prediction",))
    assert contract.boxes == BoxColumns(columns=CORNERS.columns, label="label", labels=("blue", "red"))
    assert contract.submission.blank
    assert because["boxes"] == "train.csv has a row per box: left, top, right, bottom in pixels"
    assert because["template"].startswith("boxes in images, and `image_id` names 8 image files")
    written = tmp_path / "competition.toml"
    written.write_text(dump_competition(contract))
    assert load_competition(written) == contract


def test_init_recognises_lists_without_labels(tmp_path):
    data = write_boxes_competition(tmp_path / "data", n=8, n_test=3)
    table = pd.read_csv(data / "train.csv", dtype={"image_id": str}).dropna()
    lists = [[r.xmin, r.ymin, r.xmax - r.xmin, r.ymax - r.ymin] for r in table.itertuples()]
    table[["image_id", "path"]].assign(bbox=[str(entry) for entry in lists], source="a").to_csv(
        data / "train.csv", index=False
    )
    sample = pd.read_csv(data / "sample_submission.csv", dtype=str).rename(columns={"prediction": "PredictionString"})
    sample.assign(PredictionString="1.0 0 0 50 50").to_csv(data / "sample_submission.csv", index=False)
    contract = infer_contract(data, Given(metric="mAP50"), "shapes").competition
    assert contract.boxes == BoxColumns(columns=("bbox",), edges="size", form="conf x y w h")
    assert contract.target == ("PredictionString",)


def test_what_the_user_says_otherwise_is_no_competition_of_boxes(tmp_path):
    data = write_boxes_competition(tmp_path / "data", n=8, n_test=3)
    with pytest.raises((DataError, UsageError)) as error:
        infer_contract(data, Given(metric="rmse", target=("xmin",)), "shapes")
    assert "box" not in error.value.message


def test_a_label_with_a_blank_is_refused(tmp_path):
    data = write_boxes_competition(tmp_path / "data", n=8, n_test=3)
    text = (data / "train.csv").read_text()
    (data / "train.csv").write_text(text.replace("red", "dark red"))
    with pytest.raises(DataError, match="the label `dark red` has a blank in it"):
        infer_contract(data, Given(), "shapes")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('form = "label conf xmin ymin xmax ymax"', 'form = "conf x y w h"', "has no place for 2 labels"),
        (
            'problem_type = "string"',
            'problem_type = "regression"',
            "set both `problem_type`|the submission wants a string",
        ),
        ('    "ymax",\n', "", "`boxes.columns` names 3 columns"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(tmp_path, old, new, message):
    data = write_boxes_competition(tmp_path / "data", n=8, n_test=3)
    text = dump_competition(infer_contract(data, Given(), "shapes").competition)
    assert old in text
    (tmp_path / "competition.toml").write_text(text.replace(old, new))
    with pytest.raises(UsageError, match=message):
        load_competition(tmp_path / "competition.toml")
