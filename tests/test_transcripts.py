"""Commands that pages show as typed in a terminal, tried where a small project and some rows are all that they need."""

import shlex
from pathlib import Path

import numpy as np
import pytest
from doc_blocks import blocks
from test_doc_blocks import typed

import aicomp
from aicomp.cli.main import main

ROOT = Path(__file__).parent.parent

TRIED = {
    "README.md": [
        "competition new rents --train rents.csv --target rent --into competitions",
        "host check competitions/rents",
        "runs compare 20260302 20260303 --output compare.html",
        "runs note 20260302 'without the date'",
        "runs tag 20260302 keep baseline",
        "list competitions --template text",
        "show spooky-author-identification",
    ],
    "docs/hosting.md": [
        "competition new apartment-rents --train rents.csv --target rent --into competitions",
        "host check competitions/apartment-rents",
        "host team 'Ada'\"'\"'s team' competitions",
    ],
    "docs/metrics.md": ["score solution.csv submission.csv --metric wmae --column weight=is_holiday"],
    "docs/plugin/README.md": ["list metrics --search worst"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with two runs of known names, and the tables that the commands read."""
    folder = tmp_path_factory.mktemp("shown") / "project"
    assert main(["init", "iris", "--into", str(folder), "--json"]) == 0
    n_train, n_test = (
        len((folder / "data" / "raw" / f"{name}.csv").read_text().splitlines()) - 1 for name in ("train", "test")
    )
    rng = np.random.default_rng(0)
    for name in ("20260302", "20260303"):
        draft = aicomp.Run.create("shown", project=folder)
        run = draft.save(oof=rng.dirichlet([1, 1, 1], n_train), test=rng.dirichlet([1, 1, 1], n_test))
        run.folder.rename(run.folder.with_name(f"{name}-120000"))
    area, age = rng.integers(20, 120, 600), rng.integers(0, 80, 600)
    rent = 9.5 * area - 4 * age + rng.normal(600, 150, 600)
    rows = (f"{a},{b},{c:.0f}" for a, b, c in zip(area, age, rent, strict=True))
    (folder / "rents.csv").write_text("\n".join(["area,age,rent", *rows, ""]))
    (folder / "solution.csv").write_text("id,sales,is_holiday\n1,10,5\n2,20,1\n")
    (folder / "submission.csv").write_text("id,sales\n1,11\n2,26\n")
    return folder


@pytest.mark.parametrize("page", TRIED)
def test_what_is_shown_can_be_typed(project, monkeypatch, capsys, page):
    monkeypatch.chdir(project)
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = {shlex.join(words) for code in blocks(text, "console") for words in typed(code, is_transcript=True)}
    for line in TRIED[page]:
        assert line in shown, f"{page} shows it no more"
        code = main(shlex.split(line))
        said = capsys.readouterr()
        assert code == 0, f"{line}\n{said.out}{said.err}"
        assert "Traceback" not in said.err
    if page == "docs/metrics.md":
        assert f"{(5 * 1 + 1 * 6) / 6:.4f}" in said.out
