// Goes on by itself once the answers are stored, and copies the code. Each has a visible button or
// link that works without this script.
const byId = (id) => document.getElementById(id);
const next = byId("famulus-next");
const delay = next && next.getAttribute("data-after-seconds");
if (delay !== null) {
  setTimeout(() => {
    // A field may be called "submit".
    if (next.tagName === "FORM") HTMLFormElement.prototype.submit.call(next);
    else location.replace(next.href);
  }, Number(delay) * 1000);
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
