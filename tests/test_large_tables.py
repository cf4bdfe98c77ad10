"""Submissions that are read in parts: the same files and the same errors as those that are read as a whole."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from submission_cases import competition, make_project, make_run

from aicomp.data import id_files
from aicomp.data.id_files import StoredIds, write_ids
from aicomp.data.parts import text_parts
from aicomp.data.reading import read_table
from aicomp.errors import AicompError
from aicomp.grading.keys import Keys
from aicomp.grading.large_table import LargeTextTable, open_text_table
from aicomp.grading.text_table import read_text_table
from aicomp.submission import build_submission, read_sample, validate_submission

IDS = [f"{i:03}" for i in range(40)]


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 64 bytes, some rows each, and ids as bytes."""
    monkeypatch.setattr("aicomp.data.parts.LARGE", 64)
    monkeypatch.setattr(id_files, "MANY", 10)
    monkeypatch.setattr(id_files, "_PIECE", 7)


def lines(values: list[str], header: str = "id,bought") -> str:
    return "\n".join([header, *(f"{i},{v}" for i, v in zip(IDS, values, strict=True))]) + "\n"


def changed(old: str, new: str, text: str | None = None) -> str:
    text = lines(["0.5"] * 40) if text is None else text
    assert old in text
    return text.replace(old, new, 1)


BAD = {
    "an id twice": changed("\n031,", "\n030,"),
    "an id twice, and the same later": changed("\n031,", "\n030,", changed("\n035,", "\n002,")),
    "an unknown id": changed("\n031,", "\nx31,"),
    "no zeros": changed("\n031,", "\n31,"),
    "as a decimal": changed("\n031,", "\n31.0,"),
    "a blank around": changed("\n031,", '\n"031 ",'),
    "a row too few": changed("\n031,0.5", ""),
    "two rows too many": lines(["0.5"] * 40) + "x1,0.5\nx2,0.5\n",
    "a blank id": changed("\n031,", "\n,"),
    "a blank field": changed("\n031,0.5", "\n031,", changed("\n039,0.5", "\n039,NaN")),
    "no number": changed("\n031,0.5", "\n031,half"),
    "infinite": changed("\n031,0.5", "\n031,inf"),
    "beyond 1": changed("\n031,0.5", "\n031,1.5", changed("\n035,0.5", "\n035,-1")),
    "blank lines before": changed("\n031,0.5", "\n\n \n031,1.5"),
    "windows": changed("\n031,0.5", "\n031,1.5").replace("\n", "\r\n"),
    "a byte order mark": "\ufeff" + changed("\n031,0.5", "\n031,1.5"),
    "ragged": changed("\n031,0.5", "\n031,0.5,7"),
    "ragged, quoted": changed("\n031,0.5", '\n"031",0.5,7'),
    "an open quote": changed("\n031,0.5", '\n"031,0.5'),
    "a line break in quotes": changed("\n031,0.5", '\n"03\n1",0.5'),
    "quotes after blanks": changed("\n031,0.5", '\n031, "1.5"'),
    "another column": changed("id,bought", "id,sold"),
    "a column too many": lines(["0.5,1"] * 40, "id,bought,x"),
    "semicolons": lines(["0.5"] * 40).replace(",", ";"),
    "NUL": changed("\n000,0.5", "\n000,\0"),
}


def outcome(path: Path, folder: Path, sample: str) -> tuple[str, ...]:
    project = make_project(folder, competition(), sample)
    with pytest.raises(AicompError) as caught:
        validate_submission(path, read_sample(project))
    return type(caught.value).__name__, caught.value.message, caught.value.hint or ""


@pytest.mark.parametrize("name", BAD)
def test_errors_are_those_of_a_file_that_is_read_as_a_whole(
    tmp_path: Path, name: str, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(BAD[name].encode())
    sample = lines(["0"] * 40)
    whole = outcome(path, tmp_path / "whole", sample)
    request.getfixturevalue("in_parts")
    assert outcome(path, tmp_path / "parts", sample) == whole


def test_bytes_not_of_the_encoding_are_named_with_their_line(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(changed("\n031,0.5", "\n031,0.é").encode("latin-1"))
    whole = outcome(path, tmp_path / "whole", lines(["0"] * 40))
    assert "line 33, character 7" in whole[1]
    request.getfixturevalue("in_parts")
    assert outcome(path, tmp_path / "parts", lines(["0"] * 40)) == whole


@pytest.mark.parametrize("wants", ["probability", "label"])
def test_the_submission_has_the_same_bytes(tmp_path: Path, wants: str, request: pytest.FixtureRequest) -> None:
    draw = np.random.default_rng(0)
    contract = competition(submission={"wants": wants}, metric="accuracy" if wants == "label" else "roc_auc")
    predictions = [draw.random(40).tolist() for _ in range(2)]
    ids = {"id": [IDS[i] for i in draw.permutation(40)]}
    written = []
    for place in ("whole", "parts"):
        project = make_project(tmp_path / place, contract, lines(["0"] * 40))
        run = make_run(project, *predictions, ids=ids)
        if place == "parts":
            request.getfixturevalue("in_parts")
            (run.folder / "test_ids.json").unlink()
            write_ids(run.folder, "test", [pd.DataFrame(ids)])
        written.append(build_submission(project, run, read_sample(project)).read_bytes())
    assert written[0] == written[1]
    assert written[0].count(b"\n") == 41


def test_a_large_table_says_what_a_table_says(tmp_path: Path, in_parts: None) -> None:
    path = tmp_path / "t.csv"
    path.write_text('id,name\n1,"a ""b"", c"\n2,"d\ne"\n\n3,\n' + "".join(f"{i},x{i}\n" for i in range(4, 30)))
    whole, parts = read_text_table(path), open_text_table(path)
    assert isinstance(parts, LargeTextTable)
    assert (len(parts), parts.header, parts.name) == (29, ["id", "name"], "t.csv")
    assert whole.lines is not None
    assert [parts.line(i) for i in range(29)] == whole.lines.tolist()
    assert parts.frame.equals(whole.frame)
    assert parts.strings("name").tolist() == whole.strings("name").tolist()
    assert parts.missing("name") == whole.missing("name") == (1, 2)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.zip"])
def test_parts_are_the_rows_of_the_file(tmp_path: Path, suffix: str, in_parts: None) -> None:
    path = tmp_path / f"t{suffix}"
    frame = pd.DataFrame({"a": np.arange(50), "b": [f"v{i % 7}" for i in range(50)]})
    frame.to_csv(path, index=False)
    parts = text_parts(path)
    assert parts is not None
    frames = [part for part, _ in parts.frames()]
    assert len(frames) > 2
    assert pd.concat(frames, ignore_index=True).equals(read_table(path))


def test_a_small_file_is_read_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")
    assert text_parts(path) is None


def test_keys_tell_ids_apart_exactly() -> None:
    ids = ["7", "07", "7 ", "a" * 8, "a" * 9, "ä", "a\n", "", "ab" * 20]
    keys = Keys.of([pd.DataFrame({"id": ids[:4]}), pd.DataFrame({"id": ids[4:]})])
    assert keys.first_twice() is None
    assert keys.rows_of(Keys.of([pd.DataFrame({"id": [*ids[::-1], "b"]})])).tolist() == [*range(8, -1, -1), -1]
    assert Keys.of([pd.DataFrame({"id": ["b", "a", "c", "a", "b"]})]).first_twice() == (3, 1)


def test_keys_of_several_columns_are_no_joined_text() -> None:
    keys = Keys.of([pd.DataFrame({"a": ["1", "11"], "b": ["11", "1"]})])
    assert keys.first_twice() is None


def test_equal_hashes_of_different_ids_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Keys.of([pd.DataFrame({"id": [f"a long id number {i}" for i in range(9)]})])
    import aicomp.grading.keys as module

    hashed = module._hashed
    monkeypatch.setattr(module, "_hashed", lambda words, seed: hashed(words, seed) % (3 if seed == 0 else 2**60))
    assert real.first_twice() is None
    assert real.rows_of(Keys(real.words[::-1].copy())).tolist() == [*range(8, -1, -1)]


def test_stored_ids_come_back(tmp_path: Path, in_parts: None) -> None:
    frame = pd.DataFrame({"a": [f"ä{i}" for i in range(20)], "b": [str(i) * (i % 4 + 1) for i in range(20)]})
    write_ids(tmp_path, "test", [frame[:9], frame[9:]])
    stored = StoredIds(tmp_path, "test")
    assert stored.are_many
    assert stored.frame().values.tolist() == frame.values.tolist()
    assert stored.piece(3, 5).values.tolist() == frame[3:5].values.tolist()
