import sys
from pathlib import Path
from typing import Any

import pytest
from plugin_cases import install_plugin

from aicomp.errors import DataError, UsageError
from aicomp.registry import load_object, plugins, resolve

BUILTIN = {"mlp": "our mlp", "tabm": "our tabm"}


def error_of(name: str, folder: Path | None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        resolve("model", name, BUILTIN, folder)
    return caught.value


def test_a_built_in_name() -> None:
    assert resolve("model", "mlp", BUILTIN) == "our mlp"


def test_an_unknown_name_gets_the_nearest_one() -> None:
    error = error_of("tabn", None)
    assert error.message == "unknown model `tabn`"
    assert error.hint == "did you mean `tabm`? `aicomp list models` shows all"


@pytest.mark.parametrize("reference", ["model:build", "model.py:build"])
def test_an_object_in_the_project(tmp_path: Path, reference: str) -> None:
    (tmp_path / "model.py").write_text("def build():\n    return 'built'\n")
    assert resolve("model", reference, BUILTIN, tmp_path)() == "built"


def test_a_file_imports_its_neighbours_and_leaves_no_path_behind(tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_registry_test.py").write_text("value = 7\n")
    (tmp_path / "model.py").write_text("from neighbour_of_registry_test import value\n")
    before = list(sys.path)
    assert load_object("model:value", tmp_path) == 7
    assert sys.path == before


def test_two_projects_do_not_share_a_module(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.py").write_text(f"name = {name!r}\n")
    assert [load_object("model:name", tmp_path / name) for name in "ab"] == ["a", "b"]
    assert "model" not in sys.modules


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text("value = 1\n")
    assert load_object("model:value", tmp_path) == 1
    path.write_text("value = 100\n")
    assert load_object("model:value", tmp_path) == 100


@pytest.mark.parametrize("reference", ["model:", ":build"])
def test_a_malformed_reference(tmp_path: Path, reference: str) -> None:
    error = error_of(reference, tmp_path)
    assert error.message == f"`{reference}` is not of the form `file:object`"
    assert error.hint == "write for example `model:build_model`"


def test_a_reference_outside_a_project() -> None:
    error = error_of("model:build", None)
    assert error.message == "model `model:build` lies in a project, and this is none"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    error = error_of("nets:build", tmp_path)
    assert error.message == f"`nets:build` names `nets.py`, which is not in `{tmp_path}`"


def test_an_object_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("_hidden = 1\nbuild_model = 2\n")
    error = error_of("model:biuld_model", tmp_path)
    assert error.message == "unknown object in `model.py`: `biuld_model`"
    assert error.hint == "did you mean `build_model`?"
    (tmp_path / "model.py").write_text("_hidden = 1\n")
    assert error_of("model:zzz", tmp_path).hint == ""


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1\ndef build(:\n", "`model.py` line 2 fails on import: SyntaxError: invalid syntax (model.py, line 2)"),
        (
            "import package_that_is_not_there\n",
            "`model.py` line 1 fails on import: ModuleNotFoundError: No module named 'package_that_is_not_there'",
        ),
        (
            "def f():\n    return 1 / 0\n\n\nx = f()\n",
            "`model.py` line 2 fails on import: ZeroDivisionError: division by zero",
        ),
    ],
)
def test_a_file_with_a_fault_is_the_users_error_and_not_a_bug(tmp_path: Path, code: str, message: str) -> None:
    (tmp_path / "model.py").write_text(code)
    modules = set(sys.modules)
    error = error_of("model:build", tmp_path)
    assert error.message == message
    assert error.hint == f"correct `{tmp_path / 'model.py'}`"
    assert set(sys.modules) == modules


def test_an_error_of_aicomp_in_a_file_passes_through(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("from aicomp.errors import DataError\nraise DataError('row 3 is bad')\n")
    with pytest.raises(DataError, match="row 3 is bad"):
        load_object("model:build", tmp_path)


class TestPlugins:
    @pytest.fixture(autouse=True)
    def plugin(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        install_plugin(
            monkeypatch,
            tmp_path,
            "registry_test_plugin",
            "def build():\n    return 'of the plugin'\n",
            {
                "aicomp.models": {
                    "resnet": "registry_test_plugin:build",
                    "mlp": "registry_test_plugin:build",
                    "broken": "registry_test_plugin:absent",
                },
                "aicomp.metrics": {"yard": "registry_test_plugin:build"},
            },
        )

    def test_they_are_listed_by_kind_and_not_loaded(self) -> None:
        assert {"resnet", "broken"} <= set(plugins("model"))
        assert "resnet" not in plugins("metric")
        assert "registry_test_plugin" not in sys.modules

    def test_one_is_found_by_name(self) -> None:
        found: Any = resolve("model", "resnet", BUILTIN)
        assert found() == "of the plugin"

    def test_a_built_in_name_wins(self) -> None:
        assert resolve("model", "mlp", BUILTIN) == "our mlp"

    def test_a_misspelled_name_is_told_from_both(self) -> None:
        assert error_of("resnett", None).hint.startswith("did you mean `resnet`?")

    def test_one_that_cannot_be_loaded_names_its_package(self) -> None:
        error = error_of("broken", None)
        assert error.message == (
            "model `broken` of the package `registry-test-plugin` cannot be loaded: "
            "AttributeError: module 'registry_test_plugin' has no attribute 'absent'"
        )
        assert error.hint == "update or remove `registry-test-plugin`"
