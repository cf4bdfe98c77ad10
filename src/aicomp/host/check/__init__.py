"""`aicomp host check`: is a folder fit to be hosted, and does anything in it give the hidden targets away?"""

from pathlib import Path

from aicomp.errors import AicompError
from aicomp.host.check.problem import Problem, Severity, lines

__all__ = ["Problem", "Severity", "check_folder", "lines"]


def check_folder(folder: Path) -> list[Problem]:
    """Check a folder that is to be hosted: its form, then leaks of the hidden targets.

    Args:
        folder: With train, test, sample_submission, solution and `host.toml`.

    Returns:
        The problems, the worst first; none of severity "error" means that it can be hosted.
    """
    from aicomp.host.check.columns import check_columns
    from aicomp.host.check.form import check_form
    from aicomp.host.check.material import Material
    from aicomp.host.check.order import check_order
    from aicomp.host.check.overlap import check_overlap

    try:
        material = Material.read(folder)
    except AicompError as e:
        return [Problem("error", e.message, "", e.hint)]
    problems = [*check_form(material), *check_columns(material), *check_overlap(material), *check_order(material)]
    order = ("error", "warning", "note")
    return sorted(problems, key=lambda problem: order.index(problem.severity))
