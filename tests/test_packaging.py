"""The wheel holds what is tracked, and finds its templates and competitions wherever it is installed."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from aicomp.resources import bundled, bundled_names

ROOT = Path(__file__).parent.parent
PLACE = {"src/aicomp": "aicomp", "templates": "aicomp/_data/templates", "competitions": "aicomp/_data/competitions"}
PAGES = {"docs/agents.md": "aicomp/_data/docs/agents.md"}

pytestmark = pytest.mark.slow


def tracked_files():
    """Files that git tracks, or would track if they were added: what a commit of this tree holds."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted({name for name in listed if name and (ROOT / name).is_file()})


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the tracked files, as a fresh clone would have them, with a stray cache that must not be shipped."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in tracked_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    stray = folder / "templates" / "tabular" / "__pycache__" / "model.cpython-311.pyc"
    stray.parent.mkdir()
    stray.write_bytes(b"stray")
    return folder


def build(folder, out, *arguments):
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), *arguments, str(folder)]
    subprocess.run(command, capture_output=True, text=True, check=True)
    [wheel] = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module", params=["straight", "through the sdist"])
def wheel(request, checkout, tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    return build(checkout, out, *(["--wheel"] if request.param == "straight" else []))


def test_the_wheel_holds_the_tracked_files(wheel):
    expected = set(PAGES.values())
    for name in tracked_files():
        for source, target in PLACE.items():
            if name.startswith(f"{source}/"):
                expected.add(f"{target}/{name.removeprefix(source + '/')}")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        licenses = [name for name in archive.namelist() if name.endswith("LICENSE")]
    assert held == expected
    assert "aicomp/py.typed" in held
    assert len(licenses) == 1


def test_an_installed_wheel_finds_its_data_and_makes_a_project(wheel, tmp_path):
    installed = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    code = (
        "import json, sys\nfrom aicomp import __file__ as place\nfrom aicomp.resources import bundled, bundled_names\n"
        "from aicomp.cli.main import main\n"
        "assert main(['init', 'iris']) == 0\n"
        "assert main(['guide']) == main(['guide', 'train']) == 0\n"
        "names = [bundled_names(kind) for kind in ('templates', 'competitions')]\n"
        "print(json.dumps([place, str(bundled('templates')), *names]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    place, templates, template_names, competition_names = json.loads(done.stdout.splitlines()[-1])
    assert place.startswith(str(installed))
    assert Path(templates) == installed / "aicomp" / "_data" / "templates"
    assert template_names == bundled_names("templates")
    assert competition_names == bundled_names("competitions")
    assert (tmp_path / "iris" / "data" / "manifest.json").is_file()
    assert not list((tmp_path / "iris").rglob("__pycache__"))


def test_a_checkout_finds_its_data():
    assert bundled("templates") == ROOT / "templates"
    assert bundled("competitions") == ROOT / "competitions"
    assert {"tabular", "first-network"} <= set(bundled_names("templates"))
