"""The embedded competitions as hosted folders, and a team to try them with."""

import shutil
from pathlib import Path

from aicomp import __version__
from aicomp.catalogue import CatalogueEntry, load, names
from aicomp.files import atomic_write
from aicomp.host.database import FILE_NAME, Database
from aicomp.host.folder import CONTRACT_FILE, HOST_FILE
from aicomp.host.teams import create_team, renew_token, team_by_name

DEMO_TEAM = "demo"

_HOST_TOML = f'# made by aicomp {__version__}\nmax_daily_submissions = 100\ncategory = "Getting Started"\n'


def write_demo(folder: Path) -> None:
    """Write every embedded competition on rows as a hosted folder; one that is there already stays as it is.

    Raises:
        AicompError: The disk is full or the folder cannot be written.
    """
    for slug in names():
        entry = load(slug)
        marker = folder / slug / HOST_FILE
        if entry.competition.host != "local" or entry.competition.is_simulation:
            continue
        if not marker.is_file() or marker.read_text(encoding="utf-8") != _HOST_TOML:
            _write_competition(entry, folder / slug)
            atomic_write(marker, _HOST_TOML)  # last: it says that the folder is whole


def _write_competition(entry: CatalogueEntry, folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    entry.write_data(folder)
    solution = entry.hidden_solution().to_csv(index=False, lineterminator="\n")
    atomic_write(folder / "solution.csv", solution)
    atomic_write(folder / CONTRACT_FILE, (entry.folder / CONTRACT_FILE).read_bytes())
    readme = entry.folder / "README.md"
    if readme.is_file():
        atomic_write(folder / "description.md", readme.read_bytes())


def demo_team(state: Path, token: str | None) -> str:
    """The token of the team `demo`, which has accepted all rules; without one given, it gets a new one.

    Raises:
        UsageError: The token is too short, or another team's.
    """
    db = Database(state / FILE_NAME)
    try:
        team = team_by_name(db, DEMO_TEAM)
        if team is None:
            return create_team(db, DEMO_TEAM, accept_rules=True, token=token)
        return renew_token(db, team, token)
    finally:
        db.close()
