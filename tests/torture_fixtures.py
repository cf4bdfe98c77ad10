"""A host with one competition, and a place where commands on it are killed or run side by side."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from hosting import RunningHost, running_host
from synthetic import write_folder
from torture_cases import SLUG, Torture
from torture_hook import site


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    """`aicomp host` with one competition that trains in a moment, and a team."""
    hosted = tmp_path_factory.mktemp("hosted")
    folder = write_folder(hosted / SLUG, n_train=240, n_test=40)
    sample = (folder / "sample_submission.csv").read_text().splitlines()
    labels = np.random.default_rng(0).choice(["No", "Yes"], len(sample) - 1)
    rows = [f"{line.split(',')[0]},{label}" for line, label in zip(sample[1:], labels, strict=True)]
    (folder / "solution.csv").write_text("\n".join([sample[0], *rows]) + "\n")
    config = {"metric": "roc_auc", "max_daily_submissions": 1000, "category": "Getting Started"}
    (folder / "host.toml").write_text(tomli_w.dumps(config))
    with running_host(hosted, "Ada") as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, host: RunningHost) -> Torture:
    (tmp_path / "root").mkdir()
    (tmp_path / "home").mkdir()
    environment = {
        "AICOMP_TOKEN": host.tokens["Ada"],
        "AICOMP_CACHE": str(tmp_path / "root" / "cache"),
        "HOME": str(tmp_path / "home"),
        "no_proxy": "127.0.0.1",
    }
    return Torture(tmp_path / "root", site(tmp_path / "site"), environment)


@pytest.fixture
def project(place: Torture, host: RunningHost) -> Path:
    """A project, made without kills."""
    place.run("init", SLUG, "--host", host.url, "--into", "p")
    return place.root / "p"
