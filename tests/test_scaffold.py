import json
import os

import pytest
from contract_cases import SAMPLE, TRAIN, write_tables

from aicomp import scaffold
from aicomp.competition import load_competition
from aicomp.config import load_config
from aicomp.contract import Given
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.project import Project
from aicomp.raw_data import check_manifest, manifest_path
from aicomp.resources import bundled, bundled_names
from aicomp.scaffold import add_data, create_project, template_files

METRIC = Given(metric="roc_auc")


@pytest.fixture
def source(tmp_path):
    return str(write_tables(tmp_path / "bills"))


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# What is made


def test_a_project_is_whole_and_opens(tmp_path, source):
    created = create_project(source, tmp_path / "new" / "project", METRIC)
    folder = tmp_path / "new" / "project"
    assert created.folder == folder
    assert set(created.files) == set(tree(folder))
    expected = {"aicomp.toml", "competition.toml", "features.py", "model.py", "train.py", "README.md", ".gitignore"}
    raw = {"data/raw/train.csv", "data/raw/test.csv", "data/raw/sample_submission.csv", "data/manifest.json"}
    assert set(created.files) == expected | raw | {".github/workflows/aicomp.yml"}
    project = Project.open(folder)
    assert (project.competition, project.competition.slug) == (created.competition, "bills")
    assert (project.task.problem_type, project.config.template) == ("binary", "tabular")
    check_manifest(folder)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["project"]


def test_the_contract_says_how_it_was_found(tmp_path, source):
    create_project(source, tmp_path / "p", METRIC)
    text = (tmp_path / "p" / "competition.toml").read_text()
    assert "# target: paid (in train.csv and sample_submission.csv)\n" in text
    assert load_competition(tmp_path / "p" / "competition.toml").target == ("paid",)


def test_the_default_folder_is_the_slug_here_and_never_the_source(tmp_path, source, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert create_project(source, None, METRIC).folder == tmp_path / "elsewhere" / "bills"
    monkeypatch.chdir(tmp_path)
    assert create_project("bills", None, METRIC).folder == tmp_path / "bills-project"
    assert sorted(tree(tmp_path / "bills")) == ["sample_submission.csv", "test.csv", "train.csv"]


def test_an_embedded_competition_needs_no_flag(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    created = create_project("iris", None, Given())
    assert (created.folder, created.competition.host, created.findings) == (tmp_path / "iris", "local", ())
    check_manifest(created.folder)
    with pytest.raises(UsageError, match="is a project already"):
        create_project("iris", None, Given())
    with pytest.raises(UsageError, match="`--metric` cannot be given for `iris`"):
        create_project("iris", tmp_path / "other", METRIC)


@pytest.mark.parametrize("template", [name for name in bundled_names("templates") if name != "simulation"])
def test_every_template_makes_a_project(tmp_path, source, template):
    created = create_project(source, tmp_path / "p", METRIC, template)
    config = load_config(created.folder / "aicomp.toml")
    assert config.template == created.competition.template == template
    # The code arrives as it stands in the template; the slug is filled in elsewhere.
    for path in bundled("templates").joinpath(template).glob("*.py"):
        assert (created.folder / path.name).read_bytes() == path.read_bytes()
    for name in ("README.md", "aicomp.toml"):
        text = (created.folder / name).read_text()
        assert text.startswith("# bills")
        assert "{{slug}}" not in text


def test_what_a_template_gives(tmp_path):
    contents = {
        "README.md": "{{slug}}",
        "aicomp.toml": "# {{slug}}",
        "train.py": "'{{slug}}'",
        "gitignore": "data/",
        "workflow.yml": "run: ${{ vars.A }} {{slug}}",
        "notes/plan.md": "{{slug}} {{other}}",
        "__pycache__/train.cpython-312.pyc": "x",
        "notes/__pycache__/a.py": "x",
        ".mypy_cache/3.11/cache.db": "x",
        ".ruff_cache/CACHEDIR.TAG": "x",
    }
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert template_files(tmp_path, "bills") == {
        "README.md": b"bills",
        "aicomp.toml": b"# bills",
        "train.py": b"'{{slug}}'",
        ".gitignore": b"data/",
        ".github/workflows/aicomp.yml": b"run: ${{ vars.A }} {{slug}}",
        "notes/plan.md": b"bills {{other}}",
    }


# What is refused


def test_other_files_of_the_folder_stay_and_none_is_overwritten(tmp_path, source):
    folder = tmp_path / "p"
    (folder / "data").mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    (folder / "data" / "mine.csv").write_text("mine")
    (folder / "train.py").write_text("mine")
    (folder / ".gitignore").write_text("mine")
    before = tree(folder)
    with pytest.raises(UsageError) as e:
        create_project(source, folder, METRIC)
    assert e.value.message == f"`{folder}` holds `.gitignore`, `train.py` already, and nothing is overwritten"
    assert tree(folder) == before
    for name in ("train.py", ".gitignore"):
        (folder / name).unlink()
    create_project(source, folder, METRIC)
    assert (folder / "notes.txt").read_text() == (folder / "data" / "mine.csv").read_text() == "mine"
    check_manifest(folder)


def test_a_project_is_not_made_twice(tmp_path, source):
    create_project(source, tmp_path / "p", METRIC)
    (tmp_path / "p" / "features.py").write_text("mine")
    before = tree(tmp_path / "p")
    with pytest.raises(UsageError, match="is a project already"):
        create_project(source, tmp_path / "p", METRIC)
    assert tree(tmp_path / "p") == before


def test_a_file_in_the_way(tmp_path, source):
    (tmp_path / "p").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        create_project(source, tmp_path / "p", METRIC)
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "data").write_text("mine")
    with pytest.raises(UsageError, match="holds `data` already"):
        create_project(source, tmp_path / "q", METRIC)


@pytest.mark.parametrize("existing", [False, True])
def test_nothing_is_left_behind_when_the_disk_is_full(tmp_path, source, monkeypatch, existing):
    folder = tmp_path / "deep" / "p"
    if existing:
        folder.mkdir(parents=True)
        (folder / "notes.txt").write_text("mine")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scaffold, "copy_raw_data", full)
    with pytest.raises(AicompError, match="No space left on device"):
        create_project(source, folder, METRIC)
    assert tree(tmp_path / "deep") == ({"p/notes.txt": b"mine"} if existing else {})
    assert (tmp_path / "deep").exists() == existing


def test_a_move_that_fails_is_undone(tmp_path, source, monkeypatch):
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    link, calls = os.link, []

    def fails_at_the_fifth(path, target):
        calls.append(target)
        if len(calls) == 5:
            raise KeyboardInterrupt
        link(path, target)

    monkeypatch.setattr(os, "link", fails_at_the_fifth)
    with pytest.raises(KeyboardInterrupt):
        create_project(source, folder, METRIC)
    assert len(calls) == 5
    assert sorted(p.name for p in folder.rglob("*")) == ["notes.txt"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bills", "p"]


def test_bad_data_makes_no_project(tmp_path):
    source = write_tables(tmp_path / "bills", train=TRAIN.assign(paid="No"))
    with pytest.raises(DataError, match="is `No` in every row"):
        create_project(str(source), tmp_path / "new" / "p", METRIC)
    assert not (tmp_path / "new").exists()


def test_a_problem_type_that_the_target_denies_makes_no_project(tmp_path):
    source = write_tables(tmp_path / "bills", train=TRAIN.assign(paid=["a", "b", "c"] * 2))
    with pytest.raises(UsageError, match=r"`binary` needs two `labels`"):
        create_project(str(source), tmp_path / "p", Given(metric="accuracy", problem_type="binary"))
    assert not (tmp_path / "p").exists()


def test_a_source_that_is_none(tmp_path, source, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="`iirs` is neither an embedded competition nor a folder") as e:
        create_project("iirs", None, Given())
    assert e.value.hint.startswith("did you mean `iris`? `aicomp list competitions` shows the embedded ones")
    with pytest.raises(UsageError, match=r"`./iris.zip` does not exist"):
        create_project("./iris.zip", None, Given())
    with pytest.raises(UsageError, match=r"is a file, and neither a folder nor a .zip"):
        create_project(f"{source}/train.csv", None, METRIC)


def test_a_folder_named_like_an_embedded_competition(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_tables(tmp_path / "iris")
    with pytest.raises(UsageError, match="`iris` is an embedded competition, and a folder here") as e:
        create_project("iris", None, METRIC)
    assert e.value.hint.startswith("write `./iris` for the folder")
    assert create_project("./iris", None, METRIC).folder == tmp_path / "iris-project"
    assert create_project("iris", tmp_path / "flowers", Given()).competition.host == "local"


def test_an_unknown_template(tmp_path, source):
    with pytest.raises(UsageError, match="unknown template `tabluar`") as e:
        create_project(source, tmp_path / "p", METRIC, "tabluar")
    assert "did you mean `tabular`?" in e.value.hint


# Data for a clone


def test_data_comes_back_to_a_clone(tmp_path, source):
    folder = create_project(source, tmp_path / "p", METRIC).folder
    before = tree(folder)
    with pytest.raises(UsageError, match="has its data already"):
        add_data(source, folder)
    manifest_path(folder).unlink()
    for path in (folder / "data" / "raw").iterdir():
        path.unlink()
    created = add_data(source, folder)
    assert tree(folder) == before
    assert created.files[-1] == "data/manifest.json"
    assert json.loads(manifest_path(folder).read_text())["files"]


def test_data_of_another_competition_is_refused(tmp_path, source):
    folder = create_project(source, tmp_path / "p", METRIC).folder
    manifest_path(folder).unlink()
    other = write_tables(tmp_path / "other", TRAIN.rename(columns={"paid": "fee"}), sample=SAMPLE)
    with pytest.raises(DataError, match=r"`train.csv` has no target column `paid`"):
        add_data(str(other), folder)
    assert not manifest_path(folder).exists()
    with pytest.raises(UsageError, match="is no project"):
        add_data(source, tmp_path)
