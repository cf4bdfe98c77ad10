"""What every page must keep in a browser: room on a phone, contrast, order of headings, labels, no foreign requests."""

from pathlib import Path

from browser import console, requested, set_media, set_size, wait
from selenium.webdriver import Chrome

PHONE, DESKTOP = 360, 1280

CONTRAST = """
const channel = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return { rgb: n.slice(0, 3), a: n[3] ?? 1 }; };
const luminance = (rgb) => rgb.map((c) => channel(c / 255)).reduce((s, c, i) => s + c * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const { rgb, a } = parse(getComputedStyle(e).backgroundColor);
    if (a === 1) return rgb;
    if (a !== 0) throw new Error("a half-transparent ground cannot be judged");
  }
  return parse(getComputedStyle(document.documentElement).backgroundColor).rgb;
};
const poor = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let n = 0;
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest(".unseen, svg")) continue;
  const style = getComputedStyle(element);
  const [a, b] = [luminance(parse(style.color).rgb), luminance(ground(element))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  n += 1;
  if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${walker.currentNode.textContent.trim().slice(0, 40)}`);
}
return [n, poor];
"""

STRUCTURE = """
const problems = [];
const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((h) => Number(h.tagName[1]));
if (levels.filter((l) => l === 1).length !== 1 || levels[0] !== 1) problems.push(`h1: ${levels}`);
levels.forEach((l, i) => i && l > levels[i - 1] + 1 && problems.push(`headings: ${levels}`));
for (const field of document.querySelectorAll("input:not([type=hidden], [hidden]), select, textarea"))
  if (!field.labels.length) problems.push(`no label: ${field.outerHTML}`);
for (const control of document.querySelectorAll("a, button"))
  if (!control.textContent.trim()) problems.push(`no name: ${control.outerHTML}`);
for (const table of document.querySelectorAll("main table")) {
  if (!table.closest(".prose") && !table.caption) problems.push("a table without caption");
  for (const th of table.querySelectorAll("th:not([scope])"))
    if (!th.closest(".prose")) problems.push(`no scope: ${th.outerHTML}`);
}
for (const landmark of ["header", "main", "footer"])
  if (document.querySelectorAll(`body > ${landmark}`).length !== 1) problems.push(`landmark: ${landmark}`);
const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
if (new Set(ids).size !== ids.length) problems.push(`an id stands twice: ${ids}`);
for (const name of ["aria-labelledby", "aria-describedby"])
  for (const e of document.querySelectorAll(`[${name}]`))
    for (const id of e.getAttribute(name).split(" ")) if (!document.getElementById(id)) problems.push(`${name}: ${id}`);
if (!document.documentElement.lang) problems.push("no language");
return problems;
"""


def look_at(driver: Chrome, page: Path, shots: Path) -> None:
    """Open a page that lies in a file, check it, and take pictures of it: phone and desktop, light and dark.

    Args:
        driver: See `browser.browser`.
        page: The file.
        shots: Folder for the pictures, `<page>-<width>-<scheme>.png`, of the whole length of the page.
    """
    console(driver)
    requested(driver)
    shots.mkdir(parents=True, exist_ok=True)
    for width in (PHONE, DESKTOP):
        set_size(driver, width)
        driver.get(page.resolve().as_uri())
        wait(driver, "document.readyState === 'complete' && document.body.scrollHeight > 0")
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        assert driver.execute_script(STRUCTURE) == []
        for scheme in ("light", "dark"):
            set_media(driver, prefers_color_scheme=scheme)
            n, poor = driver.execute_script(CONTRAST)
            assert n > 5
            assert poor == [], (width, scheme)
            height = min(12_000, driver.execute_script("return document.documentElement.scrollHeight"))
            set_size(driver, width, height)
            driver.save_screenshot(str(shots / f"{page.stem}-{width}-{scheme}.png"))
            set_size(driver, width)
    assert console(driver) == []
    own = ("data:", "chrome:", "chrome-untrusted:")  # in the page itself, and of the browser's first tab
    addresses = {address for address in requested(driver) if not address.startswith(own)}
    assert addresses == {page.resolve().as_uri()}, addresses
