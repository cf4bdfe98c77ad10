"""`lock.txt` of a run: every installed package with its version, as pip reads it."""

import json
import platform
import re
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path

LOCK_FILE = "lock.txt"
"""In a run's folder."""

_LINE = re.compile(r"^(?:# )?([a-z0-9][a-z0-9-]*)==([^\s#]+)(?:  # build (\S+))?(?:  # from .*)?$")


def normalized(name: str) -> str:
    """A package's name as indexes compare it (PEP 503).

    >>> normalized("Scikit_Learn")
    'scikit-learn'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def lock_text() -> str:
    """What is installed here, a line each, sorted by name; the same for the whole life of this process.

    The part of a version behind "+" names a build, which an index may lack: it stands behind `#`, and so does a package
    that came from a folder or a file, which pip could not find anywhere.
    """
    found: dict[str, str] = {}
    for distribution in distributions():
        name = distribution.metadata["Name"]
        if name is not None and normalized(name) not in found:  # the first one on the path is what is imported
            found[normalized(name)] = _line(normalized(name), distribution)
    header = [
        f"# python {platform.python_version()}",
        f"# platform {platform.platform()}",
        "# pip install -r lock.txt",
    ]
    return "\n".join([*header, *(found[name] for name in sorted(found))]) + "\n"


def read_lock(path: Path) -> dict[str, str]:
    """Versions by package, with the build where there is one."""
    return parse_lock(path.read_text(encoding="utf-8"))


def parse_lock(text: str) -> dict[str, str]:
    """See `read_lock`.

    >>> parse_lock("# python 3.12.1")
    {}
    >>> parse_lock("torch==2.9.0  # build cpu")
    {'torch': '2.9.0+cpu'}
    >>> parse_lock("# mine==1.0  # from a folder")
    {'mine': '1.0'}
    """
    matches = (_LINE.match(line) for line in text.splitlines())
    return {m[1]: m[2] + (f"+{m[3]}" if m[3] else "") for m in matches if m is not None}


def _line(name: str, distribution: Distribution) -> str:
    public, plus, build = distribution.version.partition("+")
    line = f"{name}=={public}" + (f"  # build {build}" if plus else "")
    origin = _origin(distribution)
    return f"# {line}  # from {origin}" if origin else line


def _origin(distribution: Distribution) -> str:
    """Where a package that no index has came from (PEP 610), without its place on this machine; else ""."""
    text = distribution.read_text("direct_url.json")
    if text is None:
        return ""
    content = json.loads(text)
    if "dir_info" in content:
        return "a folder"
    return "a repository" if "vcs_info" in content else "a file"
