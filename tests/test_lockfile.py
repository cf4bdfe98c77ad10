"""`lock.txt`: what is installed, in a form that pip reads."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from aicomp import lockfile
from aicomp.lockfile import lock_text, parse_lock, read_lock


def add_package(folder: Path, name: str, version: str, origin: dict[str, object] | None = None) -> None:
    place = folder / f"{name}-{version}.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if origin is not None:
        (place / "direct_url.json").write_text(json.dumps(origin))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages, before all others on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(lockfile, "lock_text", lock_text.__wrapped__)
    return tmp_path


def test_every_line_is_a_requirement_that_is_met_here():
    lines = [line for line in lock_text().splitlines() if not line.startswith("#")]
    names = [Requirement(line.partition("#")[0]).name for line in lines]
    assert names == sorted(names)
    assert f"numpy=={np.__version__}" in lines
    assert lock_text().splitlines()[0] == f"# python {sys.version.split()[0]}"


def test_names_are_normalized_and_builds_stand_behind(site: Path):
    add_package(site, "Zz_Some.Thing", "1.2+cpu")
    text = lockfile.lock_text()
    assert "\nzz-some-thing==1.2  # build cpu\n" in text
    assert parse_lock(text)["zz-some-thing"] == "1.2+cpu"


def test_what_no_index_has_is_a_comment_without_its_place(site: Path):
    add_package(site, "zz-mine", "0.1", {"url": "file:///home/somebody/secret", "dir_info": {"editable": True}})
    add_package(site, "zz-vcs", "0.2", {"url": "https://sesame@example.org/x", "vcs_info": {"vcs": "git"}})
    add_package(site, "zz-wheel", "0.3", {"url": "file:///x.whl", "archive_info": {}})
    text = lockfile.lock_text()
    assert "\n# zz-mine==0.1  # from a folder\n" in text
    assert "\n# zz-vcs==0.2  # from a repository\n" in text
    assert "\n# zz-wheel==0.3  # from a file\n" in text
    assert "somebody" not in text
    assert "sesame" not in text
    assert parse_lock(text)["zz-mine"] == "0.1"


def test_of_two_versions_the_imported_one_counts(site: Path):
    add_package(site, "numpy", "0.0.1")
    assert parse_lock(lockfile.lock_text())["numpy"] == "0.0.1"


@pytest.mark.slow
def test_pip_takes_it(tmp_path: Path):
    path = tmp_path / "lock.txt"
    path.write_text(lock_text())
    assert read_lock(path) == parse_lock(lock_text())
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--no-index", "-r", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
