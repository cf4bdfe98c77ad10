// Keeps "3 minutes ago" true. The server writes the same words (formats.py, `relative`).
const UNITS = [
  ["year", 31557600],
  ["month", 2629800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

export function relative(then, now) {
  const seconds = (then - now) / 1000;
  for (const [unit, size] of UNITS) {
    const n = Math.floor(Math.abs(seconds) / size);
    if (n >= 1) {
      const amount = `${n} ${unit}${n === 1 ? "" : "s"}`;
      return seconds < 0 ? `${amount} ago` : `in ${amount}`;
    }
  }
  return seconds <= 0 ? "just now" : "in less than a minute";
}

export function refreshTimes(root = document) {
  const now = Date.now();
  for (const time of root.querySelectorAll("time[data-relative]")) {
    const text = relative(Date.parse(time.dateTime), now);
    if (time.textContent !== text) time.textContent = text;
  }
}

export function watchTimes() {
  refreshTimes();
  setInterval(refreshTimes, 20000);
}
