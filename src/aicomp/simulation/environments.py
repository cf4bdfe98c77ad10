"""From the name in a contract to an environment: of Gymnasium, of Kaggle, or of the project itself."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicomp.errors import UsageError
from aicomp.registry import load_object
from aicomp.simulation.player.connect import Rules
from aicomp.simulation.self_play import SelfPlay, spaces_of
from aicomp.simulation.spaces import Spaces
from aicomp.simulation.vector import Environments, ManyAtOnce, VectorEnvironment

_KAGGLE = "kaggle:"
GAMES = {"kaggle:connectx": Rules()}
"""Games of two whose rules are known here, so that training needs no package of Kaggle."""


@dataclass(frozen=True)
class Arena:
    """Where an agent learns and plays.

    Attributes:
        name: As in the contract.
        folder: The project, for environments of its own.
    """

    name: str
    folder: Path

    @property
    def rules(self) -> Rules | None:
        """Of a game of two; None for any other environment."""
        return GAMES.get(self.name)

    def maker(self) -> Callable[[], Any]:
        """What makes one environment in Gymnasium's form.

        Raises:
            UsageError: There is no such environment, or it needs a package that is not installed.
        """
        if self.name.startswith(_KAGGLE):
            known = ", ".join(GAMES)
            raise UsageError(f"environment `{self.name}` is not known here", f"known of Kaggle's: {known}")
        if ":" in self.name:
            return _own(self.name, self.folder)
        return _of_gymnasium(self.name)

    def vector(self, n: int) -> VectorEnvironment:
        """N environments for training.

        Raises:
            UsageError: As `maker`; or what steps many at once does not begin single ones anew when it is told to.
        """
        if self.rules is not None:
            return SelfPlay(n, self.rules)
        many = self._many()
        return Environments(self.maker(), n, self.name) if many is None else ManyAtOnce(many(num_envs=n), self.spaces())

    @property
    def steps_many(self) -> bool:
        """Whether training steps many at once."""
        return self.rules is not None or self._many() is not None

    def _many(self) -> Callable[..., Any] | None:
        """What makes environments that are stepped at once: `vector_entry_point` of one of the project's own."""
        if ":" not in self.name or self.name.startswith(_KAGGLE):
            return None
        many: Callable[..., Any] | None = getattr(load_object(self.name, self.folder), "vector_entry_point", None)
        mode = getattr(many, "metadata", {}).get("autoreset_mode")
        if many is not None and getattr(mode, "name", mode) != "DISABLED":
            raise UsageError(
                f"`vector_entry_point` of `{self.name}` has the autoreset mode {getattr(mode, 'name', mode)}",
                'give it `metadata = {"autoreset_mode": AutoresetMode.DISABLED}`, and begin anew those of '
                '`options["reset_mask"]`',
            )
        return many

    def spaces(self) -> Spaces:
        """Observations and actions."""
        return spaces_of(self.rules) if self.rules is not None else Spaces.of(self.maker()(), self.name)


def _own(name: str, folder: Path) -> Callable[[], Any]:
    found = load_object(name, folder)
    if not callable(found):
        raise UsageError(f"`{name}` is no class or function", "name what makes an environment without arguments")

    def make() -> Any:
        try:
            return found()
        except Exception as e:  # the user's own code may raise anything
            raise UsageError(f"environment `{name}` cannot be made: {type(e).__name__}: {e}", "correct it") from e

    return make


def _of_gymnasium(name: str) -> Callable[[], Any]:
    try:
        import gymnasium
    except ImportError:
        raise UsageError(
            f"environment `{name}` is one of Gymnasium, which is not installed", "pip install 'aicomp[simulation]'"
        ) from None
    try:
        gymnasium.spec(name)
    except gymnasium.error.Error as e:
        near = _nearest(name, list(gymnasium.registry))
        raise UsageError(f"Gymnasium has no environment `{name}`: {e}", near or "correct `environment`") from e

    def make() -> Any:
        try:
            return gymnasium.make(name, disable_env_checker=True)
        except (gymnasium.error.Error, ImportError) as e:
            raise UsageError(f"environment `{name}` cannot be made: {e}", "install what it needs") from e

    return make


def _nearest(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else ""
