// What plain forms cannot do; every page works without it.
"use strict";

// A form that takes a moment is sent once.
for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// One key a class: it presses the button that shows it, unless somebody writes.
document.addEventListener("keydown", (event) => {
  const other = event.ctrlKey || event.metaKey || event.altKey || event.repeat;
  if (other || event.target.matches("input, select, textarea")) return;
  document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`)?.click();
});

// The monitor is as new as it says, unless somebody reads a table by keyboard or has text selected.
const monitor = document.querySelector("main[data-refresh]");
if (monitor) {
  setInterval(async () => {
    const busy = document.hidden || monitor.contains(document.activeElement) || String(getSelection());
    if (busy) return;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer || !answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (fresh) monitor.replaceChildren(...fresh.childNodes);
  }, Number(monitor.dataset.refresh) * 1000);
}

// An example for programs is copied by a click.
for (const text of document.querySelectorAll("pre.copy")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  });
  text.after(button);
}
