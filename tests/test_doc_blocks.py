"""Every block of code on a page is run by a test; commands that no test can run exist at least, options and keys too.

A block of `bash` or `python` belongs to the test in `RUN_BY`, and one that belongs to none fails here. What cannot be
run in seconds, or not without a network or a GPU, is a transcript: `console`, a line that is typed behind `$`.
"""

import ast
import re
import shlex
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

import msgspec
import pandas as pd
import pytest
import typer
from doc_blocks import fenced

from aicomp.cli.main import app
from aicomp.config import Config
from aicomp.metrics import Metric
from aicomp.simulation.config import SimulationConfig

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
PROGRAM = typer.main.get_command(app)
NOT_RUN = ("console", "text", "toml", "json", "yaml")

RUN_BY = {
    ("README.md", "bash"): "test_readme.py",
    ("README.md", "python"): "test_readme.py",
    ("README.zh.md", "bash"): "test_translations.py",
    ("README.zh.md", "python"): "test_translations.py",
    ("docs/tutorial.md", "bash"): "test_tutorial.py",
    ("docs/tutorial.md", "python"): "test_tutorial.py",
    ("docs/tutorial.zh.md", "bash"): "test_translations.py",
    ("docs/tutorial.zh.md", "python"): "test_translations.py",
    ("docs/extending.md", "bash"): "test_extending.py",
    ("docs/extending.md", "python"): "test_extending.py",
    ("docs/agents.md", "bash"): "test_agents_page.py",
    ("docs/agents.md", "python"): "test_agents_page.py",
    ("docs/howto/*.md", "bash"): "test_howto.py",
    ("docs/howto/*.md", "python"): "test_howto.py",
    ("templates/*/README.md", "python"): "test_doc_blocks.py",
}
"""Pages and a language of their blocks -> the test that runs all of these blocks, from top to bottom."""


def pages():
    """All pages that show code, by their path in the repository."""
    patterns = ("README*.md", "docs/**/*.md", "templates/*/README.md", "competitions/*/README.md")
    found = (path for pattern in patterns for path in ROOT.glob(pattern))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def test_every_block_belongs_to_a_test_or_is_none_to_run():
    without = {
        (page, language)
        for page in pages()
        for language, _ in fenced(read(page))
        if runner(page, language) is None and language not in NOT_RUN
        if not (language == "" and page.startswith("templates/"))  # typed in a project, as test_templates.py does
    }
    assert without == set(), "name the test in RUN_BY that runs these, or make them `console`"


def runner(page, language):
    """The test that runs a page's blocks in a language; None where none does."""
    found = [test for (where, what), test in RUN_BY.items() if what == language and fnmatch(page, where)]
    assert len(found) < 2
    return found[0] if found else None


def test_every_fence_is_read():
    """A block inside a list, or with words behind its language, is none that the tests would find."""
    for page in pages():
        marks = [line for line in read(page).splitlines() if line.lstrip().startswith("```")]
        assert len(marks) == 2 * len(fenced(read(page))), page


@pytest.mark.parametrize(("page", "test"), sorted({(page, test) for (page, _), test in RUN_BY.items()}))
def test_the_test_that_runs_a_page_reads_it(page, test):
    if not list(ROOT.glob(page)):
        pytest.skip(f"{page} is not there")
    text = (TESTS / test).read_text(encoding="utf-8")
    name = page.split("/*")[0].split("/")[-1].replace(".zh.md", ".md")
    assert re.search(rf'["/]{re.escape(name)}["/]', text), f"{test} does not read {name}"


# What a project's README shows.


def blocks_of_templates():
    return [
        pytest.param(code, id=f"{Path(page).parent.name}-{i}")
        for page in pages()
        if page.startswith("templates/")
        for i, (language, code) in enumerate(fenced(read(page)))
        if language == "python"
    ]


@pytest.mark.parametrize("code", blocks_of_templates())
def test_a_templates_block_runs(code):
    """It is either the end of `add_features`, or a metric of one's own."""
    if code.startswith("return "):
        code = "def add_features(table):\n" + "".join(f"    {line}\n" for line in code.splitlines())
    names = {}
    exec(compile(ast.parse(code), "README.md", "exec"), names)
    if "add_features" in names:
        made = names["add_features"](pd.DataFrame({"rooms": [6.0], "persons": [2.0]}))
        assert made["rooms_per_person"].tolist() == [3.0]
    else:
        metric = names["my_score"]
        assert isinstance(metric, Metric)
        right = pd.Series(["a b", "c"] if metric.needs == "string" else [1.0, 2.0]).to_numpy()
        assert metric.fn(right, right) == 1.0


# What cannot be run.


def typed(code, is_transcript):
    """The commands of a block, each as words without comments and without what stands in front of `aicomp`."""
    for line in code.replace("\\\n", " ").splitlines():
        if is_transcript and not line.startswith("$ "):
            continue
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        words, command = iter([*lexer, ";"]), []
        for word in words:
            if set(word) <= set("<>"):
                next(words)  # the file
            elif set(word) <= set("|&;()"):
                if word != "||":  # what stands before it is shown to fail
                    yield from from_aicomp(command)
                command = []
            else:
                command.append(word)


def from_aicomp(words):
    if "aicomp" in words and not words[0].startswith(("pip", "git")):
        yield words[words.index("aicomp") + 1 :]


def shown():
    """All that is shown as typed: blocks, and spans of code such as `aicomp runs clean`."""
    for page in pages():
        text = read(page)
        for language, code in fenced(text):
            if language in ("bash", "console") or (language == "" and "aicomp" in code):
                for words in typed(code, language == "console"):
                    yield page, words
        for span in re.findall(r"(?<!`)`(aicomp [^`]+)`(?!`)", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)):
            for words in typed(span.replace("\n", " "), is_transcript=False):
                yield page, words


def found_command(words):
    """The parser of a command, and the words behind its name."""
    command, rest = PROGRAM, list(words)
    while rest and hasattr(command, "commands") and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
    return command, rest


def mistakes(words):
    """What of a typed command the program does not know."""
    command, rest = found_command(words)
    if command.name == "aicomp" and rest and not rest[0].startswith("-"):
        return [] if rest[0].isupper() else [f"command {rest[0]}"]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "--install-completion"}
    flags = [word.split("=")[0] for word in rest if re.match(r"-[-a-z]", word)]
    sets = [word for before, word in pairwise(rest) if before == "--set"]
    wrong = [f"option {flag}" for flag in flags if flag not in known]
    return wrong + [f"key {pair}" for pair in sets if not is_key(pair.split("=")[0])]


def is_key(key):
    """Whether `aicomp.toml` has a key; what a model's own parameters are is not looked at."""
    if not re.fullmatch(r"[a-z_.]+", key):
        return key.isupper() or key.split(".")[-1].isupper() or key in ("key", "columns.NAME")
    return any(has_key(struct, key.split(".")) for struct in (Config, SimulationConfig))


def has_key(struct, names):
    types = {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
    if names[0] not in types:
        return False
    inner = types[names[0]]
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return len(names) > 1 and has_key(inner, names[1:])
    return len(names) == 1 or "dict" in str(inner)


def test_what_is_shown_as_typed_exists():
    found = [(page, words) for page, words in shown()]
    assert len(found) > 200
    wrong = [f"{page}: `aicomp {shlex.join(words)}`: no such {m}" for page, words in found for m in mistakes(words)]
    assert wrong == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("train --set training.epochs=20 --json", []),
        ("trian", ["command trian"]),
        ("train --tme-limit 20s", ["option --tme-limit"]),
        ("runs clean --keep 20", []),
        ("runs clean --sort mean", ["option --sort"]),
        ("train --set training.epoch=3", ["key training.epoch=3"]),
        ("train --set model.params.anything=3", []),
        ("COMMAND --help", []),
    ],
)
def test_how_a_command_is_judged(line, wrong):
    assert mistakes(line.split()) == wrong


def test_a_transcript_is_read_up_to_its_comment():
    code = "$ cd a && aicomp train \\\n    --json  # aicomp tune\nsaid: aicomp runs\n$ A=1 aicomp runs | less\n"
    assert list(typed(code, is_transcript=True)) == [["train", "--json"], ["runs"]]


def test_what_is_shown_to_fail_is_not_read():
    assert list(typed('aicomp tran || echo "$?"\naicomp runs\n', is_transcript=False)) == [["runs"]]
