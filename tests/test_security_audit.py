"""docs/security.md: what is installed is pinned, and looked up among known vulnerabilities where that can be asked."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][A-Za-z0-9.+!]*)(\s*;.*)?")


def pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def audit(tmp_path, output, code=0, error=""):
    """What `.ci/audit` says of a `pip-audit` that answers so."""
    fake = tmp_path / "fake.py"
    fake.write_text(f"import sys\nprint({output!r})\nprint({error!r}, file=sys.stderr)\nsys.exit({code})\n")
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "audit"), sys.executable, str(fake)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.strip()


def answer(*packages):
    return json.dumps({"dependencies": list(packages), "fixes": []})


def test_every_version_is_pinned_once_and_comes_from_the_index():
    names = []
    for line in pins():
        found = PIN.fullmatch(line)
        assert found, f"`{line}` is no `name==version`"
        names.append(re.sub("[-_.]+", "-", found[1]).lower())
    assert len(names) == len(set(names))
    assert len(names) > 50


def test_every_dependency_has_a_pin():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {re.sub("[-_.]+", "-", PIN.fullmatch(line)[1]).lower() for line in pins()}
    tested = ("dev", "parquet", "boost", "text", "large", "seq2seq", "simulation", "keras")  # that `make` installs
    wanted = [*project["dependencies"], *(d for extra in tested for d in project["optional-dependencies"][extra])]
    names = {re.sub("[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", d)[0]).lower() for d in wanted if "!=" not in d}
    assert names - pinned == set()


def test_a_known_vulnerability_fails(tmp_path):
    vulnerable = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
    code, said = audit(tmp_path, answer({"name": "b", "version": "1", "vulns": []}, vulnerable), 1)
    assert (code, said) == (1, "vulnerable: a 1: CVE-1, corrected in 2")


def test_all_clear_is_said_of_what_was_looked_up_alone(tmp_path):
    known = {"name": "a", "version": "1", "vulns": []}
    assert audit(tmp_path, answer(known)) == (0, "audited: 1 packages, no known vulnerability")
    unknown = {"name": "b", "skip_reason": "Dependency not found on PyPI"}
    assert audit(tmp_path, answer(known, unknown)) == (
        0, "not audited: the database does not know 1 of 2 packages, such as b"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("output", "error"), [("", "ConnectionError: nobody answers"), ("<html>", "a login page"), ("[]", "")]
)
def test_a_database_that_cannot_be_asked_is_said_and_fails_nothing(tmp_path, output, error):
    code, said = audit(tmp_path, output, 1, error)
    assert code == 0
    assert said == f"not audited: {error or 'pip-audit ended with 1'}"
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "audit"), str(tmp_path / "absent")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.startswith("not audited: ")) == (0, True)


def test_continuous_integration_audits():
    assert "make audit || code=1" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
