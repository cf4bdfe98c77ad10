"""docs/security.md: an archive changes nothing outside the folder that it is unpacked to, and fills no disk."""

import gzip
import hashlib
import io
import stat
import struct
import tarfile
import zipfile

import pytest
from synthetic import write_folder

from aicomp import archives
from aicomp.archives import unpack, unpack_tar
from aicomp.cli.main import main
from aicomp.data.source import read_bytes
from aicomp.errors import AicompError, DataError
from aicomp.scaffold import create_simulation

ZEROS = b"0" * 20_000_000


def member(name, content=b"x", kind=0, *, flags=0):
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    info.orig_filename = name
    info.external_attr = (kind | 0o644) << 16
    info.flag_bits |= flags
    info.compress_type = zipfile.ZIP_DEFLATED
    return info, content


HOSTILE = {
    "climbs": member("../evil.csv"),
    "climbs inside": member("a/../../evil.csv"),
    "climbs as on Windows": member("..\\evil.csv"),
    "absolute": member("/tmp/evil.csv"),
    "a drive": member("C:\\evil.csv"),
    "a drive without a slash": member("C:evil.csv"),
    "a share of Windows": member("\\\\server\\share\\evil.csv"),
    "a link": member("evil.csv", b"/etc/passwd", stat.S_IFLNK),
    "a pipe": member("evil.csv", b"", stat.S_IFIFO),
    "a device": member("evil.csv", b"", stat.S_IFCHR),
    "a socket": member("evil.csv", b"", stat.S_IFSOCK),
    "a bomb": member("evil.csv", ZEROS),
    "an escape": member("evil\x1b[31m.csv"),
    "a line break": member("evil\n.csv"),
    "text from right to left": member("evil\u202evsc.exe.csv"),
}


def write_zip(path, members, folder=None):
    with zipfile.ZipFile(path, "w") as opened:
        for file in sorted(folder.iterdir()) if folder is not None else ():
            opened.write(file, file.name)
        for info, content in members:
            opened.writestr(info, content)
    return path


def tree(root):
    """All that lies below a folder, with the content of files."""
    return {
        str(p): hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() and not p.is_symlink() else p.lstat().st_mode
        for p in root.rglob("*")
    }


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_zip_leaves_nothing(tmp_path, monkeypatch, capsys, kind):
    """By the program, from a good competition with one hostile member more, named first or last."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    good = write_folder(tmp_path / "good")
    archive = write_zip(tmp_path / "shop.zip", [HOSTILE[kind]], good)
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path)
    assert main(["init", "shop.zip", "--metric", "roc_auc", "--into", "made"]) == 3
    said = capsys.readouterr().err
    assert "`shop.zip` holds `" in said
    assert "nothing was unpacked" in said
    assert tree(tmp_path) == before
    with pytest.raises(DataError):
        unpack(archive, tmp_path / "made", lambda place: True)
    assert tree(tmp_path) == before


def test_a_name_that_ends_at_a_nul_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", [member("evil.csvX.png")])
    path.write_bytes(path.read_bytes().replace(b"evil.csvX.png", b"evil.csv\0.png"))
    with pytest.raises(DataError, match="climbs out of the folder"):
        unpack(path, tmp_path / "out", lambda place: True)
    assert not (tmp_path / "out").exists()


def test_encrypted_members_are_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", [member("train.csv", b"id\n1\n")])
    raw = bytearray(path.read_bytes())
    for start, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = raw.index(start) + offset
        raw[place : place + 2] = struct.pack("<H", struct.unpack("<H", raw[place : place + 2])[0] | 1)
    path.write_bytes(bytes(raw))
    with pytest.raises(DataError, match="which is encrypted"):
        unpack(path, tmp_path / "out", lambda place: True)
    assert not (tmp_path / "out").exists()


def test_a_member_that_is_larger_than_it_says_is_refused(tmp_path):
    """A bomb that lies about its size: no more than it says is unpacked, and the checksum tells."""
    path = write_zip(tmp_path / "a.zip", [member("train.csv", ZEROS)])
    raw = bytearray(path.read_bytes())
    for start, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = raw.index(start) + offset
        raw[place : place + 4] = struct.pack("<I", 1000)
    path.write_bytes(bytes(raw))
    with pytest.raises(DataError, match="cannot be unpacked as zip"):
        unpack(path, tmp_path / "out", lambda place: True)
    assert sum(p.stat().st_size for p in (tmp_path / "out").rglob("*")) <= 1000


def test_too_many_members_or_bytes_are_refused(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "a.zip", [member("1.csv"), member("2.csv"), member("3.csv")])
    monkeypatch.setattr(archives, "MAX_BYTES", 2)
    with pytest.raises(DataError, match="brings the archive to 3 bytes, more than 2"):
        unpack(path, tmp_path / "out", lambda place: True)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    with pytest.raises(DataError, match="holds more than 2 files"):
        unpack(path, tmp_path / "out", lambda place: True)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_also_a_folder_is_an_error(tmp_path):
    path = write_zip(tmp_path / "a.zip", [member("train.csv"), member("train.csv/test.csv")])
    with pytest.raises(AicompError, match="cannot write"):
        unpack(path, tmp_path / "out", lambda place: True)


def test_packed_tables_are_held_to_the_same_limits_when_they_are_read(tmp_path):
    packed = tmp_path / "train.csv.gz"
    packed.write_bytes(gzip.compress(ZEROS))
    with pytest.raises(DataError, match=r"`train.csv.gz` unpacks to more than 10,485,760 bytes"):
        read_bytes(packed)
    with pytest.raises(DataError, match="more than 200 times its size"):
        read_bytes(write_zip(tmp_path / "train.csv.zip", [member("train.csv", ZEROS)]))
    with pytest.raises(DataError, match="climbs out of the folder"):
        read_bytes(write_zip(tmp_path / "test.csv.zip", [member("../train.csv", b"id\n1\n")]))
    packed.write_bytes(gzip.compress(b"id\n1\n"))
    assert read_bytes(packed) == b"id\n1\n"


def tar_member(name, kind=tarfile.REGTYPE, link="", size=1):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size if kind == tarfile.REGTYPE else 0
    return info


HOSTILE_TAR = {
    "climbs": [tar_member("../evil.py")],
    "absolute": [tar_member("/tmp/evil.py")],
    "a link": [tar_member("evil.py", tarfile.SYMTYPE, "/etc/passwd")],
    "a hard link": [tar_member("evil.py", tarfile.LNKTYPE, "main.py")],
    "a link, then a file behind it": [tar_member("up", tarfile.SYMTYPE, ".."), tar_member("up/evil.py")],
    "a device": [tar_member("evil", tarfile.CHRTYPE)],
    "a block device": [tar_member("evil", tarfile.BLKTYPE)],
    "a pipe": [tar_member("evil", tarfile.FIFOTYPE)],
    "a bomb": [tar_member("evil.bin", size=3_000_000)],
}


def write_tar(path, members):
    with tarfile.open(path, "w:gz") as opened:
        for info in [tar_member("main.py"), *members]:
            opened.addfile(info, io.BytesIO(b"#" * info.size))
    return path


@pytest.mark.parametrize("kind", HOSTILE_TAR)
def test_a_hostile_tar_leaves_nothing(tmp_path, kind):
    path = write_tar(tmp_path / "agent.tar.gz", HOSTILE_TAR[kind])
    before = tree(tmp_path)
    with pytest.raises(DataError, match=r"`agent\.tar\.gz` holds `"):
        unpack_tar(path, tmp_path / "out", 2_000_000)
    assert tree(tmp_path) == before


def test_a_good_tar_is_unpacked_and_a_broken_one_refused(tmp_path, monkeypatch):
    path = write_tar(tmp_path / "agent.tar.gz", [tar_member("parts/policy.py")])
    unpack_tar(path, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").rglob("*")) == ["main.py", "parts", "policy.py"]
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="cannot be unpacked as tar"):
        unpack_tar(path, tmp_path / "other")
    monkeypatch.setattr(archives, "MAX_MEMBERS", 1)
    with pytest.raises(DataError, match="is one of more than 1 files"):
        unpack_tar(write_tar(tmp_path / "many.tar.gz", [tar_member("2.py")]), tmp_path / "more")


def test_a_submission_that_is_a_hostile_tar_is_refused_before_it_is_played(tmp_path, monkeypatch, capsys):
    pytest.importorskip("gymnasium")
    project = tmp_path / "corridor"
    create_simulation("corridor", project, "CartPole-v1", "mean_return", "local")
    path = write_tar(tmp_path / "agent.tar.gz", HOSTILE_TAR["climbs"])
    monkeypatch.chdir(project)
    before = tree(tmp_path)
    assert main(["submit", "--file", str(path), "--dry-run"]) == 3
    assert "which climbs out of the folder" in capsys.readouterr().err
    assert not (tmp_path / "evil.py").exists()
    assert set(before) <= set(tree(tmp_path))
