import gzip
import hashlib
import json
import stat
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aicomp import archives, raw_data
from aicomp.archives import check_packed, check_whole, unpack, unpack_single
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.raw_data import (
    check_manifest,
    copy_raw_data,
    data_hash,
    manifest_path,
    table_suffix,
    unpacked,
    write_manifest,
)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "train.csv").write_bytes(b"id,y\r\n1,0\r\n")
    (folder / "test.csv").write_bytes(b"id\n2\n")
    return folder


@pytest.fixture
def project(tmp_path, source):
    copy_raw_data(source, ["train.csv", "test.csv"], tmp_path / "project")
    return tmp_path / "project"


def write_zip(path, members, **attributes):
    """A .zip whose members are text, or (text, attributes of its ZipInfo)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in attributes.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return path


# The manifest


def test_files_are_copied_byte_for_byte_and_the_manifest_says_so(project, source):
    assert (project / "data" / "raw" / "train.csv").read_bytes() == (source / "train.csv").read_bytes()
    manifest = json.loads(manifest_path(project).read_text())
    assert manifest["files"][1] == {
        "name": "train.csv",
        "size": 11,
        "sha256": hashlib.sha256(b"id,y\r\n1,0\r\n").hexdigest(),
    }
    check_manifest(project)


def test_a_copy_that_is_cut_short_leaves_no_manifest(project, source, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(raw_data.shutil, "copyfile", full)
    with pytest.raises(AicompError, match="No space left"):
        copy_raw_data(source, ["train.csv"], project)
    with pytest.raises(DataError, match="has no data yet") as e:
        check_manifest(project)
    assert "aicomp init" in e.value.hint
    assert not list((project / "data" / "raw").glob(".*"))


def test_a_missing_or_changed_file_is_named(project):
    path = project / "data" / "raw" / "test.csv"
    path.write_bytes(b"id\n2\n3\n")
    with pytest.raises(DataError, match=r"`data/raw/test.csv` has 7 bytes, the manifest says 5"):
        check_manifest(project)
    path.write_bytes(b"id\n9\n")
    with pytest.raises(DataError, match=r"`data/raw/test.csv` was changed"):
        check_manifest(project)
    path.unlink()
    with pytest.raises(DataError, match=r"`data/raw/test.csv` is missing"):
        check_manifest(project)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"files": [{"name": "train.csv"}]}'])
def test_a_manifest_that_is_none(project, text):
    manifest_path(project).write_text(text)
    with pytest.raises(DataError, match="is no manifest"):
        check_manifest(project)


def test_the_data_hash_follows_names_and_contents(project):
    raw, before = project / "data" / "raw", data_hash(project)
    write_manifest(project)
    assert data_hash(project) == before
    (raw / "test.csv").write_bytes(b"id\n3\n")
    write_manifest(project)
    changed = data_hash(project)
    (raw / "test.csv").rename(raw / "test2.csv")
    write_manifest(project)
    assert len({before, changed, data_hash(project)}) == 3


# Archives


def test_the_tables_images_and_sounds_of_a_zip_are_unpacked_and_removed_again(tmp_path):
    members = [("train.csv", "a"), ("sub/items.csv", "b"), ("images/1.png", "c"), ("__MACOSX/train.csv", "d")]
    members += [("notes.txt", "e"), ("__MACOSX/1.png", "f")]
    with unpacked(write_zip(tmp_path / "data.zip", members)) as folder:
        names = {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}
    assert names == {"train.csv": "a", "sub/items.csv": "b", "images/1.png": "c"}
    assert not folder.exists()


def test_a_folder_that_wraps_all_is_entered(tmp_path):
    path = write_zip(tmp_path / "data.zip", [("titanic/data/train.csv", "a"), ("titanic/data/test.csv", "b")])
    with unpacked(path) as folder:
        assert sorted(p.name for p in folder.iterdir()) == ["test.csv", "train.csv"]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../train.csv", "climbs out of the folder"),
        ("data/../../train.csv", "climbs out of the folder"),
        ("..\\train.csv", "climbs out of the folder"),
        ("images/../../../evil.png", "climbs out of the folder"),
        ("/etc/train.csv", "is an absolute path"),
        ("\\etc\\train.csv", "is an absolute path"),
        ("C:\\train.csv", "is an absolute path"),
    ],
)
def test_a_member_outside_the_folder_refuses_the_archive(tmp_path, name, fault):
    path = write_zip(tmp_path / "data.zip", [("test.csv", "a"), (name, "b")])
    with pytest.raises(DataError) as e, unpacked(path):
        pytest.fail("unpacked")
    assert e.value.message == f"`data.zip` holds `{name}`, which {fault}"
    assert [p.name for p in tmp_path.iterdir()] == ["data.zip"]


@given(st.lists(st.sampled_from(["..", ".", "a", "train.csv", "", "C:", "\\..", "/"]), min_size=1, max_size=6))
def test_no_member_is_ever_written_outside(tmp_path_factory, parts):
    root = tmp_path_factory.mktemp("zip")
    path = write_zip(root / "data.zip", [("/".join(parts) + "/x.csv", "content")])
    before = sorted(root.rglob("*"))
    try:
        with unpacked(path) as folder:
            assert all(p.resolve().is_relative_to(folder.resolve()) for p in folder.rglob("*"))
    except DataError:
        pass
    assert sorted(root.rglob("*")) == before


def test_links_and_devices_are_refused(tmp_path):
    for kind, fault in ((stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "is no plain file")):
        path = write_zip(tmp_path / "data.zip", [("train.csv", "/etc/passwd")], external_attr=(kind | 0o644) << 16)
        with pytest.raises(DataError, match=fault), unpacked(path):
            pytest.fail("unpacked")


def test_a_name_that_comes_twice_is_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = write_zip(tmp_path / "data.zip", [("train.csv", "a"), ("train.csv", "b")])
    with pytest.raises(DataError, match="comes twice"), unpacked(path):
        pytest.fail("unpacked")


def test_an_archive_that_would_fill_the_disk_is_refused(tmp_path, monkeypatch):
    bomb = write_zip(tmp_path / "bomb.zip", [("train.csv", "0" * 20_000_000)])
    with pytest.raises(DataError, match=r"`train.csv`, which unpacks from [\d,]+ to 20,000,000 bytes"), unpacked(bomb):
        pytest.fail("unpacked")
    monkeypatch.setattr(archives, "MAX_BYTES", 10)
    large = write_zip(tmp_path / "large.zip", [("train.csv", "1234567"), ("test.csv", "12345")])
    with (
        pytest.raises(DataError, match=r"`test.csv`, which brings the archive to 12 bytes, more than 10"),
        unpacked(large),
    ):
        pytest.fail("unpacked")


def test_a_packed_table_is_held_to_the_same_limits(tmp_path):
    content = b"0" * 20_000_000
    check_packed(_written(tmp_path / "plain.csv", content))
    bomb = write_zip(tmp_path / "train.csv.zip", [("train.csv", content)])
    with pytest.raises(DataError, match="200 times"):
        check_packed(bomb)
    with pytest.raises(DataError, match=r"`train.csv.gz` unpacks to more than 10,485,760 bytes"):
        check_packed(_written(tmp_path / "train.csv.gz", gzip.compress(content)))
    with pytest.raises(DataError, match="cannot be unpacked as gzip"):
        check_packed(_written(tmp_path / "cut.csv.gz", gzip.compress(b"id\n1\n")[:-4]))
    check_packed(_written(tmp_path / "good.csv.gz", gzip.compress(b"id\n1\n")))


def test_all_kinds_of_members_are_unpacked_where_they_are_wanted(tmp_path):
    path = write_zip(tmp_path / "data.zip", [("a/1.png", "png"), ("b.csv", "b"), ("empty/", "")])
    unpack(path, tmp_path / "some", lambda place: place.suffix == ".png")
    unpack(path, tmp_path / "all", lambda place: True)
    assert [p.name for p in (tmp_path / "some").rglob("*") if p.is_file()] == ["1.png"]
    assert (tmp_path / "all" / "a" / "1.png").read_text() == "png"
    assert (tmp_path / "all" / "b.csv").read_text() == "b"


def test_a_zip_that_wraps_one_file(tmp_path):
    target = tmp_path / "train.csv"
    unpack_single(write_zip(tmp_path / "a.zip", [("other.csv", "a")]), "train.csv", target)
    assert target.read_text() == "a"
    members = [("x/train.csv", "b"), ("notes.txt", "c"), ("__MACOSX/train.csv", "d")]
    unpack_single(write_zip(tmp_path / "b.zip", members), "train.csv", target)
    assert target.read_text() == "b"
    with pytest.raises(DataError, match=r"`c.zip` should hold `train.csv` and holds 2 files"):
        unpack_single(write_zip(tmp_path / "c.zip", [("1", "a"), ("2", "b")]), "train.csv", target)


def test_a_zip_is_read_to_its_end_without_unpacking(tmp_path):
    whole = write_zip(tmp_path / "a.zip", [("train.csv", "id\n1\n"), ("1.png", "png")])
    check_whole(whole)
    raw = whole.read_bytes()
    with pytest.raises(archives.BrokenArchiveError, match="cannot be unpacked as zip"):
        check_whole(_written(tmp_path / "b.zip", raw[:40] + bytes([raw[40] ^ 255]) + raw[41:]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "b.zip"]


def test_more_files_than_an_archive_may_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 1)
    with pytest.raises(DataError, match="holds more than 1 files"):
        check_whole(write_zip(tmp_path / "a.zip", [("1", "a"), ("2", "b")]))


def _written(path, content):
    path.write_bytes(content)
    return path


def test_a_zip_that_is_broken_or_none(tmp_path):
    whole = write_zip(tmp_path / "data.zip", [("train.csv", "id\n1\n")]).read_bytes()
    broken = [_written(tmp_path / "a.zip", b"<html>"), _written(tmp_path / "b.zip", whole[: len(whole) // 2])]
    # A byte of the content is another one: the checksum tells.
    broken.append(_written(tmp_path / "c.zip", whole[:40] + bytes([whole[40] ^ 255]) + whole[41:]))
    for path in broken:
        with pytest.raises(DataError, match=f"`{path.name}` cannot be unpacked as zip"), unpacked(path):
            pytest.fail("unpacked")
    with (
        pytest.raises(UsageError, match=r"neither a folder nor a .zip"),
        unpacked(_written(tmp_path / "x.csv", b"id\n")),
    ):
        pytest.fail("unpacked")


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("train.csv", ".csv"), ("TRAIN.CSV", ".csv"), ("a.b.csv.gz", ".csv.gz"), (".csv", None), ("train.txt", None)],
)
def test_suffixes_of_tables(name, suffix):
    assert table_suffix(name) == suffix
