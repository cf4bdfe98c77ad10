"""Each template as its user meets it: scaffolded on real data, trained briefly, its submission valid."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aicomp.cli.main import main
from aicomp.resources import bundled, bundled_names

ROOT = Path(__file__).parent.parent
TEMPLATES = bundled_names("templates")


def run(folder, *command):
    """Run a program in a project; user modules named `train` or `model` stay out of this process."""
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def aicomp(folder, *arguments):
    return json.loads(run(folder, "-m", "aicomp", *arguments, "--json"))


def scaffold(tmp_path, template, competition):
    folder = tmp_path / "project"
    assert main(["init", competition, "--template", template, "--into", str(folder), "--json"]) == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("competition", ["iris", "diabetes"])
def test_it_trains_on_real_data_and_its_submission_is_valid(tmp_path, template, competition):
    folder = scaffold(tmp_path, template, competition)
    run_ = aicomp(folder, "train", "--set", "training.epochs=3", "--set", "split.n_splits=3")
    assert len(run_["folds"]) == 3
    submission = aicomp(folder, "submit", "--dry-run")
    assert submission["status"] == "valid"
    assert submission["run"] == run_["run"]


@pytest.mark.slow
def test_the_tabular_script_trains_as_the_command_does(tmp_path):
    folder = scaffold(tmp_path, "tabular", "iris")
    settings = (folder / "aicomp.toml").read_text()
    (folder / "aicomp.toml").write_text(settings.replace('epochs = "auto"', "epochs = 2"))
    said = run(folder, "train.py")
    again = aicomp(folder, "train", "--fresh")
    for score in again["folds"]:
        assert f"{score:.5f}" in said
    assert f"{again['pooled']:.5f}" in said


@pytest.mark.slow
def test_the_tabular_templates_own_model_and_the_metric_of_its_readme_work(tmp_path):
    folder = scaffold(tmp_path, "tabular", "diabetes")
    readme = (folder / "README.md").read_text()
    [metric] = [block for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "Metric(" in block]
    (folder / "metric.py").write_text(metric)
    contract = (folder / "competition.toml").read_text()
    (folder / "competition.toml").write_text(contract.replace('metric = "rmse"', 'metric = "metric:my_score"'))
    trained = aicomp(folder, "train", "--set", 'model.name="model:build_model"', "--set", "training.epochs=5",
                     "--set", "model.params.d_block=16")  # fmt: skip
    assert trained["metric"] == "within_ten_percent"
    assert 0 < trained["mean"] < 1
    wrong = [
        sys.executable,
        "-m",
        "aicomp",
        "train",
        "--set",
        'model.name="model:build_model"',
        "--set",
        "model.params.d=1",
    ]
    done = subprocess.run(wrong, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "model.params.d_block" in done.stderr


@pytest.mark.parametrize("template", TEMPLATES)
def test_its_code_is_typed_and_passes_the_linter_as_it_stands(template):
    folder = bundled("templates") / template
    python = sorted(str(p) for p in folder.glob("*.py"))
    assert python
    cache = f"--cache-dir={ROOT / '.mypy_cache'}"  # by default it would lie in the template
    run(folder, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml"), cache, *python)
    run(folder, "-m", "ruff", "check", *python)
    run(folder, "-m", "ruff", "format", "--check", *python)


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_file_is_a_page_or_so(template):
    for path in (bundled("templates") / template).glob("*.py"):
        assert len(path.read_text().splitlines()) <= 110, path.name
