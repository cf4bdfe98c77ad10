"""What every page must keep in a browser: room on a phone, contrast, order of headings, labels, no foreign requests."""

from datetime import UTC, datetime, timedelta

import pytest
from browser import browser, console, needs_browser, requested, set_media, set_size, wait
from hosting import local_host, submission_text, write_competition
from page_look import CONTRAST, STRUCTURE
from selenium.webdriver.common.by import By

pytestmark = needs_browser
LONG = "averyveryverylongnamewithoutanyblankinit0123456789abcdefghijklmn"
DESCRIPTION = f"""# Task

Predict `{LONG * 2}` from [here](https://example.org/{LONG}).

| {" | ".join(f"column {i}" for i in range(12))} |
|{"---|" * 12}
| {" | ".join("1" for _ in range(12))} |

```
{LONG * 3}
```

> {LONG * 2}
"""


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    folder = tmp_path_factory.mktemp("competitions")
    now = datetime.now(UTC)
    facts = {"description": DESCRIPTION, "reward": "1000000 €", "category": "Getting started", "selection": "selected"}
    write_competition(folder / "open", title=LONG, deadline=now + timedelta(days=3), **facts)
    write_competition(folder / "closed", title="Closed", deadline=now - timedelta(days=3), **facts)
    write_competition(folder / "empty")
    (folder / "open" / f"{LONG}.csv").write_text("x\n")
    clock = [now - timedelta(days=4)]
    with local_host(folder, clock=lambda: clock[0]) as found:
        teams = [found.team(name) for name in ("Ada", LONG[:64], "Zoë", "Überfit", "Kernel panic", "k-means")]
        for i, team in enumerate(teams):
            for slug in ("open", "closed"):
                team.wait(team.submit(slug, submission_text([i] * 10), LONG * 4, f"{LONG}.csv"))
        clock[0] = now
        ada = teams[0]
        ada.wait(ada.submit("open", submission_text([3] * 10)))
        ada.wait(ada.submit("open", submission_text([3] * 9)))
        ada.wait(ada.submit("closed", submission_text([3] * 10)))
        found.tokens = {"ada": ada.token, "new": found.team("New", accept_rules=False).token, "long": teams[1].token}
        yield found


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


PAGES = [
    *(("guest", path) for path in ("/", "/sign-in", "/nothing")),
    *(("guest", f"/competitions/open/{tab}") for tab in ("data", "submissions")),
    *(("new", f"/competitions/open/{tab}") for tab in ("rules", "data", "submissions", "data/all")),
    *(("ada", f"/competitions/empty{tab}") for tab in ("", "/leaderboard", "/submissions")),
    *(("ada", f"/competitions/closed/{tab}") for tab in ("leaderboard", "submissions")),
    *(("ada", f"/competitions/open{tab}") for tab in ("", "/data", "/leaderboard", "/submissions", "/rules")),
    ("ada", "/"),
    ("long", "/competitions/open/leaderboard"),
]


@pytest.fixture(scope="module")
def session(driver, local):
    """Signs in once for all pages of one kind of visitor."""
    current = []

    def become(who):
        if current == [who]:
            return
        driver.delete_all_cookies()
        if who != "guest":
            driver.get(f"{local.url}/sign-in")
            driver.find_element(By.ID, "token").send_keys(local.tokens[who])
            driver.find_element(By.CSS_SELECTOR, "main button").click()
            wait(driver, "document.readyState === 'complete' && document.querySelector('.account form')")
        current[:] = [who]

    return become


@pytest.mark.parametrize(("who", "path"), PAGES, ids=lambda value: value.strip("/") or "index")
def test_a_page_is_well_made(driver, local, session, who, path):
    session(who)
    console(driver)
    requested(driver)
    set_size(driver, 320)
    driver.get(local.url + path)
    wait(driver, "document.readyState === 'complete' && document.body.scrollHeight > 0")
    assert driver.execute_script("return document.documentElement.scrollWidth") <= 320
    assert driver.execute_script(STRUCTURE) == []
    for scheme in ("light", "dark"):
        set_media(driver, prefers_color_scheme=scheme)
        n, poor = driver.execute_script(CONTRAST)
        assert n > 5
        assert poor == [], scheme
    grounds = []
    for scheme in ("light", "dark"):
        set_media(driver, prefers_color_scheme=scheme)
        grounds.append(driver.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert len(set(grounds)) == 2
    set_size(driver, 1280)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= 1280
    refused = {"/nothing": "404", "/competitions/open/data/all": "403"}.get(path)
    assert [line for line in console(driver) if refused is None or f"status of {refused}" not in line] == []
    addresses = requested(driver)
    assert f"{local.url}{path}" in addresses
    assert [address for address in addresses if not address.startswith(f"{local.url}/")] == []
