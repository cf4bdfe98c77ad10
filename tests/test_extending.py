"""docs/extending.md is run from top to bottom, and the plugin package beside it is built, installed and used."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
PLUGIN = ROOT / "docs" / "plugin"


def blocks():
    """Language and text of each code block, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def environment(*sites):
    paths = [str(ROOT / "src"), *map(str, sites)]
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(paths), "NO_COLOR": "1"}


def aicomp(folder, site, *words):
    """The program's JSON, with the plugin installed in `site`."""
    done = subprocess.run(
        [sys.executable, "-m", "aicomp", *words, "--json"],
        cwd=folder, env=environment(site), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_page_runs_from_top_to_bottom(tmp_path):
    ran = []
    for language, text in blocks():
        if language == "python":
            name = re.match(r"# (\S+)\n", text)
            assert name is not None, text
            (tmp_path / name[1]).write_text(text.split("\n", 1)[1])
        elif language == "bash":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text],
                cwd=tmp_path, env=environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            ran.append(done)
        else:
            assert language == "toml"
    assert "worst_recall" in ran[1].stdout
    assert "no problem found" in ran[4].stdout
    assert len(list((tmp_path / "iris" / "runs").glob("*/DONE"))) == 3
    assert (tmp_path / "rectangles" / "aicomp.toml").is_file()
    assert not (tmp_path / "rectangles" / "data" / "raw" / "solution.csv").exists()


def test_its_entry_points_are_those_of_the_plugin():
    [toml] = [text for language, text in blocks() if language == "toml"]
    assert toml in (PLUGIN / "pyproject.toml").read_text(encoding="utf-8")


def test_its_metric_and_splitter_are_those_of_the_plugin():
    """The page shows the same functions."""
    shown = "\n".join(text for language, text in blocks() if language == "python")
    for name, function in (("metric", "worst_recall"), ("splitter", "blocks")):
        text = (PLUGIN / "src" / "aicomp_example" / f"{name}.py").read_text(encoding="utf-8")
        own = re.search(rf"^def {function}\(.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
        last = own[0].strip().splitlines()[-1]
        assert last in shown


def test_every_link_leads_to_a_file():
    for page in (ROOT / "docs" / "extending.md", PLUGIN / "README.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).is_file(), link


@pytest.mark.slow
def test_the_plugin_is_built_installed_and_used(tmp_path):
    source, site = tmp_path / "plugin", tmp_path / "site"
    shutil.copytree(PLUGIN, source, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", str(site), str(source)], capture_output=True, text=True, check=True)
    names = {"metrics": "worst_recall", "models": "centroids", "splitters": "blocks", "templates": "centroids",
             "competitions": "shapes"}  # fmt: skip
    for kind, name in names.items():
        found = {item["name"]: item for item in aicomp(tmp_path, site, "list", kind)["items"] if item["plugin"]}
        assert found[name]["plugin"] == "aicomp-example"
        assert found[name]["description"]
        assert "cannot be loaded" not in found[name]["description"]
    assert aicomp(tmp_path, site, "init", "shapes")["competition"]["template"] == "centroids"
    project = tmp_path / "shapes"
    run = aicomp(project, site, "train")
    assert run["metric"] == "accuracy"
    assert run["mean"] > 0.7  # the most frequent shape alone reaches 0.5
    assert aicomp(project, site, "submit", "--yes")["score"] > 0.7
    submission = next((project / "submissions").glob("*.csv"))
    scored = aicomp(project, site, "score", "shapes", str(submission), "--metric", "worst_recall")
    assert scored["metric"] == "worst_recall"
    assert 0 < scored["score"] < run["mean"]
