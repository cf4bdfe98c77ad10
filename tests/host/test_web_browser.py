"""Journeys through the pages in a browser: with the mouse, with the keyboard alone, and live updates."""

from datetime import UTC, datetime

import pytest
from browser import browser, console, needs_browser, requested, set_media, wait
from hosting import local_host, submission_text, write_competition
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

pytestmark = needs_browser
HOSTILE = "<script>document.title='harmed'</script>"
PERFECT, POOR = submission_text(range(10)), submission_text([5] * 10)


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    folder = tmp_path_factory.mktemp("competitions")
    for slug in ("mouse", "keys", "drop", "board", "pause", "plain"):
        write_competition(folder / slug, usage="PPPPPVVVVV", title=slug.title(), selection="selected")
    with local_host(folder, clock=lambda: datetime.now(UTC)) as found:
        yield found


@pytest.fixture(scope="module")
def shared_driver(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def driver(shared_driver):
    shared_driver.delete_all_cookies()
    console(shared_driver)
    requested(shared_driver)
    return shared_driver


def ready(driver, path):
    """Wait until a page with this path is loaded."""
    wait(driver, "document.readyState === 'complete' && location.pathname === arguments[0]", path)


def sign_in(driver, local, token, path="/"):
    driver.get(f"{local.url}/sign-in?next={path}")
    driver.find_element(By.ID, "token").send_keys(token)
    driver.find_element(By.CSS_SELECTOR, "main button").click()
    ready(driver, path)


def statuses(driver):
    return "[...document.querySelectorAll('.submissions tbody .tag')].map(t => t.textContent).join()"


def test_from_the_token_to_a_score_without_a_reload(driver, local, tmp_path):
    team = local.team(HOSTILE, accept_rules=False)
    driver.get(f"{local.url}/competitions/mouse/rules")
    driver.find_element(By.LINK_TEXT, "Sign in").click()
    ready(driver, "/sign-in")
    driver.find_element(By.ID, "token").send_keys(team.token)
    driver.find_element(By.CSS_SELECTOR, "main button").click()
    ready(driver, "/competitions/mouse/rules")
    driver.find_element(By.XPATH, "//button[.='I accept the rules']").click()
    wait(driver, "document.querySelector('.note[role=status]')")
    driver.find_element(By.LINK_TEXT, "Submissions").click()
    ready(driver, "/competitions/mouse/submissions")
    file = tmp_path / "<b>mine.csv"
    file.write_text(PERFECT)
    driver.execute_script("window.sameDocument = true")
    driver.find_element(By.ID, "file").send_keys(str(file))
    driver.find_element(By.ID, "description").send_keys(HOSTILE)
    driver.find_element(By.XPATH, "//button[.='Submit']").click()
    wait(driver, f"{statuses(driver)} === 'Scored'")
    row = driver.find_element(By.CSS_SELECTOR, ".submissions tbody tr").text
    assert HOSTILE in row
    assert "0.00000" in row
    assert "4 of 5 left today" in driver.find_element(By.CSS_SELECTOR, "[data-part=left]").text
    assert "scored 0.00000" in driver.find_element(By.CSS_SELECTOR, "[data-announcer]").get_attribute("textContent")
    assert driver.execute_script("return window.sameDocument") is True
    assert "harmed" not in driver.title
    assert console(driver) == []
    assert {u for u in requested(driver) if not u.startswith(f"{local.url}/")} == set()


DROP = """
const data = new DataTransfer();
for (const name of arguments[1]) data.items.add(new File([arguments[2]], name, { type: "text/csv" }));
for (const kind of ["dragenter", "dragover", "drop"])
  arguments[0].dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
"""


def test_a_dropped_file_is_submitted(driver, local):
    sign_in(driver, local, local.team("Drop").token, "/competitions/drop/submissions")
    box = driver.find_element(By.CSS_SELECTOR, ".drop")
    status = driver.find_element(By.CSS_SELECTOR, ".upload [role=status]")
    driver.execute_script(DROP, box, ["a.csv", "b.csv"], PERFECT)
    assert status.text == "Drop one file at a time."
    driver.execute_script(DROP, box, ["dropped.csv"], submission_text(range(9)))
    assert status.text == "dropped.csv is ready: press Submit."
    driver.find_element(By.XPATH, "//button[.='Submit']").click()
    wait(driver, f"{statuses(driver)} === 'Error'")
    row = driver.find_element(By.CSS_SELECTOR, ".submissions tbody tr").text
    assert "dropped.csv" in row
    assert "10 rows" in row
    assert status.text.startswith("dropped.csv arrived as submission ")
    assert console(driver) == []


def test_a_refused_upload_says_why_and_can_be_tried_again(driver, local):
    team = local.team("Refused")
    sign_in(driver, local, team.token, "/competitions/drop/submissions")
    for _ in range(5):
        team.submit("drop", PERFECT)
    driver.execute_script(DROP, driver.find_element(By.CSS_SELECTOR, ".drop"), ["a.csv"], PERFECT)
    driver.find_element(By.XPATH, "//button[.='Submit']").click()
    wait(driver, "document.querySelector('.upload [role=status].bad')")
    assert "daily Submission allowance" in driver.find_element(By.CSS_SELECTOR, ".upload [role=status]").text
    assert driver.find_element(By.XPATH, "//button[.='Submit']").is_enabled()


def test_another_teams_score_moves_the_board_without_a_reload(driver, local):
    ada, eve = local.team("Ada"), local.team("Eve")
    ada.wait(ada.submit("board", submission_text([4] * 10)))
    eve.wait(eve.submit("board", POOR))
    sign_in(driver, local, ada.token, "/competitions/board/leaderboard")
    teams = "[...document.querySelectorAll('.board tbody bdi')].map(t => t.textContent).join()"
    before = driver.execute_script(f"return {teams}")
    assert before == "Ada,Eve"
    assert driver.find_element(By.CSS_SELECTOR, "tr.own bdi").text == "Ada"
    driver.execute_script("window.sameDocument = true")
    eve.wait(eve.submit("board", PERFECT))
    wait(driver, f"{teams} === 'Eve,Ada'")
    flashing = driver.find_elements(By.CSS_SELECTOR, "tr.changed")
    assert [row.find_element(By.TAG_NAME, "bdi").text for row in flashing] == ["Eve"]
    assert driver.execute_script("return window.sameDocument") is True
    announcer = driver.find_element(By.CSS_SELECTOR, "[data-announcer]")
    assert announcer.get_attribute("textContent") == "Eve: rank 1, score 0.00000"
    assert announcer.get_attribute("aria-live") == "polite"
    assert "2nd" in driver.find_element(By.CSS_SELECTOR, ".standing").text
    animation = "getComputedStyle(document.querySelector('tr.changed > *')).animationName"
    set_media(driver, prefers_reduced_motion="no-preference")
    assert driver.execute_script(f"return {animation}") == "flash"
    set_media(driver, prefers_reduced_motion="reduce")
    assert driver.execute_script(f"return {animation}") == "none"
    set_media(driver)
    assert console(driver) == []


def test_updates_can_be_paused(driver, local):
    sign_in(driver, local, local.team("Watcher").token, "/competitions/pause/leaderboard")
    assert "Be the first" in driver.find_element(By.TAG_NAME, "main").text
    driver.find_element(By.XPATH, "//button[.='Pause updates']").click()
    mover = local.team("Mover")
    mover.wait(mover.submit("pause", PERFECT))
    requested(driver)
    driver.execute_script("document.dispatchEvent(new Event('submitted'))")
    assert driver.find_element(By.CSS_SELECTOR, ".live").get_attribute("data-mode") == "paused"
    assert not [url for url in requested(driver) if "leaderboard" in url]
    driver.find_element(By.XPATH, "//button[.='Resume updates']").click()
    wait(driver, "document.querySelector('.board tbody bdi')?.textContent === 'Mover'")
    assert driver.find_element(By.CSS_SELECTOR, ".board").is_displayed()


def focused(driver):
    """What has the keyboard's focus: its visible text, else its id."""
    element = driver.switch_to.active_element
    return element.text.strip() or element.get_attribute("id")


def tab_to(driver, name):
    """Press Tab until something is focused, and see that its focus shows."""
    for _ in range(40):
        ActionChains(driver).send_keys(Keys.TAB).perform()
        if focused(driver) == name:
            outline = "getComputedStyle(document.activeElement).outlineStyle"
            assert driver.execute_script(f"return {outline}") == "solid", name
            return driver.switch_to.active_element
    raise AssertionError(f"Tab never reaches {name}")


def test_everything_is_done_with_the_keyboard_alone(driver, local, tmp_path):
    team = local.team("Keys", accept_rules=False)
    driver.get(f"{local.url}/")
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert focused(driver) == "Skip to the content"
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert focused(driver).startswith("Competitions")
    tab_to(driver, "Keys").send_keys(Keys.ENTER)
    ready(driver, "/competitions/keys")
    tab_to(driver, "Sign in").send_keys(Keys.ENTER)
    ready(driver, "/sign-in")
    tab_to(driver, "token").send_keys(team.token, Keys.ENTER)
    ready(driver, "/competitions/keys")
    tab_to(driver, "Rules").send_keys(Keys.ENTER)
    ready(driver, "/competitions/keys/rules")
    tab_to(driver, "I accept the rules").send_keys(Keys.SPACE)
    wait(driver, "document.querySelector('.note[role=status]')")
    tab_to(driver, "Submissions").send_keys(Keys.ENTER)
    ready(driver, "/competitions/keys/submissions")
    tab_to(driver, "description").send_keys("by keys")
    file = tmp_path / "keys.csv"
    file.write_text(PERFECT)
    tab_to(driver, "file").send_keys(str(file))
    tab_to(driver, "Submit").send_keys(Keys.ENTER)
    wait(driver, f"{statuses(driver)} === 'Scored'")
    button = driver.find_element(By.CSS_SELECTOR, ".submissions button")
    tab_to(driver, button.text).send_keys(Keys.ENTER)
    wait(driver, "document.querySelector('.submissions button[aria-pressed=true]')")
    tab_to(driver, "Sign out").send_keys(Keys.ENTER)
    wait(driver, "document.readyState === 'complete' && !document.querySelector('.account form')")


def test_without_scripts_the_form_is_posted(driver, local, tmp_path):
    sign_in(driver, local, local.team("Plain").token, "/")
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.get(f"{local.url}/competitions/plain/submissions")
        assert not driver.find_element(By.CSS_SELECTOR, ".live").is_displayed()
        file = tmp_path / "plain.csv"
        file.write_text(PERFECT)
        driver.find_element(By.ID, "file").send_keys(str(file))
        driver.find_element(By.XPATH, "//button[.='Submit']").click()
        row = (By.CSS_SELECTOR, ".submissions tbody tr")
        driver.implicitly_wait(60)
        assert "plain.csv" in driver.find_element(*row).text
    finally:
        driver.implicitly_wait(0)
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
