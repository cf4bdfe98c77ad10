// Live tables: a small JSON says whether anything changed; if so the page is fetched again and the rows are merged.
//
// <section data-live="URL of the JSON" data-version="..." data-every="seconds"> holds rows with
//   data-key    which row it is
//   data-state  what must differ for the row to flash and to be read aloud
//   data-say    the sentence that is read aloud
// and parts (data-part="name") that are replaced as a whole.
import { refreshTimes } from "./times.js";

const PENDING = 1; // seconds, while something is being scored
const SLOWEST = 60;

export function watchLive() {
  for (const section of document.querySelectorAll("[data-live]")) new Live(section).start();
}

class Live {
  constructor(section) {
    this.section = section;
    this.every = Number(section.dataset.every);
    this.failures = 0;
    this.paused = false;
    this.timer = undefined;
    this.bar = section.querySelector(".live");
    this.announcer = section.querySelector("[data-announcer]");
  }

  start() {
    const button = this.bar.querySelector("button");
    this.bar.hidden = false;
    button.addEventListener("click", () => {
      this.paused = !this.paused;
      button.textContent = this.paused ? "Resume updates" : "Pause updates";
      this.show(this.paused ? "paused" : "live");
      if (!this.paused) this.check();
    });
    document.addEventListener("visibilitychange", () => document.hidden || this.check());
    document.addEventListener("submitted", () => this.check());
    this.show("live");
    this.plan();
  }

  show(mode) {
    this.bar.dataset.mode = mode;
    const words = { live: "Live", paused: "Paused", offline: "Not connected; trying again", ended: "Signed out: reload the page" };
    this.bar.querySelector("span:not(.dot)").textContent = words[mode];
  }

  plan() {
    clearTimeout(this.timer);
    const every = this.section.querySelector(".tag.pending") ? PENDING : this.every;
    const wait = Math.min(every * 2 ** this.failures, SLOWEST);
    this.timer = setTimeout(() => this.check(), wait * 1000);
  }

  async check() {
    if (this.paused || document.hidden || this.busy) {
      this.plan();
      return;
    }
    this.busy = true;
    try {
      await this.update();
      this.failures = 0;
      if (!this.paused) this.show("live");
    } catch (error) {
      this.failures += 1;
      this.show(error.message === "401" ? "ended" : "offline");
    } finally {
      this.busy = false;
      this.plan();
    }
  }

  async update() {
    const answer = await get(this.section.dataset.live, "application/json");
    const { version } = await answer.json();
    if (version === this.section.dataset.version) return;
    const page = await get(location.pathname + location.search, "text/html");
    const parsed = new DOMParser().parseFromString(await page.text(), "text/html");
    const fresh = parsed.querySelector("[data-live]");
    if (!fresh) throw new Error("401");
    if (fresh.dataset.live !== this.section.dataset.live) location.reload(); // the deadline passed: another board
    this.merge(fresh);
    this.section.dataset.version = fresh.dataset.version;
  }

  merge(fresh) {
    const focused = document.activeElement?.id;
    for (const part of fresh.querySelectorAll("[data-part]")) {
      this.section.querySelector(`[data-part="${part.dataset.part}"]`)?.replaceWith(document.importNode(part, true));
    }
    const body = this.section.querySelector("[data-rows]");
    const said = body ? mergeRows(body, fresh.querySelector("[data-rows]")) : [];
    refreshTimes(this.section);
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
    if (said.length) this.announcer.textContent = said.slice(0, 3).join(". ");
  }
}

async function get(url, accept) {
  const answer = await fetch(url, { headers: { Accept: accept }, cache: "no-cache" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer;
}

/** Gives `body` the rows of `fresh`, marks those whose state differs, and returns what is to be said of them. */
function mergeRows(body, fresh) {
  const old = new Map([...body.children].map((row) => [row.dataset.key, row]));
  const said = [];
  const rows = [...fresh.children].map((row) => {
    const before = old.get(row.dataset.key);
    const after = document.importNode(row, true);
    if (before?.dataset.state !== after.dataset.state) {
      after.classList.add("changed");
      said.push(after.dataset.say);
    }
    return after;
  });
  body.replaceChildren(...rows);
  body.closest("table").hidden = fresh.closest("table").hidden;
  return said;
}
