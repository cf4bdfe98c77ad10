"""`aicomp train --plan`: the memory that a training would take, and what to change if it is not there."""

from typing import TYPE_CHECKING, Any

import typer

from aicomp.cli.output import Output
from aicomp.errors import UsageError

if TYPE_CHECKING:
    from aicomp.engine.memory_plan import MemoryPlan
    from aicomp.project import Project

_PARTS = (
    ("weights", "weights and buffers"),
    ("gradients", "gradients"),
    ("optimizer", "the optimizer's state"),
    ("kept", "the best epoch's weights, and averages"),
    ("activations", "what the forward pass keeps for the backward pass"),
)


def show_plan(project: "Project", output: Output) -> None:
    """Count and tell; the process ends with 2 if the memory is not there.

    Raises:
        UsageError: The model is no network, or an option has no effect here.
    """
    from aicomp.engine.memory_plan import plan_memory

    plan = plan_memory(project)
    hint = hint_of(plan)
    output.result(_content(plan, hint), *_lines(plan, hint))
    if not plan.fits:
        raise typer.Exit(2)


def check_plan_alone(*, time_limit: str | None, seeds: int) -> None:
    """Refuse options that say how to train.

    Raises:
        UsageError: The first of them.
    """
    for name, is_given in (("--time-limit", time_limit is not None), ("--seeds", seeds > 1)):
        if is_given:
            raise UsageError(f"`--plan` trains nothing, and `{name}` would have no effect", "leave one of them out")


def hint_of(plan: "MemoryPlan") -> str:
    """What to change, as it is typed; "" if it fits."""
    if plan.fits:
        return ""
    if not plan.changes:
        return "no smaller micro-batch fits either: take a smaller model, or a machine with more memory"
    return "aicomp train " + " ".join(f"--set {entry}" for entry in plan.changes)


def _content(plan: "MemoryPlan", hint: str) -> dict[str, Any]:
    found = plan.footprint
    return {
        "fits": plan.fits,
        "hint": hint,
        "device": plan.device,
        "free": plan.free,
        "total": plan.total,
        "processes": plan.processes,
        "per_process": plan.per_process,
        "process": plan.process,
        "allocator": plan.allocator,
        "rest": plan.rest,
        "parameters": found.parameters,
        "trained": found.trained,
        "rows": found.rows,
        "length": found.length,
        **{name: getattr(found, name) for name, _ in _PARTS},
        "peak": found.peak,
        "traced": found.is_traced,
    }


def _lines(plan: "MemoryPlan", hint: str) -> list[str]:
    from aicomp.checkup import size_text
    from aicomp.cli.table import table_lines

    found = plan.footprint
    tokens = f" of {found.length} tokens" if found.length else ""
    rows = [[size_text(getattr(found, name)), what] for name, what in _PARTS]
    rows.append([size_text(found.peak), "most of these at once, and what operations need for a moment"])
    if plan.allocator:
        rows.append([size_text(plan.allocator), "what the C library keeps of what was freed, as measured"])
    what = "Python, its packages and the rows" if plan.device == "cpu" else "the rows"
    rows.append([size_text(plan.process), what])
    lines = [
        f"{found.parameters:,} parameters, {found.trained:,} of them trained; {found.rows} rows{tokens} at a time",
        *table_lines(["memory", "of one process"], rows),
        f"{size_text(plan.per_process)} a process, {plan.processes} at a time: {size_text(plan.total)} of "
        f"{size_text(plan.free)} free on the {plan.device}",
    ]
    if not found.is_traced:
        lines.append("note: counted on real steps: this network looks at numbers to decide what to do")
    return [*lines, "fits" if plan.fits else f"does not fit; hint: {hint}"]
