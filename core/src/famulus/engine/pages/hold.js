// Holds a submission while scripts of the page, which may validate the answers or fill fields in,
// wait for another host. What submits is kept, whole, and made again once they have run or failed,
// or after the limit, so that such a host keeps no worker from going on. It runs first in the
// head, so that no listener of the author's has seen what is made again. A button without a type is
// most often meant for something else, so only what it submits is held.
const limitSeconds = 20;
const ownScript = document.currentScript;
let held = null;
let busy = null;

function isTask(form) {
  return form && form.hasAttribute("data-storage-key");
}

function isWayOut(button) {
  return button && button.id === "famulus-give-back";
}

function show(button) {
  if (busy === button) return;
  if (busy) {
    busy.removeAttribute("aria-busy");
    busy.style.cursor = busy.style.opacity = "";
  }
  busy = button;
  if (busy) {
    busy.setAttribute("aria-busy", "true");
    busy.style.cursor = "progress";
    busy.style.opacity = "0.6";
  }
}

function hold(event, button, again) {
  event.preventDefault();
  event.stopImmediatePropagation();
  held = again;
  if (button) show(button);
}

function click(event) {
  const button = event.target.closest &&
    event.target.closest("input[type=submit], input[type=image], button[type=submit]");
  if (button && isTask(button.form) && !isWayOut(button)) {
    hold(event, button, () => button.click());
  }
}

function submit(event) {
  const form = event.target;
  const button = event.submitter;
  if (!isTask(form) || isWayOut(button)) return;
  hold(event, button, () => {
    if (button) button.click();
    else HTMLFormElement.prototype.requestSubmit.call(form);
  });
}

function release() {
  clearTimeout(limit);
  delete ownScript.hold;
  window.removeEventListener("click", click, true);
  window.removeEventListener("submit", submit, true);
  show(null);
  const again = held;
  held = null;
  if (again) again();
}

// A script that calls form.submit() raises no event.
ownScript.hold = (again) => { held = again; };
const limit = setTimeout(release, limitSeconds * 1000);
window.addEventListener("click", click, true);
window.addEventListener("submit", submit, true);
// Handlers of jQuery's ready() take one turn of the timers more.
document.addEventListener("DOMContentLoaded", () => setTimeout(() => setTimeout(release)));
