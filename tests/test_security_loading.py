"""docs/security.md: no file that is read can bring code with it."""

import ast
import io
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from synthetic import init_project, quick_arguments

from aicomp.cli.main import main
from aicomp.data.media_cache import open_decoded, open_sides
from aicomp.errors import DataError
from aicomp.run import find_run

SOURCE = Path(__file__).parent.parent / "src" / "aicomp"
TEMPLATES = SOURCE.parent.parent / "templates"

NEVER_IMPORTED = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle", "yaml", "runpy",
    "code", "codeop", "imp", "h5py", "pickle5", "numpy.lib.npyio", "torch.package", "torch.hub",
}  # fmt: skip
NEVER_CALLED = {
    "eval", "exec", "compile", "__import__", "exec_module", "load_module", "read_pickle", "to_pickle", "read_hdf",
    "unsafe_load", "full_load", "run_path", "run_module",
}  # fmt: skip
EXCEPTIONS = {
    ("registry.py", "exec_module"): "the user's own file, named in the project's config, see promise 5",
    ("simulation/referee.py", "exec"): "an agent, in `isolation` alone, as Kaggle runs it",
    ("simulation/referee.py", "compile"): "the same",
}
CAREFUL = {  # calls that load safely if they are told to
    "torch.load": "weights_only=True",
    "torch.save": "never",
    "AutoModel.from_pretrained": "use_safetensors=True",
    "AutoModelForSeq2SeqLM.from_pretrained": "use_safetensors=True",
}


def sources():
    return [*sorted(SOURCE.rglob("*.py")), *sorted(TEMPLATES.rglob("*.py"))]


def calls(tree):
    """Dotted name, last name and keywords of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            dotted = ast.unparse(node.func)
            keywords = {f"{k.arg}={ast.unparse(k.value)}" for k in node.keywords}
            is_method = isinstance(node.func, ast.Attribute)
            yield dotted, dotted.rpartition(".")[2], keywords, is_method


def test_nothing_in_the_source_loads_code_from_data():
    used = set()
    for path in sources():
        place = path.relative_to(SOURCE).as_posix() if path.is_relative_to(SOURCE) else path.name
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong = {n for n in names if n in NEVER_IMPORTED or n.partition(".")[0] in NEVER_IMPORTED}
            assert not wrong, f"{place} imports {wrong}"
        for dotted, name, _, is_method in calls(tree):
            if name not in NEVER_CALLED or dotted == "re.compile" or (is_method and name == "eval"):
                continue
            if is_method and name == "compile" and "model" in dotted:
                continue  # a method of torch's and Keras's models
            assert (place, name) in EXCEPTIONS, f"{place} calls {dotted}"
            used.add((place, name))
    assert used == set(EXCEPTIONS), "an exception that nothing needs any more"


def test_what_can_load_safely_does():
    n_careful = 0
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for dotted, _, keywords, _ in calls(tree):
            assert "trust_remote_code=True" not in keywords, path
            assert "allow_pickle=True" not in keywords, path
            if dotted in CAREFUL:
                n_careful += 1
                assert CAREFUL[dotted] in keywords, f"{path}: {dotted}"
    assert n_careful >= 2


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return exec, (f"open({str(self.canary)!r}, 'w').close()",)


def bombs(canary):
    """A pickle as such, in the form of torch, of NumPy, and of a zip of NumPy."""
    raw = pickle.dumps(Bomb(canary))
    torch_zip, array, arrays = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(torch_zip, "w") as opened:
        opened.writestr("archive/data.pkl", raw)
        opened.writestr("archive/version", "3\n")
    np.save(array, np.array([Bomb(canary)], dtype=object), allow_pickle=True)
    np.savez(arrays, data=np.array([Bomb(canary)], dtype=object))
    return {"pickle": raw, "torch": torch_zip.getvalue(), "npy": array.getvalue(), "npz": arrays.getvalue()}


def test_the_bombs_are_live(tmp_path):
    """Loaded carelessly they go off: what the other tests find unharmed was in danger."""
    canary = tmp_path / "canary"
    pickle.loads(bombs(canary)["pickle"])
    assert canary.exists()
    canary.unlink()
    np.load(io.BytesIO(bombs(canary)["npy"]), allow_pickle=True)
    assert canary.exists()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = init_project(tmp_path_factory.mktemp("trained"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", "--json", *quick_arguments()]) == 0
        assert main(["runs"]) == 0
    return folder


COMMANDS = (
    ["runs", "--json"], ["report", "--json"], ["explain", "--json"], ["submit", "--dry-run", "--json"],
    ["check", "--json"], ["blend", "--json"],
)  # fmt: skip


def run_all(capsys, where, commands=COMMANDS):
    """Run commands; each ends well or says in one message what is wrong."""
    for command in commands:
        code = main(command)
        said = capsys.readouterr()
        assert "Traceback" not in said.err, f"{where}: {' '.join(command)}\n{said.err}"
        content = json.loads(said.out.splitlines()[-1])
        assert code in (0, 1, 2, 3), where
        if code:
            assert content["error"]["message"], where


@pytest.mark.parametrize("kind", ["pickle", "torch", "npy", "npz"])
def test_a_project_whose_files_are_all_pickles_runs_nothing(trained, tmp_path, monkeypatch, capsys, kind):
    canary = tmp_path / "canary"
    project = Path(shutil.copytree(trained, tmp_path / "project"))
    monkeypatch.chdir(project)
    run = find_run(project / "runs").folder
    for path in (*run.rglob("*"), *(project / "runs").glob(".index*"), *(project / "data" / "raw").iterdir()):
        if path.is_file() and path.name != "DONE":
            path.write_bytes(bombs(canary)[kind])
    run_all(capsys, kind)
    assert not canary.exists()


def test_each_file_of_a_run_may_be_a_pickle(trained, tmp_path, monkeypatch, capsys):
    canary = tmp_path / "canary"
    project = Path(shutil.copytree(trained, tmp_path / "project"))
    monkeypatch.chdir(project)
    run = find_run(project / "runs").folder
    bomb = bombs(canary)["pickle"]
    files = [
        p for p in run.rglob("*") if p.is_file() and "folds/1" not in p.as_posix() and "folds/2" not in p.as_posix()
    ]
    assert len(files) > 10
    for path in files:
        content = path.read_bytes()
        path.write_bytes(bomb)
        run_all(
            capsys,
            path.relative_to(run),
            [["runs", "--json"], ["explain", "--json"], ["submit", "--dry-run", "--json"]],
        )
        path.write_bytes(content)
    assert not canary.exists()


def test_a_cache_of_decoded_files_may_be_a_pickle(tmp_path):
    canary, path = tmp_path / "canary", tmp_path / "decoded.npy"
    for bomb in bombs(canary).values():
        path.write_bytes(bomb)
        path.with_suffix(".sides").write_bytes(bomb)
        for opened in (open_decoded, open_sides):
            with pytest.raises(DataError, match="is damaged"):
                opened(path)
    assert not canary.exists()
