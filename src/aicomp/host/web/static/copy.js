// A copy button beside each command, where the browser lets a page write to the clipboard.
export function offerCopy() {
  if (!navigator.clipboard) return;
  for (const command of document.querySelectorAll(".command")) {
    const button = command.querySelector("button");
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command.querySelector("code").textContent);
        button.querySelector("span").textContent = "Copied";
      } catch {
        button.querySelector("span").textContent = "Not copied";
      }
      setTimeout(() => (button.querySelector("span").textContent = "Copy"), 2000);
    });
  }
}
