from pathlib import Path
from typing import Any

import msgspec
import pytest

from aicomp.config import Config, load_config
from aicomp.errors import UsageError
from aicomp.toml_files import read_toml


def load(tmp_path: Path, text: str, *overrides: str) -> Config:
    path = tmp_path / "aicomp.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, list(overrides))


def error_of(tmp_path: Path, text: str, *overrides: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text, *overrides)
    return caught.value


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Config()


def test_a_file_that_says_everything_reads_back(tmp_path: Path) -> None:
    """Every entry of the structs can be written in TOML, None by leaving it out."""
    import tomli_w

    def without_none(tree: dict[str, Any]) -> dict[str, Any]:
        return {k: without_none(v) if isinstance(v, dict) else v for k, v in tree.items() if v is not None}

    assert load(tmp_path, tomli_w.dumps(without_none(msgspec.to_builtins(Config())))) == Config()


def test_sections(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "seed = 7\n[split]\ngroup = 'shop'\n[model]\nname = 'mlp'\nparams = { d_block = 64 }\n"
        "[training]\nepochs = 20\nlearning_rate = 1\n[columns]\n'Product.Info 2' = 'category'\n",
    )
    assert (config.seed, config.split.group, config.split.n_splits) == (7, "shop", 5)
    assert (config.model.name, config.model.params) == ("mlp", {"d_block": 64})
    assert (config.training.epochs, config.training.batch_size) == (20, "auto")
    assert config.training.learning_rate == 1.0
    assert config.columns == {"Product.Info 2": "category"}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("sede = 1", "`aicomp.toml`: unknown key `sede`", "did you mean `seed`?"),
        (
            "[regularization]\ndroput = 0.1",
            "`aicomp.toml`: unknown key `regularization.droput`",
            "did you mean `regularization.dropout`?",
        ),
        ("[optimiser]\nlr = 1", "`aicomp.toml`: unknown key `optimiser`", None),
        # A key of the right name in the wrong section.
        ("epochs = 20", "`aicomp.toml`: unknown key `epochs`", None),
    ],
)
def test_an_unknown_key(tmp_path: Path, text: str, message: str, hint: str | None) -> None:
    error = error_of(tmp_path, text)
    assert error.message == message
    assert hint is None or error.hint == hint
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = 'zero'", "`aicomp.toml`: expected `int`, got `str` at `seed`: 'zero'"),
        ("seed = true", "`aicomp.toml`: expected `int`, got `bool` at `seed`: true"),
        ("seed = 1.5", "`aicomp.toml`: expected `int`, got `float` at `seed`: 1.5"),
        ("split = 5", "`aicomp.toml`: expected `object`, got `int` at `split`: 5"),
        ("[split]\nn_splits = '5'", "`aicomp.toml`: expected `int`, got `str` at `split.n_splits`: '5'"),
        ("[training]\nepochs = 'many'", "`aicomp.toml`: invalid enum value 'many' at `training.epochs`"),
        ("[columns]\nage = 1", "`aicomp.toml`: expected `str`, got `int` at `columns[...]`"),
    ],
)
def test_a_value_of_the_wrong_type_names_its_key(tmp_path: Path, text: str, message: str) -> None:
    error = error_of(tmp_path, text)
    assert error.message == message
    wanted = 'write a number or "auto"' if "epochs" in text else "correct it in `aicomp.toml`"
    assert error.hint == wanted


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("device = 'gpu'", "'gpu' at `device`", "known: auto, cuda, mps, cpu"),
        ("[training]\noptimizer = 'AdamW'", "'AdamW' at `training.optimizer`", "did you mean `adamw`?"),
        ("[training]\noptimizer = 'schedulefree'", "'schedulefree' at", "did you mean `schedule-free`?"),
        ("[training]\nschedule = 'onecycle'", "'onecycle' at `training.schedule`", "did you mean `one-cycle`?"),
    ],
)
def test_an_unknown_choice_names_the_nearest_or_all(tmp_path: Path, text: str, place: str, hint: str) -> None:
    error = error_of(tmp_path, text)
    assert error.message.startswith(f"`aicomp.toml`: invalid enum value {place}")
    assert error.hint == hint


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("seed=3", "seed", 3),
        ("training.epochs=20", "training.epochs", 20),
        ("training.epochs=auto", "training.epochs", "auto"),
        ("training.amp=false", "training.amp", False),
        ("regularization.dropout=0.2", "regularization.dropout", 0.2),
        ("model.name=mlp", "model.name", "mlp"),
        ('model.name="mlp"', "model.name", "mlp"),
        ("model.name=model:build_model", "model.name", "model:build_model"),
        (" model.name = mlp ", "model.name", "mlp"),
        ("split.group=a=b", "split.group", "a=b"),
        ("split.group=", "split.group", ""),
        ("model.params={d_block = 64}", "model.params", {"d_block": 64, "n_blocks": None}),
        ("model.params.d_block=64", "model.params", {"d_block": 64, "n_blocks": 3}),
        ("model.params.sizes=[4, 2]", "model.params", {"sizes": [4, 2], "n_blocks": 3}),
        ("model.params.act=relu", "model.params", {"act": "relu", "n_blocks": 3}),
        ("columns.Product Info=category", "columns", {"Product Info": "category"}),
    ],
)
def test_an_override(tmp_path: Path, override: str, path: str, value: Any) -> None:
    if isinstance(value, dict):
        value = {k: v for k, v in value.items() if v is not None}
    found: Any = load(tmp_path, "[model]\nparams = { n_blocks = 3 }\n", override)
    for name in path.split("."):
        found = getattr(found, name)
    assert found == value
    assert type(found) is type(value)


def test_overrides_win_over_the_file_and_the_last_over_the_others(tmp_path: Path) -> None:
    assert load(tmp_path, "seed = 1", "seed=2", "seed=3").seed == 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "`--set seed` is not of the form key=value"),
        ("=3", "`--set =3` is not of the form key=value"),
        ("sede=3", "`aicomp.toml`: unknown key `sede`"),
        ("regularization.droput=1", "`aicomp.toml`: unknown key `regularization.droput`"),
        ("seed.x=3", "`--set seed.x=3`: `seed` is a value, not a section"),
        ("seed=three", "`aicomp.toml`: expected `int`, got `str` at `seed`: 'three'"),
        ("model=mlp", "`aicomp.toml`: expected `object`, got `str` at `model`: 'mlp'"),
    ],
)
def test_a_wrong_override(tmp_path: Path, override: str, message: str) -> None:
    assert error_of(tmp_path, "seed = 1", override).message == message


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    error = error_of(tmp_path, "seed = 1\n[split\n")
    assert error.message.startswith(f"`{tmp_path / 'aicomp.toml'}` is not valid TOML: ")
    assert "(at line 2, column 7)" in error.message


def test_a_file_that_is_not_utf8_names_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "aicomp.toml"
    path.write_bytes(b"template = '\xe9t\xe9'\n")
    with pytest.raises(UsageError) as caught:
        read_toml(path)
    assert caught.value.message == f"`{path}` is not UTF-8: byte 12 is 0xe9"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_toml(tmp_path / "aicomp.toml")
    assert caught.value.message == f"`{tmp_path / 'aicomp.toml'}` does not exist"
    assert "aicomp init" in caught.value.hint


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_toml(tmp_path)
    assert caught.value.message == f"`{tmp_path}` cannot be read: Is a directory"
