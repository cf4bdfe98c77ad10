"""A headless Chromium for tests of the host's pages, driven by selenium with the system's own chromedriver."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.support.ui import WebDriverWait

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
)
WAIT_SECONDS = 60

needs_browser = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="chromium or chromedriver is not installed",
)
"""Mark of tests that need a browser."""


@contextmanager
def browser(profile: Path, width: int = 1280, height: int = 900) -> Iterator[Chrome]:
    """A browser with an empty profile.

    Args:
        profile: Folder of the profile.
        width: Of the page, in CSS pixels; narrower than a window could be.
        height: As width.
    """
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options, ChromeService(str(shutil.which("chromedriver"))))
    try:
        set_size(driver, width, height)
        yield driver
    finally:
        driver.quit()


def set_size(driver: Chrome, width: int, height: int = 900) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def set_media(driver: Chrome, **features: str) -> None:
    """Emulate media features, such as prefers_color_scheme="dark"."""
    named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": named})


def wait(driver: Chrome, script: str, *arguments: Any) -> Any:
    """The first true value of a JavaScript expression."""
    condition = f"return ({script})"
    return WebDriverWait(driver, WAIT_SECONDS, poll_frequency=0.05).until(
        lambda d: d.execute_script(condition, *arguments), message=script
    )


def console(driver: Chrome) -> list[str]:
    """What the pages have written to the console since the last call; refused requests are among it."""
    return [entry["message"] for entry in driver.get_log("browser")]


def requested(driver: Chrome) -> set[str]:
    """Addresses of all requests since the last call."""
    events = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    return {e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"}
