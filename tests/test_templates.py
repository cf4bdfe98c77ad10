"""Each template as its user meets it: scaffolded on real data, trained briefly, its submission valid."""

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from box_cases import write_boxes_competition
from media_cases import write_competition
from series_cases import a_panel, write_panel

from aicomp.cli.main import main
from aicomp.resources import bundled, bundled_names

ROOT = Path(__file__).parent.parent
TEMPLATES = bundled_names("templates")
ON_TABLES = ("first-network", "tabular")


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
@pytest.mark.parametrize("template", ON_TABLES)
@pytest.mark.parametrize("competition", ["iris", "diabetes"])
def test_it_trains_on_real_data_and_its_submission_is_valid(tmp_path, template, competition):
    folder = scaffold(tmp_path, template, competition)
    run_ = aicomp(folder, "train", "--set", "training.epochs=3", "--set", "split.n_splits=3")
    assert len(run_["folds"]) == 3
    submission = aicomp(folder, "submit", "--dry-run")
    assert submission["status"] == "valid"
    assert submission["run"] == run_["run"]


def write_docstrings(folder):
    """Real texts that are here anyway: which of two libraries a function's documentation is from."""
    rows = [
        (name, library.__name__, " ".join((inspect.getdoc(getattr(module, name)) or "").split()[:40]))
        for library, module in ((np, np), (pd, pd.DataFrame))
        for name in dir(module)
        if not name.startswith("_") and callable(getattr(module, name))
    ]
    table = pd.DataFrame(rows, columns=["name", "library", "says"]).drop(columns="name")
    table = table[table["says"].str.len() > 20].drop_duplicates("says").sample(frac=1, random_state=0)
    table.insert(0, "id", range(len(table)))
    folder.mkdir()
    n_train = int(0.7 * len(table))
    table[:n_train].to_csv(folder / "train.csv", index=False)
    table[n_train:].drop(columns="library").to_csv(folder / "test.csv", index=False)
    table[n_train:][["id"]].assign(library="numpy").to_csv(folder / "sample_submission.csv", index=False)


@pytest.mark.slow
def test_the_text_template_is_chosen_for_texts_and_its_models_learn_them(tmp_path, capsys):
    write_docstrings(tmp_path / "docstrings")
    folder = tmp_path / "project"
    assert main(["init", str(tmp_path / "docstrings"), "--metric", "f1", "--into", str(folder), "--json"]) == 0
    created = json.loads(capsys.readouterr().out)
    assert created["competition"]["template"] == "text"
    [found] = [finding for finding in created["findings"] if finding["what"] == "template"]
    assert found["because"].startswith("`says` holds sentences, beside no other column")
    own = [
        "model.name=model:build_model",
        "training.epochs=6",
        "training.learning_rate=0.003",
        "training.batch_size=32",
    ]
    for settings in ([], own):
        trained = aicomp(folder, "train", *(part for entry in settings for part in ("--set", entry)))
        assert trained["mean"] > 0.8
        assert aicomp(folder, "submit", "--dry-run")["status"] == "valid"
    assert "f1 of all out-of-fold predictions" in run(folder, "train.py")


QUICK_AGENT = (
    "workers=0", "training.seeds=1", "training.steps=8192", "training.evaluations=2", "evaluation.episodes=4",
    "evaluation.selection=2",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("competition", ["cartpole", "lane-keeping"])
def test_the_simulation_template_trains_an_agent_and_its_submission_plays(tmp_path, competition):
    folder = scaffold(tmp_path, "simulation", competition)
    trained = aicomp(folder, "train", *(part for entry in QUICK_AGENT for part in ("--set", entry)))
    assert trained["evaluation"]["episodes"] == 4
    assert (folder / "runs" / trained["run"] / "episode.gif").stat().st_size > 1000
    submission = aicomp(folder, "submit", "--dry-run")
    assert (submission["status"], submission["run"]) == ("valid", trained["run"])


@pytest.mark.slow
def test_the_driver_by_rules_is_tuned_on_roads_of_training_and_stays_on_the_road(tmp_path):
    folder = scaffold(tmp_path, "simulation", "lane-keeping")
    grid = {"aside": (0.02,), "angle": (0.6,), "sideways": (3.0, 6.0), "braking": (6.0,), "early": (0.5,)}
    code = (folder / "baseline.py").read_text()
    (folder / "baseline.py").write_text(re.sub(r"GRID = \{.*?\n\}", f"GRID = {grid}", code, flags=re.DOTALL))
    quick = (*QUICK_AGENT[:1], "model.name=baseline:make_driver", *QUICK_AGENT[4:])
    trained = aicomp(folder, "train", *(part for entry in quick for part in ("--set", entry)))
    assert trained["evaluation"]["mean"] > 35  # 30 s at 12 metres a second
    [listed] = aicomp(folder, "runs")["runs"]
    assert listed["model"] == "baseline:make_driver"


@pytest.mark.slow
def test_the_forecast_template_is_chosen_for_series_and_its_models_beat_the_season_before(tmp_path, capsys):
    hidden = write_panel(tmp_path / "sales", a_panel(60))
    folder = tmp_path / "project"
    assert main(["init", str(tmp_path / "sales"), "--metric", "mae", "--into", str(folder), "--json"]) == 0
    created = json.loads(capsys.readouterr().out)
    assert created["competition"]["template"] == "forecast"
    floor = aicomp(folder, "train", "--set", "model.name=seasonal-naive")
    for model in ("forecast-net", "model:SmoothedSeasons"):
        trained = aicomp(folder, "train", "--set", f"model.name={model}")
        assert trained["mean"] < floor["mean"]
        assert aicomp(folder, "submit", "--dry-run")["status"] == "valid"
    forecast = pd.read_csv(folder / "runs" / trained["run"] / "test.csv")["sales"].to_numpy()
    assert abs(forecast - hidden).mean() < 8
    assert "mae of all out-of-fold predictions" in run(folder, "train.py")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["image", "audio"])
def test_the_templates_on_files_are_chosen_for_files_and_their_models_learn_them(tmp_path, capsys, kind):
    (tmp_path / "data").mkdir()
    write_competition(tmp_path / "data", kind)
    folder = tmp_path / "project"
    assert main(["init", str(tmp_path / "data"), "--metric", "accuracy", "--into", str(folder), "--json"]) == 0
    created = json.loads(capsys.readouterr().out)
    assert created["competition"]["template"] == kind
    [found] = [finding for finding in created["findings"] if finding["what"] == "template"]
    assert found["because"].startswith("`file` names 90 ")
    settings = (folder / "aicomp.toml").read_text()
    settings = settings.replace('epochs = "auto"', "epochs = 20").replace('batch_size = "auto"', "batch_size = 16")
    (folder / "aicomp.toml").write_text(settings.replace("n_splits = 5", "n_splits = 2"))
    for name in (f"{kind}-resnet", "model:build_model"):
        options = [
            "--set",
            f"model.name={name}",
            "--set",
            "model.params.width=8",
            "--set",
            "training.learning_rate=0.01",
        ]
        trained = aicomp(folder, "train", *options)
        assert trained["mean"] > 0.8
        assert aicomp(folder, "submit", "--dry-run")["status"] == "valid"
        assert (folder / "runs" / trained["run"] / "augmentation.png").is_file()
    assert "accuracy of all out-of-fold predictions" in run(folder, "train.py")


@pytest.mark.slow
def test_the_image_template_learns_real_digits(tmp_path):
    folder = scaffold(tmp_path, "image", "digits")
    trained = aicomp(folder, "train", "--set", "training.epochs=12", "--set", "split.n_splits=2")
    assert trained["mean"] > 0.97
    assert aicomp(folder, "submit", "--dry-run")["status"] == "valid"


@pytest.mark.slow
def test_the_template_for_large_encoders_plans_and_trains_with_both_heads(tmp_path):
    pytest.importorskip("peft", reason="the extra [large] is not installed")
    write_docstrings(tmp_path / "docstrings")
    folder, encoder = tmp_path / "project", write_encoder(tmp_path / "encoder")
    arguments = ["--metric", "f1", "--template", "large", "--into", str(folder), "--json"]
    assert main(["init", str(tmp_path / "docstrings"), *arguments]) == 0
    settings = (folder / "aicomp.toml").read_text()
    settings = settings.replace('encoder = "auto"', f'encoder = "{encoder}"').replace("n_splits = 5", "n_splits = 2")
    (folder / "aicomp.toml").write_text(settings.replace("learning_rate = 1e-4", "learning_rate = 1e-3"))
    plan = aicomp(folder, "train", "--plan")
    assert plan["fits"]
    assert plan["parameters"] == plan["trained"]
    less = ["model.params.checkpointing=true", "model.params.lora=2", "training.micro_batch=8"]
    for entries in ([], less, ['model.name="model:build_model"', *less]):
        asked = [part for entry in entries for part in ("--set", entry)]
        trained = aicomp(folder, "train", *asked)
        assert 0 < trained["mean"] <= 1
        assert aicomp(folder, "submit", "--dry-run")["status"] == "valid"
    run(folder, "-c", PREDICT_AGAIN)
    smaller = aicomp(folder, "train", "--plan", *asked)
    assert smaller["trained"] < smaller["parameters"]
    assert smaller["activations"] < plan["activations"]


PREDICT_AGAIN = """
import numpy as np
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.run import find_run

project = Project.open()
newest = find_run(project.runs)
np.testing.assert_array_equal(predict_run(project, newest).values, newest.test_predictions())
"""


def write_encoder(folder):
    """An encoder of a few thousand weights, as `save_pretrained` writes it."""
    transformers = pytest.importorskip("transformers", reason="the extra [text] is not installed")
    folder.mkdir()
    words = ["return", "the", "a", "of", "array", "element", "dataframe", "series", "value", "axis", "index", "-", "."]
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=32, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_the_detection_template_is_chosen_for_boxes_and_its_models_find_them(tmp_path, capsys):
    write_boxes_competition(tmp_path / "shapes")
    folder = tmp_path / "project"
    assert main(["init", str(tmp_path / "shapes"), "--into", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["competition"]["template"] == "detection"
    settings = (folder / "aicomp.toml").read_text()
    quick = settings.replace('image_size = "auto"', "image_size = 64")
    quick += "\n[model.params]\nepochs = 20\nlearning_rate = 0.004\nwidth = 16\nd = 16\nema = 0.95\n"
    (folder / "aicomp.toml").write_text(quick)
    trained = aicomp(folder, "train")
    assert trained["mean"] > 0.8
    assert aicomp(folder, "submit", "--dry-run")["status"] == "valid"
    assert len(aicomp(folder, "explain", "--rows", "2")["rows"]) == 2
    (folder / "aicomp.toml").write_text(settings.replace('name = "detector"', 'name = "model:Regions"'))
    assert "map50 of all out-of-fold predictions" in run(folder, "train.py")


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
