// Goes on by itself, after a pause where there is something to read, and copies the code. Each has a
// visible button or link that works without this script.
const byId = (id) => document.getElementById(id);
const next = byId("famulus-next");
const delay = next && next.getAttribute("data-after-seconds");
if (delay !== null) goOn(Number(delay));
function goOn(pause) {
  const end = Date.now() + pause * 1000;
  const timer = setTimeout(() => {
    // A field may be called "submit".
    if (next.tagName === "FORM") HTMLFormElement.prototype.submit.call(next);
    else location.replace(next.href);
  }, pause * 1000);
  const shown = byId("famulus-goes-on");
  if (!shown) return;
  const ticks = setInterval(() => {
    byId("famulus-seconds").textContent = Math.max(Math.ceil((end - Date.now()) / 1000), 0);
  }, 200);
  byId("famulus-stay").addEventListener("click", () => {
    clearTimeout(timer);
    clearInterval(ticks);
    shown.hidden = true;
    (next.querySelector("button") || next).focus();
  });
  shown.hidden = false;
}
const copy = byId("famulus-copy");
const code = byId("famulus-completion-code");
if (copy && code) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch (error) {
      // Frames are often not allowed to use the clipboard.
      getSelection().selectAllChildren(code);
      document.execCommand("copy");
    }
    copy.textContent = copy.getAttribute("data-copied");
  });
}
