import csv
import gzip
import io
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aicomp.data.reading import check_finite, line_numbers, parse_numbers, read_pair, read_table
from aicomp.data.source import find_layout
from aicomp.errors import AicompError, DataError, UsageError


def write(folder: Path, text: str | bytes, name: str = "train.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def values(frame: pd.DataFrame) -> dict[str, list[object]]:
    """Columns as lists, missing as None."""
    return {c: [None if pd.isna(v) else v for v in frame[c].tolist()] for c in frame.columns}


def read(folder: Path, text: str | bytes, name: str = "train.csv", **options: object) -> dict[str, list[object]]:
    return values(read_table(write(folder, text, name), **options))  # type: ignore[arg-type]


PLAIN = "a,b\n1,x\n2,y\n"
PLAIN_VALUES = {"a": [1, 2], "b": ["x", "y"]}


class TestFormats:
    @pytest.mark.parametrize(
        "text",
        [
            PLAIN,
            PLAIN.replace("\n", "\r\n"),
            PLAIN.replace("\n", "\r"),
            PLAIN.rstrip("\n"),
            "\n\n" + PLAIN,
            "a,b\n\n1,x\n   \n2,y\n\n",
            " a , b \n 1 , x \n 2 , y \n",
            '"a","b"\n"1","x"\n"2","y"\n',
            '"a", "b"\n1, "x"\n2, "y"\n',
            "a;b\n1;x\n2;y\n",
            "a\tb\n1\tx\n2\ty\n",
            "\ufeff" + PLAIN,
            b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode(),
        ],
    )
    def test_the_same_table_in_many_spellings(self, tmp_path, text):
        assert read(tmp_path, text) == PLAIN_VALUES

    def test_rows_have_a_range_index(self, tmp_path):
        assert read_table(write(tmp_path, PLAIN)).index.equals(pd.RangeIndex(2))

    def test_gzip_and_tsv(self, tmp_path):
        text = gzip.compress(PLAIN.replace(",", "\t").encode())
        assert read(tmp_path, text, "train.tsv.gz") == PLAIN_VALUES

    def test_commas_in_a_tsv_are_no_delimiters(self, tmp_path):
        assert read(tmp_path, "a,b\tc\n1,5\t2\n", "train.tsv") == {"a,b": ["1,5"], "c": [2]}

    def test_gzip_without_its_suffix(self, tmp_path):
        assert read(tmp_path, gzip.compress(PLAIN.encode())) == PLAIN_VALUES

    def test_zip_with_one_table(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "train.csv.zip", "w") as archive:
            archive.writestr("__MACOSX/._train.csv", "junk")
            archive.writestr("README.md", "about")
            archive.writestr("train.csv", PLAIN)
        assert values(read_table(tmp_path / "train.csv.zip")) == PLAIN_VALUES

    def test_zip_with_two_tables(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            archive.writestr("train.csv", PLAIN)
            archive.writestr("test.csv", PLAIN)
        with pytest.raises(
            DataError, match=r"`all\.zip` must hold one \.csv or \.tsv, it holds 2: train\.csv, test\.csv"
        ):
            read_table(tmp_path / "all.zip")

    @pytest.mark.parametrize("name", ["train.csv.gz", "train.zip"])
    def test_damaged_archive(self, tmp_path, name):
        with pytest.raises(DataError, match=re.escape(f"`{name}` cannot be unpacked as {name.rpartition('.')[2][:2]}")):
            read(tmp_path, b"PK\x03\x04 broken", name)

    def test_decimal_comma_beside_semicolons(self, tmp_path):
        assert read(tmp_path, "a;b;c\n1,5;x,y;3\n-2,25;z;\n") == {"a": [1.5, -2.25], "b": ["x,y", "z"], "c": [3, None]}

    def test_quotes(self, tmp_path):
        text = 'a,b\n"x, ""y""","1\n2"\n5" pipe,3\n'
        assert read(tmp_path, text) == {"a": ['x, "y"', '5" pipe'], "b": ["1\n2", "3"]}

    def test_comma_inside_a_quote_after_a_blank(self, tmp_path):
        assert read(tmp_path, 'a, b\n1, "x, y"\n2, z\n') == {"a": [1, 2], "b": ["x, y", "z"]}

    def test_a_stray_quote_after_a_blank(self, tmp_path):
        assert read(tmp_path, 'a,b\n1, "x\n2,y\n') == {"a": [1, 2], "b": ['"x', "y"]}

    def test_column_without_a_name(self, tmp_path):
        assert read(tmp_path, ",a\n0,1\n1,2\n") == {"Unnamed: 0": [0, 1], "a": [1, 2]}

    def test_line_separators_of_unicode_end_no_row(self, tmp_path):
        assert read(tmp_path, "a,b\nx\u2028y\x85z\x0b,1\n") == {"a": ["x\u2028y\x85z"], "b": [1]}

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "cp1252", "shift-jis", "utf-8-sig"])
    def test_named_encoding(self, tmp_path, encoding):
        text = "a,b\n1,ソ表\n" if encoding == "shift-jis" else "a,b\n1,é\n"
        (b,) = read(tmp_path, text.encode(encoding), encoding=encoding)["b"]
        assert b == text[-len(str(b)) - 1 : -1]

    def test_header_alone_where_rows_may_lack(self, tmp_path):
        frame = read_table(write(tmp_path, "a,b\n"), need_rows=False)
        assert list(frame.columns) == ["a", "b"]
        assert len(frame) == 0


class TestValues:
    @pytest.mark.parametrize(
        "missing", ["", "?", " ? ", "-", "NA", "N/A", "#N/A", "NaN", "null", "NULL", "None", "<NA>"]
    )
    def test_missing_spellings(self, tmp_path, missing):
        text = f"n, s, f\n1, x, 0.5\n{missing}, {missing}, {missing}\n"
        assert read(tmp_path, text) == {"n": [1, None], "s": ["x", None], "f": [0.5, None]}

    def test_a_column_without_values(self, tmp_path):
        assert read(tmp_path, "a,b\n1,\n2,?\n")["b"] == [None, None]

    def test_blanks_inside_a_minus_are_no_number(self, tmp_path):
        assert read(tmp_path, "a\n-1\n- 1\n") == {"a": ["-1", "- 1"]}

    def test_strings_stay_as_in_the_file_if_not_all_are_numbers(self, tmp_path):
        assert read(tmp_path, "a\n1\nx\n1.50\n007\n") == {"a": ["1", "x", "1.50", "007"]}

    def test_exact_strings(self, tmp_path):
        text = "id,label,n\n007,NA,1\n1.0,True,2\n 5 ,None,3\n1e3,?,4\nnull,-,5\n"
        read_values = read(tmp_path, text, strings=["id", "label", "absent"])
        assert read_values == {
            "id": ["007", "1.0", " 5 ", "1e3", "null"],
            "label": ["NA", "True", "None", "?", "-"],
            "n": [1, 2, 3, 4, 5],
        }

    def test_exact_strings_are_missing_if_blank_or_nan(self, tmp_path):
        assert read(tmp_path, "id,a\n,1\n  ,2\nnan,3\n NaN ,4\nx,5\n", strings=["id"])["id"] == [None] * 4 + ["x"]

    def test_texts_lack_missing_ones_and_are_no_numbers(self, tmp_path):
        assert read(tmp_path, "a,b\n007,1\n ? ,2\n 1.0,3\n", texts=["a"]) == {"a": ["007", None, "1.0"], "b": [1, 2, 3]}

    @pytest.mark.parametrize(
        "infinite",
        [
            "inf",
            "-inf",
            "Infinity",
            pytest.param(
                "1e999", marks=pytest.mark.skipif(pd.__version__ < "3", reason="pandas 2 takes the column for strings")
            ),
        ],
    )
    def test_infinite_numbers_are_refused_with_their_line(self, tmp_path, infinite):
        path = write(tmp_path, f'a,b\n1,"x\ny"\n{infinite},z\n')
        with pytest.raises(DataError, match=r"`train\.csv` line 4: `a` is `-?inf`, which is not finite"):
            check_finite(read_table(path), path)

    def test_missing_numbers_are_finite(self, tmp_path):
        path = write(tmp_path, "a,b\n1,\n,x\n")
        check_finite(read_table(path), path)

    def test_numbers_of_a_string_column(self, tmp_path):
        path = write(tmp_path, "y\n 1.5 \n-2e3\n07\n")
        numbers = parse_numbers(read_table(path, strings=["y"])["y"], file=path, column="y")
        assert numbers.tolist() == [1.5, -2000, 7]

    @pytest.mark.parametrize("value", ["x", "inf", "1e999", "1,5"])
    def test_what_is_no_number_has_its_line(self, tmp_path, value):
        path = write(tmp_path, f'y,s\n1,a\n\n"{value}",b\n')
        with pytest.raises(DataError, match=re.escape(f"`train.csv` line 4: `y` is `{value}`, which is no number")):
            parse_numbers(read_table(path, strings=["y"])["y"], file=path, column="y")


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "`train.csv` is empty"),
            (" \n \n", "`train.csv` is empty"),
            (b"\xef\xbb\xbf", "`train.csv` is empty"),
            (b"\xef\xbb\xbf\r\n", "`train.csv` is empty"),
            ("a,b\n", "`train.csv` has a header and no rows"),
            ("a,b\n1,2\n3\n", "`train.csv` line 3 has 1 field, the header has 2: `3`"),
            ("a,b\n1,2\n\n3,4,5\n", "`train.csv` line 4 has 3 fields, the header has 2: `3,4,5`"),
            ("\n\na,b\r\n\r\n1,2,3", "`train.csv` line 5 has 3 fields, the header has 2: `1,2,3`"),
            ('a,b\n"1\n\n1",2\n3\n', "`train.csv` line 5 has 1 field, the header has 2: `3`"),
            ('a,b\n3,4,"x\ny"\n', "`train.csv` line 2 has 3 fields, the header has 2: `3,4,x\\ny`"),
            ("a,b\n1;2\n", "`train.csv` line 2 has 1 field, the header has 2: `1;2`"),
            ("a,b\n" + "x" * 70 + "\n", f"`train.csv` line 2 has 1 field, the header has 2: `{'x' * 57}...`"),
            ("a\tb\n1\t2\t3\n", "`train.csv` line 2 has 3 fields, the header has 2: `1\\t2\\t3`"),
            ("a,b\né,2\nü\n", "`train.csv` line 3 has 1 field, the header has 2: `ü`"),
            ('a, b\n1, "x, y"\n3\n', "`train.csv` line 3 has 1 field, the header has 2: `3`"),
            ('a,b\n1,2\n3,"x\n4,5\n', "`train.csv` line 3 opens a quote that is never closed"),
            ('a,b\n1,2\n"x,3\n4,5\n', "`train.csv` line 3 opens a quote that is never closed"),
            ('a\n1\n"x\n4\n', "`train.csv` line 3 opens a quote that is never closed"),
            ("a,b, a\n1,2,3\n", "`train.csv` line 1: column `a` is there twice, as column 1 and 3"),
            ("a,b\n1,2\n3,\xe9\n".encode("cp1252"), "`train.csv` line 3, character 3: byte 0xe9 is not utf-8"),
            (
                "a,b\n1,2\n".encode("utf-16"),
                "`train.csv` is not utf-8: it begins with the byte order mark 0xfffe of UTF-16",
            ),
            (
                "a,b\n1,2\n".encode("utf-16-be"),
                "`train.csv` is not utf-8: it holds a NUL byte on line 1, as UTF-16 does",
            ),
            (b"a,b\n" + b"1,2\n" * 2000 + b"1,\0\n", "`train.csv` line 2002 holds a NUL character"),
        ],
    )
    def test_name_the_place_and_the_value(self, tmp_path, text, message):
        with pytest.raises(DataError) as e:
            read_table(write(tmp_path, text))
        assert e.value.message == message
        assert e.value.hint

    @pytest.mark.parametrize(("raw", "encoding"), [("é".encode("cp1252"), "cp1252"), ("é".encode("utf-16"), "utf-16")])
    def test_encoding_is_suggested(self, tmp_path, raw, encoding):
        with pytest.raises(DataError) as e:
            read_table(write(tmp_path, raw))
        assert e.value.hint == (
            f'run `aicomp init PATH --encoding {encoding}`, or set `encoding = "{encoding}"` under [files] in '
            "competition.toml"
        )

    def test_unknown_encoding(self, tmp_path):
        with pytest.raises(UsageError, match="unknown encoding `utf-99`"):
            read_table(write(tmp_path, PLAIN), encoding="utf-99")

    def test_absent_file(self, tmp_path):
        with pytest.raises(DataError, match=r"train\.csv` does not exist"):
            read_table(tmp_path / "train.csv")

    def test_folder(self, tmp_path):
        with pytest.raises(DataError, match="is a folder"):
            read_table(tmp_path)

    def test_csv_limits_stay_as_they_were(self, tmp_path):
        before = csv.field_size_limit()
        long = "x" * (before + 1)
        assert read(tmp_path, f'a,b\n"{long}",1\n') == {"a": [long], "b": [1]}
        assert csv.field_size_limit() == before


class TestLines:
    def test_lines_are_those_of_an_editor(self, tmp_path):
        path = write(tmp_path, '\na,b\r\n1,"x\r\ny"\r\n\r\n2,z\r\n')
        assert line_numbers(path).tolist() == [3, 6]

    def test_lines_of_a_parquet_file_count_a_header(self, tmp_path):
        pytest.importorskip("pyarrow")
        pd.DataFrame({"a": [5, 6]}).to_parquet(tmp_path / "a.parquet")
        assert line_numbers(tmp_path / "a.parquet").tolist() == [2, 3]

    @given(
        st.lists(st.text("ab, \t\n\r", max_size=6), min_size=1, max_size=8).map("\n".join),
        st.sampled_from([",", "\t"]),
    )
    def test_counting_in_arrays_agrees_with_the_csv_module(self, body, delimiter):
        text = f"h{delimiter}i\n{body}\n"
        # A quoted header sends the same rows through the csv module.
        plain, quoted = (_layout(t) for t in (text, f'"h"{text[1:]}'))
        assert plain == quoted


def _layout(text: str) -> object:
    try:
        layout = find_layout(text, Path("train.csv"))
    except DataError as e:
        return e.message
    return layout.delimiter, layout.header, layout.lines.tolist()


class TestPair:
    def test_strings_of_one_file_are_strings_in_the_other(self, tmp_path):
        train = write(tmp_path, "a,b,c,d\n007,1,TRUE,\n x12 ,2,FALSE,\n")
        test = write(tmp_path, "a,b,c\n010,1.0,TRUE\n ?,2.5,maybe\n", "test.csv")
        first, second = read_pair(train, test)
        assert values(first) == {"a": ["007", "x12"], "b": [1, 2], "c": ["TRUE", "FALSE"], "d": [None, None]}
        assert values(second) == {"a": ["010", None], "b": [1.0, 2.5], "c": ["TRUE", "maybe"]}

    def test_exact_strings_and_missing_columns(self, tmp_path):
        train = write(tmp_path, "id,y\n01,NA\n2,3\n")
        test = write(tmp_path, "id\n03\n", "test.csv")
        first, second = read_pair(train, test, strings=["id", "y"])
        assert values(first) == {"id": ["01", "2"], "y": ["NA", "3"]}
        assert values(second) == {"id": ["03"]}

    def test_a_column_without_values_is_left_alone(self, tmp_path):
        train, test = write(tmp_path, "a,b\n7,1\n8,2\n"), write(tmp_path, "a,b\n,1\n,x\n", "test.csv")
        assert values(read_pair(train, test)[0])["a"] == [7, 8]


class TestParquet:
    @pytest.fixture(autouse=True)
    def _needs_pyarrow(self):
        pytest.importorskip("pyarrow")

    def test_types_are_kept_and_strings_are_cleaned(self, tmp_path):
        frame = pd.DataFrame(
            {
                "id": [7, 8, 9],
                "n": [1.5, np.nan, 2.0],
                "i": pd.array([1, None, 3], dtype="Int64"),
                "s": ["a", " ? ", "b"],
                "digits": [" 1", "NA", "2"],
                "c": pd.Categorical(["x", "y", "x"]),
                "t": pd.to_datetime(["2020-01-01", None, "2021-01-01"]),
                "b": [True, False, True],
            },
            index=[5, 6, 7],
        )
        frame.to_parquet(tmp_path / "train.parquet")
        read_frame = read_table(tmp_path / "train.parquet", strings=["id"])
        assert values(read_frame) == {
            "id": ["7", "8", "9"],
            "n": [1.5, None, 2.0],
            "i": [1, None, 3],
            "s": ["a", None, "b"],
            "digits": [1, None, 2],
            "c": ["x", "y", "x"],
            "t": [pd.Timestamp("2020-01-01"), None, pd.Timestamp("2021-01-01")],
            "b": [True, False, True],
        }
        assert read_frame.index.equals(pd.RangeIndex(3))

    def test_damaged(self, tmp_path):
        with pytest.raises(DataError, match=r"`train\.parquet` cannot be read as parquet"):
            read_table(write(tmp_path, b"PAR1 broken", "train.parquet"))

    def test_empty_or_absent(self, tmp_path):
        with pytest.raises(DataError, match="does not exist"):
            read_table(tmp_path / "train.parquet")
        with pytest.raises(DataError, match="is empty"):
            read_table(write(tmp_path, b"", "train.parquet"))

    def test_without_pyarrow(self, tmp_path, monkeypatch):
        pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(UsageError, match=r"`a\.parquet` needs the package pyarrow") as e:
            read_table(tmp_path / "a.parquet")
        assert e.value.hint == "run `pip install 'aicomp[parquet]'`"


fields = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff"), max_size=8)


class TestRoundTrip:
    @given(st.lists(st.tuples(fields, fields), min_size=1, max_size=10))
    def test_exact_strings(self, tmp_path_factory, rows):
        path = tmp_path_factory.mktemp("round") / "t.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b"), *rows])
        expected = [
            [None if v.strip() in ("", "nan", "NaN") else v for v in column] for column in zip(*rows, strict=True)
        ]
        assert list(values(read_table(path, strings=["a", "b"])).values()) == expected

    @given(
        st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=20),
        st.sampled_from([",", ";", "\t"]),
    )
    def test_numbers(self, tmp_path_factory, numbers, delimiter):
        decimal = "," if delimiter == ";" else "."
        text = io.StringIO()
        frame = pd.DataFrame({"row": range(len(numbers)), "x": np.array(numbers, dtype=np.float64)})
        frame.to_csv(text, index=False, sep=delimiter, decimal=decimal, lineterminator="\n")
        path = tmp_path_factory.mktemp("round") / "t.csv"
        path.write_text(text.getvalue())
        x = read_table(path)["x"].to_numpy(dtype=np.float64)
        np.testing.assert_allclose(x, frame["x"], rtol=1e-14)  # the fast parser of pandas 2 is off by some last bits
        assert (np.isnan(x) == frame["x"].isna()).all()

    @given(st.binary(max_size=60))
    def test_any_bytes_are_read_or_refused(self, tmp_path_factory, raw):
        path = tmp_path_factory.mktemp("round") / "t.csv"
        path.write_bytes(raw)
        try:
            frame = read_table(path)
        except AicompError:
            return
        assert len(frame) == len(line_numbers(path))


def test_a_column_has_one_type_however_many_parts_the_file_is_read_in(tmp_path):
    """pandas guesses types for each part of a large file; here the parts would disagree."""
    n = 300_000
    rows = [f"0{i % 10},{i},{i},{'True' if i % 2 else 'False'},," for i in range(n)]
    rows += ["x1,2.5,word,,late,7", "02,3,03,1,later,8"]
    path = tmp_path / "large.csv"
    path.write_text("code,amount,mixed,flag,empty,number\n" + "\n".join(rows) + "\n")
    table = read_table(path)
    assert table["code"].iloc[[0, 11, n, n + 1]].tolist() == ["00", "01", "x1", "02"]
    assert table["amount"].dtype == np.float64
    assert table["amount"].iloc[[1, n]].tolist() == [1.0, 2.5]
    assert table["mixed"].iloc[[0, 12, n, n + 1]].tolist() == ["0", "12", "word", "03"]
    assert table["flag"].iloc[[0, 1, n + 1]].tolist() == ["False", "True", "1"]
    assert table["flag"].isna().sum() == 1
    assert table["empty"].dropna().tolist() == ["late", "later"]
    assert table["number"].iloc[-2:].tolist() == [7, 8]
    assert {type(value) for value in table["mixed"]} == {str}
