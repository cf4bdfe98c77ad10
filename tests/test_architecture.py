"""The rules of docs/architecture.md: imports point one way, and `--help` is light."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "aicomp"

# From the bottom up; a module may import those of its own row and of the rows above it in this list.
LAYERS = [
    {"errors", "suggest", "processes", "stopping", "neighbours", "printable"},
    {"resources", "registry", "files", "config", "model_names", "toml_files", "boxes",
     "metrics", "task", "labels", "about", "competition", "competition_checks",
     "splitters",
     "splitter_choice", "strata", "folds", "pages",
     "dealing", "isolation", "last_step", "archives"},
    {"data", "models", "training"},
    {"run", "project", "ids_and_targets", "dataset", "media", "class_folders", "prediction", "predictions",
     "raw_data",
     "provenance", "assembly", "catalogue", "embedded", "contract",
     "grading", "submission", "ensemble", "recording", "fold_choice", "pseudo",
     "sources", "staging", "scaffold", "checkup", "report", "engine", "explain", "fold_model", "cross_validation",
     "layout", "leftovers", "streaming", "portfolio", "tuning", "simulation", "storage", "validation", "eda", "runs",
     "comparison", "diagnosis", "lockfile", "verification"},
    {"kaggle", "host"},
    {"cli", "__main__"},
]  # fmt: skip
HEAVY = (
    "torch", "pandas", "sklearn", "scipy", "matplotlib", "kaggle", "kagglesdk", "requests", "starlette", "uvicorn",
    "optuna", "gymnasium", "PIL", "ray", "fsspec",
)  # fmt: skip
COMMANDS = (
    "init", "eda", "check", "train", "tune", "blend", "verify", "submit", "submissions", "score", "runs", "explain",
    "report", "list", "show", "doctor", "demo", "host", "competition", "guide",
)  # fmt: skip


def modules():
    return sorted(SOURCE.rglob("*.py"))


def imports(path, *, top_level_only=False):
    """Dotted names that a module imports; those for type checking alone do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if top_level_only else _walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _walk(node):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from _walk(child)


def part(dotted):
    """The part of aicomp that a dotted name lies in, None for another package and for aicomp itself."""
    names = dotted.split(".")
    return names[1] if names[0] == "aicomp" and len(names) > 1 and not names[1].startswith("__version") else None


def layer(name):
    return next(i for i, row in enumerate(LAYERS) if name in row)


def test_every_module_has_a_layer():
    parts = {p.relative_to(SOURCE).parts[0].removesuffix(".py") for p in modules()} - {"__init__"}
    assert parts == set().union(*LAYERS)


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_imports_point_one_way(path):
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if own == "__init__":
        assert not [name for name in imports(path) if part(name)]
        return
    for dotted in imports(path):
        imported = part(dotted)
        if imported is not None:
            assert layer(imported) <= layer(own), f"{path.name} imports {dotted}"


def test_kaggle_and_the_host_know_nothing_of_each_other():
    """They meet on the wire alone, so that each is a check of the other."""
    for own, other in (("kaggle", "host"), ("host", "kaggle")):
        for path in (SOURCE / own).rglob("*.py"):
            assert other not in {part(name) for name in imports(path)}, path


def test_only_the_command_line_imports_typer():
    for path in modules():
        if path.relative_to(SOURCE).parts[0] != "cli":
            assert not [n for n in imports(path) if n.split(".")[0] == "typer"], path


def test_only_kaggle_imports_kaggle_and_inside_functions():
    importing = set()
    for path in modules():
        if [n for n in imports(path) if n.split(".")[0] in ("kaggle", "kagglesdk")]:
            importing.add(path.relative_to(SOURCE).parts[0])
            assert not [n for n in imports(path, top_level_only=True) if n.split(".")[0] in ("kaggle", "kagglesdk")], (
                path
            )
    assert importing == {"kaggle"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], *([command, "--help"] for command in COMMANDS)], ids=" ".join
)
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import json, sys\nfrom aicomp.cli.main import main\n"
        f"code = main({arguments!r})\n"
        f"print(json.dumps([code, [m for m in {HEAVY!r} if m in sys.modules]]), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stderr.splitlines()[-1]) == [0, []]
    assert "aicomp" in done.stdout


def test_weights_and_data_are_never_pickled():
    for path in modules():
        text = path.read_text(encoding="utf-8")
        for word in ("pickle", "joblib", "torch.load", "torch.save", "allow_pickle=True"):
            assert word not in text, f"{path.name} mentions {word}"
