"""One member on its way from a plan to a Run."""

from dataclasses import dataclass, field
from typing import Any, Literal

from aicomp.model_names import is_network
from aicomp.portfolio.members import Member
from aicomp.project import Project
from aicomp.run import Run

Status = Literal["waiting", "training", "done", "reused", "dropped", "failed"]


@dataclass
class Attempt:
    """A member and what became of it.

    Attributes:
        member: What is tried.
        status: How far it is.
        reason: Why it was dropped or failed, or what is worth knowing.
        project: The project with the member's config.
        run: Its run, None before and without it.
        n_folds: Number of folds.
        folds_done: Folds that are trained.
        seconds: Of its folds together.
        cv: Mean score.
        cap: Epochs or rounds that fitted into its share of the time; None if all did.
        weight: In the blend.
        budget: Seconds that a fold may take.
        tries: How often it was given up because too little of it would have fitted.
        details: For programs in this process: "error" of one that failed.
    """

    member: Member
    status: Status = "waiting"
    reason: str = ""
    project: Project | None = None
    run: Run | None = None
    n_folds: int = 0
    folds_done: int = 0
    seconds: float = 0.0
    cv: float | None = None
    cap: int | None = None
    weight: float | None = None
    budget: float = 0.0
    tries: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What people call it."""
        name = self.member.name
        if self.cap is None:
            return name
        told = f"{self.cap} {'epochs' if is_network(self.member.model) else 'rounds'}"
        return f"{name[:-1]}, {told})" if name.endswith(")") else f"{name} ({told})"

    @property
    def is_finished(self) -> bool:
        """Whether it has a run that is done."""
        return self.status in ("done", "reused")

    def to_dict(self) -> dict[str, Any]:
        """An entry of `plan` for programs."""
        config = self.project.config if self.project is not None else None
        return {
            "member": self.name,
            "model": self.member.model,
            "params": dict(config.model.params if config is not None else self.member.params),
            "seed": config.seed if config is not None else None,
            "status": self.status,
            "reason": self.reason,
            "cv": self.cv,
            "seconds": round(self.seconds, 1),
            "run": self.run.id if self.run is not None and self.is_finished else None,
            "weight": self.weight,
        }
