"""What is needed to run a run again, and what has changed since."""

import hashlib
import shlex
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from aicomp.config import Config
from aicomp.errors import DataError, UsageError
from aicomp.project import CONFIG_FILE, AnyProject
from aicomp.provenance import git_state
from aicomp.raw_data import data_hash
from aicomp.run import Run
from aicomp.scaffold import template_folder
from aicomp.simulation.config import SimulationConfig
from aicomp.toml_files import read_toml, to_struct
from aicomp.tuning.values import as_toml

_NOT_DECISIVE = ("workers", "notebook", "tune")
"""Parts of a config that change nothing of what comes out; see `provenance.describe`."""


@dataclass(frozen=True)
class Difference:
    """An entry that differs.

    Attributes:
        key: With dots.
        before: What it is elsewhere; None for absent.
        now: What it is in the run; None for absent.
    """

    key: str
    before: Any
    now: Any


@dataclass(frozen=True)
class Origin:
    """Where a run comes from, seen from today.

    Attributes:
        template: Entries of the config in which it differs from the template of the project.
        template_problem: Why that is not known; else empty.
        config: Entries in which it differs from the project's `aicomp.toml` of today.
        code_changed: Whether the project's Python files are others.
        data_changed: Whether the files in `data/raw/` are others; None where there are none.
        versions: Packages whose version here is another.
        commit: Commit of the project's repository today; None outside git.
        commands: What to type.
        remarks: What a command cannot say, as sentences.
    """

    template: tuple[Difference, ...]
    template_problem: str
    config: tuple[Difference, ...]
    code_changed: bool
    data_changed: bool | None
    versions: tuple[Difference, ...]
    commit: str | None
    commands: tuple[str, ...]
    remarks: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def find_origin(project: AnyProject, run: Run) -> Origin:
    """Compare a run with its template and with the project as it is now.

    Raises:
        UsageError: `aicomp.toml` is wrong.
    """
    info = run.info
    kind = SimulationConfig if info.get("kind") == "agent" else Config
    own = dict(info["config"])
    if run.kind in ("blend", "saved"):
        del own["model"]  # names what made the predictions, which no entry of a file could
    template, problem = _template(own, kind)
    config = tuple(_differences(_config_of(project.folder / CONFIG_FILE, kind), own))
    code_changed = project.code_hash() != info["code_hash"]
    changed: bool | None = False  # a simulation has none
    if run.kind != "agent":
        try:
            changed = data_hash(project.folder) != info["data_hash"]
        except DataError:
            changed = None  # there is no data here, which is told as such
    state = git_state(project.folder)
    commands, remarks = _commands(run, info, config)
    return Origin(
        template=template,
        template_problem=problem,
        config=config,
        code_changed=code_changed,
        data_changed=changed,
        versions=tuple(_other_versions(info["versions"])),
        commit=None if state is None else state["commit"],
        commands=tuple(commands),
        remarks=tuple(remarks),
    )


def _template(config: dict[str, Any], kind: type[msgspec.Struct]) -> tuple[tuple[Difference, ...], str]:
    try:
        made = _config_of(template_folder(config["template"]) / CONFIG_FILE, kind)
    except UsageError as e:
        return (), e.message
    return tuple(_differences(made, config)), ""


def _config_of(path: Path, kind: type[msgspec.Struct]) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.to_builtins(to_struct(read_toml(path), kind, path.name))
    return content


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[Difference]:
    both = set(before) & set(now) - set(_NOT_DECISIVE)
    flat_before, flat_now = (_flat({k: v for k, v in c.items() if k in both}) for c in (before, now))
    keys = dict.fromkeys([*flat_before, *flat_now])
    return [
        Difference(".".join(key), flat_before.get(key), flat_now.get(key))
        for key in keys
        if _listed(flat_before.get(key)) != _listed(flat_now.get(key))
    ]


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _flat(tree: dict[str, Any], prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in tree.items():
        found |= _flat(value, (*prefix, key)) if isinstance(value, dict) else {(*prefix, key): value}
    return found


def _other_versions(versions: dict[str, str]) -> list[Difference]:
    found = []
    for package, then in versions.items():
        try:
            now: str | None = version(package)
        except PackageNotFoundError:
            now = None
        if now != then:
            found.append(Difference(package, now, then))
    return found


def requirements(run: Run) -> list[str]:
    """Lines for pip: what the run recorded; the part of a version behind "+" names a build, which an index lacks."""
    lines = []
    for package, found in run.info["versions"].items():
        public, plus, build = found.partition("+")
        lines.append(f"{package}=={public}" + (f"  # build {build}" if plus else ""))
    return lines


def _commands(run: Run, info: dict[str, Any], config: tuple[Difference, ...]) -> tuple[list[str], list[str]]:
    """Commands that make the run again in the project, and what they cannot say."""
    name = info["config"]["model"]["name"]
    if run.kind == "saved":
        remark = (
            f"Its predictions were saved by `Run.create({name!r})` and come from code that the run does not hold: run "
            "that again."
        )
        return [], [remark]
    if run.kind == "blend":
        details = info["blend"]
        members = [str(m["run"]) for m in details["members"]]
        options = ["--method", details["method"]]
        options += ["--bags", str(details["n_bags"])] if details["n_bags"] != 1 else []
        options += ["--nonnegative"] if details["nonnegative"] else []
        remark = "Its members must be there: the report of each says how to make it."
        return [shlex.join(["aicomp", "blend", *members, *options])], [remark]
    words, remarks = ["aicomp", "train"], []
    pseudo = info["config"].get("pseudo", {}).get("run", "")
    for d in config:
        if d.key == "pseudo.run":
            continue
        if d.now is None or "=" in d.key or any(c.isspace() for c in d.key):
            now = "absent" if d.now is None else as_toml(d.now)
            remarks.append(f"`--set` cannot say that `{d.key}` is {now}: write it into `{CONFIG_FILE}`.")
        else:
            words += ["--set", f"{d.key}={as_toml(d.now)}"]
    words += ["--pseudo", pseudo] if pseudo else []
    return [shlex.join(words)], remarks


def hashes(run: Run) -> list[tuple[str, str]]:
    """SHA-256 of what the run holds that matters: folds, predictions and weights."""
    paths = [run.folder / name for name in ("folds.csv", "oof.csv", "test.csv", "weights.safetensors")]
    paths += sorted(run.folder.glob("folds/*/weights.safetensors"), key=lambda p: (len(p.parts[-2]), p.parts[-2]))
    return [(p.relative_to(run.folder).as_posix(), _sha256(p)) for p in paths if p.is_file()]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
