"""What holds for any data: splitters and the config. Bounds of the single splitters are in `test_splitters.py`."""

import types
import typing
from typing import Any, get_args, get_origin

import msgspec
import numpy as np
import pytest
import tomli_w
from bounded import bounded, refusal
from hypothesis import given
from hypothesis import strategies as st
from submission_cases import competition

from aicomp.cli.main import main
from aicomp.competition import dump_competition
from aicomp.config import Config, load_config
from aicomp.errors import UsageError
from aicomp.folds import Folds
from aicomp.splitters import SPLITTERS, make_folds

PROBLEMS = ("binary", "multiclass", "regression", "multilabel", "multi-target", "string")
NUMBERS_OF_NOTE = (0.0, 1.5, -1e300, 1e-300, 7.0)
ONCE = ("kfold", "stratified", "group", "stratified-group", "multilabel-stratified")


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    """Any arguments of `make_folds`, those that a config could not hold too."""
    n = draw(st.integers(1, 40))
    problem = draw(st.sampled_from(PROBLEMS))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_columns = draw(st.integers(1, 3))
    y = {
        "binary": random.integers(0, 2, n),
        "multiclass": random.integers(0, draw(st.integers(1, 5)), n),
        "regression": random.choice([0.0, 1.5, -1e300, 1e-300, 7.0], n)
        if draw(st.booleans())
        else random.normal(size=n),
        "multilabel": random.integers(0, 2, (n, n_columns)).astype(float),
        "multi-target": random.normal(size=(n, n_columns)),
        "string": np.array([str(v) for v in random.integers(0, 9, n)], dtype=object),
    }[problem]
    few = draw(st.integers(1, 12))
    texts = np.array([str(v) for v in random.integers(-1, few, n)], dtype=object)
    with_gaps = texts.copy()
    with_gaps[random.random(n) < 0.1] = draw(st.sampled_from([None, np.nan, "", " "]))
    time = random.integers(0, few * 2, n).astype(float)
    gaps = np.where(random.random(n) < 0.1, np.nan, time)
    steps = random.integers(0, few * 2, n)
    return {
        "y": y,
        "problem_type": problem,
        "groups": draw(st.sampled_from([None, texts, texts, with_gaps])),
        "time": draw(st.sampled_from([None, time, time, gaps])),
        "fold_column": draw(st.sampled_from([None, None, texts, with_gaps])),
        "steps": draw(st.sampled_from([None, steps])),
        "horizon": draw(st.integers(1, 4)),
        "gap": draw(st.integers(0, 3)),
        "n_splits": draw(st.integers(0, 7)),
        "n_repeats": draw(st.sampled_from([0, 1, 1, 1, 2, 3])),
        "seed": draw(st.integers(-1, 2**32 - 1)),
        "holdout": draw(st.sampled_from(["auto", "auto", "auto", 0.1, 0.5, 0.0, 1.0, float("nan")])),
        "folder": None,
    }


@pytest.mark.parametrize("name", SPLITTERS)
@bounded(60)
@given(arguments=problems())
def test_folds_are_right_or_refused(name: str, arguments: dict[str, Any]) -> None:
    if name != "holdout":
        arguments["holdout"] = "auto"
    if name != "fold-column":
        arguments["fold_column"] = None
    error = refusal(lambda: make_folds(name, **arguments))
    if error is not None:
        assert error.hint
        return
    made = make_folds(name, **arguments)
    again = make_folds(name, **arguments)
    n = len(arguments["y"])
    assert len(made.folds) == len(again.folds)
    for fold, other in zip(made.folds, again.folds, strict=True):
        np.testing.assert_array_equal(fold.train, other.train)
        np.testing.assert_array_equal(fold.valid, other.valid)
        for rows in (fold.train, fold.valid):
            assert len(rows)
            assert len({*rows.tolist()}) == len(rows)
            assert rows.min() >= 0
            assert rows.max() < n
        assert not {*fold.train.tolist()} & {*fold.valid.tolist()}
    check_validated(name, arguments, made, n)
    check_sides(name, arguments, made)


def check_validated(name: str, arguments: dict[str, Any], made: Folds, n: int) -> None:
    """How often rows are validated, and on how many rows is trained."""
    times = np.bincount(np.concatenate([fold.valid for fold in made.folds]), minlength=n)
    if name in ONCE:
        assert times.tolist() == [1] * n
        assert len(made.folds) == arguments["n_splits"]
        assert all(len(fold.train) + len(fold.valid) == n for fold in made.folds)
    elif name == "repeated":
        assert times.tolist() == [arguments["n_repeats"]] * n
    elif name == "holdout":
        assert len(made.folds) == 1
    elif name == "fold-column":
        names = np.array([str(v).strip() for v in arguments["fold_column"]])
        assert times.tolist() == [int(name != "-1") for name in names]
    else:
        assert times.max() == 1


def check_sides(name: str, arguments: dict[str, Any], made: Folds) -> None:
    """No group on both sides, and nothing is predicted from what is later."""
    groups, time, steps = (arguments[key] for key in ("groups", "time", "steps"))
    for fold in made.folds:
        keeps_groups = name in ("group", "stratified-group") or (name == "holdout" and time is None)
        if keeps_groups and groups is not None:
            assert not {*groups[fold.train]} & {*groups[fold.valid]}
        if name == "time-series" or (name == "holdout" and time is not None):
            assert time[fold.train].max() < time[fold.valid].min()
        if name == "rolling-origin":
            assert steps[fold.train].max() < steps[fold.valid].min() - arguments["gap"]
            assert np.ptp(steps[fold.valid]) < arguments["horizon"]


# aicomp.toml


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Values that a key takes."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return sections_of(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is dict:
        if arguments[1] is Any:
            return st.dictionaries(NAMES, ANYTHING, max_size=2)
        return st.dictionaries(NAMES, values_of(arguments[1]), max_size=2)
    if origin is tuple and arguments[-1] is not ...:
        return st.tuples(*map(values_of, arguments)).map(list)
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=2)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values_of(a) for a in arguments if a is not type(None)])
    return {bool: st.booleans(), int: st.integers(-(2**62), 2**62), float: NUMBERS, str: NAMES, Any: ANYTHING}[
        annotation
    ]


def sections_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={f.encode_name: values_of(f.type) for f in msgspec.structs.fields(kind)})


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = st.one_of(
    st.booleans(), st.integers(-(2**62), 2**62), NUMBERS, NAMES, st.lists(st.integers(0, 9), max_size=2)
)


@bounded(150)
@given(tree=sections_of(Config))
def test_a_config_of_valid_values_comes_back_as_it_was(tree: dict[str, Any], tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("config") / "aicomp.toml"
    path.write_text(tomli_w.dumps(tree), encoding="utf-8")
    config = load_config(path)
    whole = msgspec.json.decode(msgspec.json.encode(config))
    for section, value in tree.items():
        expected = {**whole[section], **value} if isinstance(value, dict) else value
        assert whole[section] == expected
    path.write_text(tomli_w.dumps(without_none(whole)), encoding="utf-8")
    assert load_config(path) == config


def without_none(tree: Any) -> Any:
    """TOML has no word for a key that is not set."""
    return {k: without_none(v) for k, v in tree.items() if v is not None} if isinstance(tree, dict) else tree


def keys_of(kind: type[msgspec.Struct], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for f in msgspec.structs.fields(kind):
        if isinstance(f.type, type) and issubclass(f.type, msgspec.Struct):
            found += keys_of(f.type, f"{prefix}{f.encode_name}.")
        else:
            found.append((f"{prefix}{f.encode_name}", f.type))
    return found


def takes(annotation: Any, value: Any) -> bool:
    try:
        msgspec.convert(value, annotation)
    except msgspec.ValidationError:
        return False
    return True


@bounded(200)
@given(key=st.sampled_from(keys_of(Config)), value=ANYTHING)
def test_a_value_of_a_wrong_type_names_its_key(key: tuple[str, Any], value: Any, tmp_path_factory: Any) -> None:
    name, annotation = key
    *sections, last = name.split(".")
    tree: dict[str, Any] = {last: value}
    for section in reversed(sections):
        tree = {section: tree}
    path = tmp_path_factory.mktemp("config") / "aicomp.toml"
    path.write_text(tomli_w.dumps(tree), encoding="utf-8")
    if takes(annotation, value):
        load_config(path)
        return
    with pytest.raises(UsageError) as e:
        load_config(path)
    assert name in e.value.message
    assert e.value.hint


@bounded(150)
@given(section=st.sampled_from(["", "split.", "training.", "model."]), key=NAMES, value=ANYTHING)
def test_an_unknown_key_is_refused_by_its_name(section: str, key: str, value: Any, tmp_path_factory: Any) -> None:
    known = {name for name, _ in keys_of(Config)} | {name.split(".")[0] for name, _ in keys_of(Config)}
    if f"{section}{key}" in known:
        return
    path = tmp_path_factory.mktemp("config") / "aicomp.toml"
    tree = {section.rstrip("."): {key: value}} if section else {key: value}
    path.write_text(tomli_w.dumps(tree), encoding="utf-8")
    with pytest.raises(UsageError) as e:
        load_config(path)
    assert f"{section}{key}" in e.value.message


@bounded(150)
@given(raw=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda t: t.encode("utf-8", "surrogatepass"))))
def test_any_bytes_are_a_config_or_a_usage_error(raw: bytes, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("config") / "aicomp.toml"
    path.write_bytes(raw)
    error = refusal(lambda: load_config(path))
    assert error is None or (isinstance(error, UsageError) and error.hint)


@bounded(150)
@given(entry=st.one_of(NAMES, st.tuples(st.sampled_from([k for k, _ in keys_of(Config)]), NAMES).map("=".join)))
def test_any_set_is_taken_or_a_usage_error(entry: str, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("config") / "aicomp.toml"
    path.write_text("")
    error = refusal(lambda: load_config(path, [entry]))
    assert error is None or isinstance(error, UsageError)


def test_the_program_says_so_without_a_traceback(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aicomp.toml").write_text('[training]\nepochs = "ten"\n')
    (tmp_path / "competition.toml").write_text(dump_competition(competition()))
    monkeypatch.chdir(tmp_path)
    assert main(["train"]) == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "training.epochs" in err
