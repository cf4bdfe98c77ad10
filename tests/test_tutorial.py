"""The tutorial is followed from an empty folder to its end; what it says the program prints is what it prints."""

import re
from pathlib import Path

import numpy as np
import pytest
from doc_blocks import blocks, fenced, is_said, named_file, run_block

DOCS = Path(__file__).parent.parent / "docs"
TUTORIAL = (DOCS / "tutorial.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_it_can_be_followed_from_an_empty_folder(tmp_path):
    """Each block begins in the folder that the reader began in; Python is saved where its first line says."""
    output, n_compared = "", 0
    for language, code in fenced(TUTORIAL):
        if language == "python":
            (tmp_path / named_file(code)).write_text(code, encoding="utf-8")
        elif language == "bash":
            done = run_block(code, tmp_path)
            output += done.stdout + done.stderr
        elif language == "text":
            for line in code.splitlines():
                assert is_said(line, output), f"{line}\nis not in\n{output}"
                n_compared += 1
    assert n_compared > 30
    for page in ("breast-cancer/look.html", "classroom/fit.png", "classroom/regularizers.png", "classroom/check.html"):
        assert (tmp_path / page).stat().st_size > 10_000
    assert not (tmp_path / "classroom" / "network.py.bak").exists(), "the error is taken back"
    assert "(1.0 - features)" in (tmp_path / "classroom" / "network.py").read_text()
    for page in ("explain.html", "report.html"):
        assert len(list(tmp_path.glob(f"classroom/runs/*/{page}"))) == 1


def test_every_block_is_of_a_kind_that_is_run_compared_or_about_installing():
    assert {language for language, _ in fenced(TUTORIAL)} == {"bash", "python", "text", "console"}
    assert len(blocks(TUTORIAL, "console")) == 1
    assert all(named_file(code) for code in blocks(TUTORIAL, "python"))


@pytest.mark.parametrize(
    ("line", "said", "found"),
    [
        ("J 0.0206", "network J  0.0207 more", True),
        ("J 0.0206", "network J 0.0906", False),
        ("J 0.0206", "network K 0.0206", False),
        ("rate 0.4: J 4.78e+172", "rate 0.4: J 4.77e+172", True),
        ("rate 0.4: J 4.78e+172", "rate 0.4: J 4.78e+100", False),
        ("J 0.0206", "network J 0.0290", False),
        ("J 1", "3 models: J 1", True),
        ("J 2", "3 models: J 1", False),
    ],
)
def test_how_lines_are_compared(line, said, found):
    assert is_said(line, f"other 0.0206\n{said}\n") is found


def test_the_figures_of_the_line_by_hand():
    text = " ".join(TUTORIAL.split())
    x, y = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.1, 5.9])
    assert np.sum(y**2) == pytest.approx(55.62)
    assert "55.62 / 6 = 9.27" in text
    assert (np.sum(-y * x), np.sum(-y)) == pytest.approx((-27.9, -12.0))
    assert "-27.9 / 3 = -9.3" in text
    assert "-12 / 3 = -4" in text
    curvature = np.linalg.eigvalsh([[np.mean(x**2), np.mean(x)], [np.mean(x), 1.0]]).max()
    assert f"2 / {curvature:.2f} = {2 / curvature:.2f}" in text


@pytest.mark.parametrize("name", ["tutorial.md", "tutorial.zh.md"])
def test_every_link_leads_to_a_file(name):
    links = re.findall(r"\]\(([^)#]+)\)", (DOCS / name).read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert (DOCS / link).is_file(), link
