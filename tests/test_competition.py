import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from contract_text import SHOP
from hypothesis import given, settings
from hypothesis import strategies as st

from aicomp.competition import Competition, Files, SubmissionSchema, dump_competition, load_competition
from aicomp.errors import UsageError


def load(tmp_path: Path, text: str) -> Competition:
    path = tmp_path / "competition.toml"
    path.write_text(text, encoding="utf-8")
    return load_competition(path)


def test_a_contract_and_what_it_leaves_out(tmp_path: Path) -> None:
    c = load(tmp_path, SHOP)
    assert (c.slug, c.id, c.target, c.labels) == ("shop", ("id",), ("bought",), ("No", "Yes"))
    assert c.files == Files(
        train="train.csv", test="test.csv", sample_submission="sample_submission.csv", encoding="utf-8"
    )
    assert (c.host, c.template, c.group, c.first_row_id, c.medals) == ("kaggle", "tabular", None, None, {})
    assert c.prediction_columns == ("bought",)


def test_ids_stand_anywhere_in_a_submission(tmp_path: Path) -> None:
    text = SHOP.replace('id = ["id"]', 'id = ["shop", "day"]').replace('["id", "bought"]', '["day", "bought", "shop"]')
    assert load(tmp_path, text).prediction_columns == ("bought",)


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
PROBLEMS = {
    "binary": (1, 2),
    "multiclass": (1, 3),
    "regression": (1, 0),
    "multilabel": (2, 0),
    "multi-target": (3, 0),
    "string": (1, 0),
}


@st.composite
def competitions(draw: st.DrawFn) -> Competition:
    """Contracts of every problem type, with names of any characters."""
    problem_type = draw(st.sampled_from(sorted(PROBLEMS)))
    n_target, n_labels = PROBLEMS[problem_type]
    ids, target = draw(st.integers(1, 2)), n_target
    columns = draw(st.lists(NAMES, min_size=ids + target, max_size=ids + target, unique=True))
    labels = draw(st.lists(NAMES, min_size=n_labels, max_size=n_labels, unique=True))
    optional: dict[str, Any] = {
        "template": NAMES,
        "group": NAMES,
        "time": NAMES,
        "splitter": NAMES,
        "url": st.text(st.characters(codec="utf-8"), max_size=8),
        "medals": st.dictionaries(
            st.sampled_from(["gold", "bronze"]), st.floats(allow_nan=False, allow_infinity=False), max_size=2
        ),
        "medals_source": NAMES.map(lambda name: f"page of {name}"),
        "first_row_id": st.integers(0, 1),
        "host": st.sampled_from(["kaggle", "local"]),
    }
    further = draw(st.fixed_dictionaries({}, optional=optional))
    if further.get("medals"):
        further.setdefault("medals_source", "its page")
    files = Files(**{name: draw(NAMES) for name in ("train", "test", "sample_submission", "encoding")})
    return Competition(
        slug=draw(NAMES),
        title=draw(NAMES),
        problem_type=problem_type,  # type: ignore[arg-type]
        id=tuple(columns[:ids]),
        target=tuple(columns[ids:]),
        labels=tuple(labels),
        metric=draw(NAMES),
        files=files,
        submission=SubmissionSchema(
            columns=tuple(columns),
            wants="string" if problem_type == "string" else draw(st.sampled_from(["label", "value"])),
            sum_to_one=draw(st.booleans()),
            blank=problem_type == "string" and draw(st.booleans()),
        ),
        **further,
    )


@given(competitions(), st.text(st.characters(codec="utf-8") | st.just("\n"), max_size=20))
@settings(deadline=None)
def test_what_is_dumped_reads_back(tmp_path_factory: pytest.TempPathFactory, c: Competition, comment: str) -> None:
    text = dump_competition(c, comment)
    assert load(tmp_path_factory.getbasetemp(), text) == c
    assert dump_competition(load(tmp_path_factory.getbasetemp(), text), comment) == text


def test_a_dump_has_a_comment_on_top_and_no_defaults(tmp_path: Path) -> None:
    text = dump_competition(load(tmp_path, SHOP), "first line\n\nthird line")
    assert text.startswith('# first line\n#\n# third line\nslug = "shop"\n')
    assert set(tomllib.loads(text)) == {
        "slug",
        "title",
        "problem_type",
        "id",
        "target",
        "labels",
        "metric",
        "files",
        "submission",
    }


def test_a_row_number_of_zero_is_not_dropped(tmp_path: Path) -> None:
    """0 is as good as 1 here, and false in Python."""
    c = msgspec.structs.replace(load(tmp_path, SHOP), first_row_id=0)
    assert load(tmp_path, dump_competition(c)).first_row_id == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["bought"]', "[]", "`target` is empty"),
        (
            'target = ["bought"]',
            'target = ["bought", "again"]',
            "`binary` has one target column, but `target` names 2",
        ),
        ('["No", "Yes"]', '["No"]', "`binary` needs two `labels`, got ['No']"),
        ('["No", "Yes"]', '["No", "Yes", "Maybe"]', "`binary` needs two `labels`, got ['No', 'Yes', 'Maybe']"),
        ('["No", "Yes"]', '["No", "No"]', "`labels` names `No` twice"),
        ('labels = ["No", "Yes"]\n', "", "`binary` needs two `labels`, got []"),
        ('"binary"', '"regression"', "`regression` has no `labels`, got ['No', 'Yes']"),
        ('"binary"', '"ranking"', "invalid enum value 'ranking' at `problem_type`"),
        ('id = ["id"]', 'id = ["id", "id"]', "`id` names `id` twice"),
        ('id = ["id"]', 'id = ["id", "bought"]', "`bought` is in `id` and in `target`"),
        ('["id", "bought"]', '["bought"]', "`submission.columns` lacks the id `id`, got ['bought']"),
        (
            '["id", "bought"]',
            '["id"]',
            "`submission.columns` has 0 columns beside the ids, not 1 for `target` or 2 for `labels`",
        ),
        (
            '["id", "bought"]',
            '["id", "a", "b", "c"]',
            "`submission.columns` has 3 columns beside the ids, not 1 for `target` or 2 for `labels`",
        ),
        ('["id", "bought"]', '["id", "bought", "bought"]', "`submission.columns` names `bought` twice"),
        ('wants = "probability"', 'wants = "odds"', "invalid enum value 'odds' at `submission.wants`"),
        ('wants = "probability"', "", "object missing required field `wants` at `submission`"),
        ('metric = "roc_auc"\n', "", "object missing required field `metric`"),
        ('title = "Shop"', 'titel = "Shop"', "unknown key `titel`"),
        ('test = "test.csv"', 'tset = "test.csv"', "unknown key `files.tset`"),
    ],
)
def test_a_contract_that_cannot_be(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert SHOP.count(old) == 1
    with pytest.raises(UsageError) as caught:
        load(tmp_path, SHOP.replace(old, new))
    assert caught.value.message == f"`competition.toml`: {message}"
    assert caught.value.hint


def test_a_probability_per_class(tmp_path: Path) -> None:
    text = SHOP.replace('"binary"', '"multiclass"').replace('["No", "Yes"]', '["a", "b", "c"]')
    assert load(tmp_path, text.replace('["id", "bought"]', '["id", "p_a", "p_b", "p_c"]')).prediction_columns == (
        "p_a",
        "p_b",
        "p_c",
    )
    with pytest.raises(UsageError, match="has 2 columns beside the ids"):
        load(tmp_path, text.replace('["id", "bought"]', '["id", "p_a", "p_b"]'))


def test_a_name_misspelled_in_the_contract_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, SHOP.replace("metric", "metrik"))
    assert caught.value.hint == "did you mean `metric`?"
