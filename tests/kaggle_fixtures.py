"""Fixtures that keep Kaggle's client on this machine, whatever the real home folder holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kaggle_server import TOKEN, KaggleServer, kaggle_server


@pytest.fixture
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder and no variables; returns the folder where Kaggle's files would lie."""
    home = tmp_path / "home"
    (home / ".kaggle").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    names = ("API_TOKEN", "USERNAME", "KEY", "CONFIG_DIR", "API_ENVIRONMENT", "KERNEL_RUN_TYPE")
    for name in ("AICOMP_HOST", "AICOMP_TOKEN", *(f"KAGGLE_{n}" for n in names), "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home / ".kaggle"


@pytest.fixture
def server(no_credentials: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    """A local Kaggle, to which the client talks with a token and without pauses."""
    from kagglesdk import kaggle_env

    with kaggle_server() as running:
        monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, running.url)
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        for pause in ("patience.FIRST_PAUSE", "submit.LOOK_PAUSE", "submissions.FIRST_POLL"):
            monkeypatch.setattr(f"aicomp.kaggle.{pause}", 0.0)
        yield running
