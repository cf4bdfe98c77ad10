"""Competitions that aicomp knows by name: the bundled folders `competitions/<slug>/`, and those of plugins."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.competition import Competition, load_competition
from aicomp.embedded import TABLES, split_table
from aicomp.errors import UsageError
from aicomp.files import atomic_write
from aicomp.registry import plugins, resolve
from aicomp.resources import bundled, bundled_names

if TYPE_CHECKING:
    import pandas as pd

CONTRACT_FILE = "competition.toml"

_N_NEAR = 3


@dataclass(frozen=True)
class CatalogueEntry:
    """What is known about one competition.

    A plugin's entry point in the group `aicomp.competitions` is such an object, its name the slug.

    Attributes:
        competition: The contract.
        folder: Folder with `competition.toml` and `README.md`.
        table: Makes the whole table, targets included and without ids, for a competition of host "local"; None for
            one whose data has to be downloaded.
    """

    competition: Competition
    folder: Path
    table: "Callable[[], pd.DataFrame] | None" = None

    @classmethod
    def from_folder(cls, folder: Path, table: "Callable[[], pd.DataFrame] | None" = None) -> "CatalogueEntry":
        """The entry whose contract lies in `folder`.

        Raises:
            UsageError: There is no `competition.toml`, or it is wrong.
        """
        return cls(load_competition(folder / CONTRACT_FILE), folder, table)

    def write_data(self, folder: Path) -> None:
        """Write train, test and sample submission, under the names that the contract gives them.

        The targets of test are in none of them. A simulation has no files.

        Raises:
            UsageError: aicomp has no data of this competition.
            AicompError: The disk is full or the folder cannot be written.
        """
        if self.competition.is_simulation:
            return
        files = self.competition.files
        train, test = self._split()
        visible = test.drop(columns=list(self.competition.target))
        for name, frame in ((files.train, train), (files.test, visible), (files.sample_submission, self._sample(test))):
            atomic_write(folder / name, frame.to_csv(index=False, lineterminator="\n"))

    def hidden_solution(self) -> "pd.DataFrame":
        """Ids and targets of test, as strings.

        Raises:
            UsageError: aicomp does not know them.
        """
        columns = [*self.competition.id, *self.competition.target]
        return self._split()[1][columns].astype(str)

    def _split(self) -> "tuple[pd.DataFrame, pd.DataFrame]":
        c = self.competition
        if c.is_simulation:
            raise UsageError(f"`{c.slug}` is a simulation: it has no rows", "`aicomp submit` grades an agent")
        if c.host != "local" or self.table is None:
            raise UsageError(
                f"aicomp has no data of `{c.slug}`, and does not know its hidden part",
                f"download it from {c.url}" if c.url else "`aicomp list competitions` shows which are embedded",
            )
        table = self.table()
        return split_table(table, c.slug, list(table[c.target[0]].astype(str)) if c.labels else None)

    def _sample(self, test: "pd.DataFrame") -> "pd.DataFrame":
        """The ids with one constant in every row, the same for all competitions of a kind."""
        c = self.competition
        constant: str | float = 0.0
        if c.submission.wants == "label":
            constant = c.labels[0] if c.labels else 0
        elif c.submission.wants == "string":
            constant = "-"
        elif c.submission.wants == "probability":
            constant = 1 / len(c.prediction_columns) if c.submission.sum_to_one else 0.5
        return test[list(c.id)].assign(**dict.fromkeys(c.prediction_columns, constant))[list(c.submission.columns)]


def names() -> list[str]:
    """Slugs of all competitions, bundled and of plugins, sorted."""
    return sorted({*bundled_names("competitions"), *plugins("competition")})


def _is_bundled(slug: str) -> bool:
    """Whether a slug has a folder of its own, without looking at all of them."""
    is_name = slug != "" and slug == Path(slug).name and not slug.startswith(("_", "."))
    return is_name and (bundled("competitions") / slug).is_dir()


def embedded_names() -> list[str]:
    """Slugs that need no download: the data is made by aicomp or a plugin, or there is none."""
    return sorted(name for name in names() if is_embedded(name))


def is_embedded(slug: str) -> bool:
    """Whether a slug is in the catalogue and needs no download, unlike an entry of a competition of Kaggle."""
    if not _is_bundled(slug):
        return slug in plugins("competition")
    return slug in TABLES or load(slug).competition.is_simulation


def known_contract(slug: str) -> Competition | None:
    """The contract that the catalogue has of a competition of Kaggle, None if it has none."""
    if not _is_bundled(slug) or is_embedded(slug):
        return None
    return load(slug).competition


def load(slug: str) -> CatalogueEntry:
    """What is known about one competition.

    Raises:
        UsageError: No such competition (with up to three that it may mean), or a plugin's is none.
    """
    if _is_bundled(slug):  # first: looking for plugins takes longer than reading an entry
        return CatalogueEntry.from_folder(bundled("competitions") / slug, TABLES.get(slug))
    if slug not in names():
        raise _unknown(slug)
    found: Any = resolve("competition", slug, {})
    if isinstance(found, CatalogueEntry):
        return found
    raise UsageError(
        f"competition `{slug}` of a plugin is of type `{type(found).__name__}`, not `CatalogueEntry`",
        "let its entry point name an `aicomp.catalogue.CatalogueEntry`",
    )


def _unknown(slug: str) -> UsageError:
    """The error for a slug that no competition has: one that is nearly it, those whose slug or title has its words."""
    from difflib import get_close_matches

    words = re.findall(r"[a-z0-9]+", slug.casefold())
    said = {
        name: f"{name} {load(name).competition.title} {name.replace('-', '')}".casefold()
        for name in bundled_names("competitions")
    }
    named = [
        name for name, text in said.items() if words and (all(word in text for word in words) or "".join(words) in text)
    ]
    named.sort(key=lambda name: (not set(words) <= set(name.casefold().split("-")), len(name)))
    same = [name for name in named if re.sub(r"[^a-z0-9]", "", name.casefold()) == "".join(words)]
    typo = get_close_matches(slug, names(), n=1, cutoff=0.8)
    near = same or [*dict.fromkeys([*typo, *named])][:_N_NEAR]
    near = near or get_close_matches(slug, names(), n=_N_NEAR, cutoff=0.6)
    *first, last = [f"`{name}`" for name in near] or [""]
    guess = f"did you mean {', '.join(first)}{' or ' if first else ''}{last}? " if last else ""
    return UsageError(f"unknown competition `{slug}`", f"{guess}`aicomp list competitions` shows all")


def hidden_solution(slug: str) -> "pd.DataFrame":
    """Ids and targets of the test rows of an embedded competition, as strings.

    Raises:
        UsageError: No such competition, or aicomp does not know its hidden part.
    """
    return load(slug).hidden_solution()
