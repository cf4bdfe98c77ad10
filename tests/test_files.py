import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from aicomp.errors import AicompError, DataError
from aicomp.files import atomic_write, partial_file, writing
from aicomp.processes import process_mark

HINT = "free some space, or correct the permissions"


def contents(folder):
    return {p.name: p.read_text() for p in folder.iterdir()}


class TestAtomicWrite:
    def test_text_is_utf_8_and_folders_are_made(self, tmp_path):
        path = tmp_path / "a" / "b" / "größe.txt"
        atomic_write(path, "größe\n")
        assert path.read_bytes() == b"gr\xc3\xb6\xc3\x9fe\n"
        assert [*path.parent.iterdir()] == [path]

    def test_bytes_stay_as_they_are(self, tmp_path):
        atomic_write(tmp_path / "raw", b"\xff\x00\r\n")
        assert (tmp_path / "raw").read_bytes() == b"\xff\x00\r\n"

    def test_line_ends_stay_as_they_are(self, tmp_path):
        atomic_write(tmp_path / "lines", "a\r\nb\n")
        assert (tmp_path / "lines").read_bytes() == b"a\r\nb\n"

    def test_a_shorter_file_replaces_a_longer_one_whole(self, tmp_path):
        atomic_write(tmp_path / "run.json", "long " * 1000)
        atomic_write(tmp_path / "run.json", "short")
        assert contents(tmp_path) == {"run.json": "short"}

    def test_a_reader_that_has_the_old_file_open_keeps_it(self, tmp_path):
        path = tmp_path / "run.json"
        atomic_write(path, "old")
        with path.open() as reader:
            atomic_write(path, "new")
            assert reader.read() == "old"
        assert path.read_text() == "new"

    def test_a_file_where_the_folder_should_be_is_named(self, tmp_path):
        (tmp_path / "runs").write_text("not a folder")
        path = tmp_path / "runs" / "run.json"
        with pytest.raises(AicompError) as caught:
            atomic_write(path, "{}")
        assert caught.value.message.startswith(f"cannot write `{path}`: ")
        assert caught.value.message.removeprefix(f"cannot write `{path}`: ") in ("Not a directory", "File exists")
        assert caught.value.hint == HINT
        assert contents(tmp_path) == {"runs": "not a folder"}

    def test_a_folder_where_the_file_should_be_is_named_and_no_temporary_file_is_left(self, tmp_path):
        (tmp_path / "run.json").mkdir()
        with pytest.raises(AicompError) as caught:
            atomic_write(tmp_path / "run.json", "{}")
        assert caught.value.message == f"cannot write `{tmp_path / 'run.json'}`: Is a directory"
        assert [p.name for p in tmp_path.iterdir()] == ["run.json"]

    def test_a_failing_rename_leaves_what_was_there(self, tmp_path, monkeypatch):
        path = tmp_path / "run.json"
        atomic_write(path, "old")

        def fail(self, target):
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(Path, "replace", fail)
        with pytest.raises(AicompError, match="Input/output error"):
            atomic_write(path, "new")
        assert contents(tmp_path) == {"run.json": "old"}

    def test_it_is_on_the_disk_before_it_has_its_name(self, tmp_path, monkeypatch):
        path, events = tmp_path / "run.json", []
        fsync, replace = os.fsync, Path.replace

        def note_fsync(descriptor):
            events.append(("fsync", path.exists()))
            fsync(descriptor)

        def note_replace(self, target):
            events.append(("replace", path.exists()))
            return replace(self, target)

        monkeypatch.setattr(os, "fsync", note_fsync)
        monkeypatch.setattr(Path, "replace", note_replace)
        atomic_write(path, "whole")
        flushed = [("fsync", True)] if os.name == "posix" else []  # the folder, with the new name in it
        assert events == [("fsync", False), ("replace", False), *flushed]
        assert path.read_text() == "whole"

    def test_what_a_killed_process_left_goes_when_the_file_is_written_next(self, tmp_path):
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        mark = process_mark()
        left = tmp_path / f".run.json.{mark.rpartition('.')[0]}.{gone.pid}.1.part"
        others = [
            tmp_path / f".run.json.{mark}.1.part",  # of a thread of this process
            tmp_path / f".run.json.another-machine.{gone.pid}.1.part",
            tmp_path / f".another.json.{mark.rpartition('.')[0]}.{gone.pid}.1.part",
            tmp_path / ".run.json.part",
        ]
        for path in (left, *others):
            path.touch()
        atomic_write(tmp_path / "run.json", "whole")
        assert not left.exists()
        assert all(path.exists() for path in others)

    def test_a_process_killed_while_writing_leaves_the_old_file(self, tmp_path):
        path = tmp_path / "run.json"
        path.write_text("old")
        code = (
            "import os, sys; from pathlib import Path; from aicomp.files import partial_file\n"
            "with partial_file(Path(sys.argv[1])) as temporary:\n"
            "    temporary.write_text('half of it')\n"
            "    os.kill(os.getpid(), 9)\n"
        )
        done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
        assert done.returncode == -9
        assert path.read_text() == "old"
        atomic_write(path, "new")
        assert path.read_text() == "new"


class TestPartialFile:
    def test_the_name_appears_when_the_block_has_ended(self, tmp_path):
        path = tmp_path / "oof.csv"
        with partial_file(path) as temporary:
            assert temporary.parent == tmp_path, "a rename from another disk would not be atomic"
            temporary.write_text("id,target\n")
            assert not path.exists()
        assert contents(tmp_path) == {"oof.csv": "id,target\n"}

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("bad row"), DataError("bad row")])
    def test_an_interrupted_block_leaves_nothing_and_its_error_passes(self, tmp_path, error):
        (tmp_path / "oof.csv").write_text("old")

        def write_half():
            with partial_file(tmp_path / "oof.csv") as temporary:
                temporary.write_text("half")
                raise error

        with pytest.raises(type(error)) as caught:
            write_half()
        assert caught.value is error
        assert contents(tmp_path) == {"oof.csv": "old"}

    def test_a_block_that_writes_nothing_is_an_error(self, tmp_path):
        with pytest.raises(AicompError, match="No such file"), partial_file(tmp_path / "oof.csv"):
            pass
        assert contents(tmp_path) == {}

    def test_a_system_that_takes_only_half_of_the_file(self, tmp_path):
        resource = pytest.importorskip("resource")
        path = tmp_path / "oof.csv"
        path.write_text("old")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
        try:
            with pytest.raises(AicompError) as caught:
                atomic_write(path, "x" * 10_000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert caught.value.message == f"cannot write `{path}`: File too large"
        assert caught.value.hint == HINT
        assert caught.value.exit_code == 1
        assert isinstance(caught.value.__cause__, OSError)
        assert contents(tmp_path) == {"oof.csv": "old"}

    def test_tensors_are_written_whole(self, tmp_path):
        path = tmp_path / "new" / "weights.safetensors"
        with partial_file(path) as temporary:
            save_file({"w": np.arange(3.0)}, temporary)
        assert load_file(path)["w"].tolist() == [0, 1, 2]
        assert [*path.parent.iterdir()] == [path]


class TestWriting:
    def test_an_error_of_safetensors_is_one_of_writing(self, tmp_path):
        path = tmp_path / "absent" / "weights.safetensors"
        with pytest.raises(AicompError) as caught, writing(path):
            save_file({"w": np.zeros(2)}, path)
        assert type(caught.value) is AicompError
        assert type(caught.value.__cause__).__name__ == "SafetensorError"
        assert caught.value.message.startswith(f"cannot write `{path}`: ")
        assert "No such file" in caught.value.message
        assert caught.value.hint == HINT

    def test_an_error_without_a_reason_of_the_system_is_shown_as_it_is(self, tmp_path):
        with (
            pytest.raises(AicompError, match=r"cannot write `.*x`: a picture cannot be larger"),
            writing(tmp_path / "x"),
        ):
            raise OSError("a picture cannot be larger")

    def test_other_errors_pass(self, tmp_path):
        with pytest.raises(KeyError), writing(tmp_path / "x"):
            raise KeyError("mine")
