// Keys choose while no text field has the focus: 1 and 2 for the texts, 0 for a tie, Enter to submit.
(function () {
  "use strict";
  const form = document.getElementById("famulus-form");
  const typing = (element) => element.matches("textarea, input:not([type=radio]), select, button, a");

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
    if (typing(event.target)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (form.querySelector("[name=better]:enabled")) form.requestSubmit();
      return;
    }
    const choice = form.querySelector(`[data-key="${CSS.escape(event.key)}"]:enabled`);
    if (choice) {
      event.preventDefault();
      choice.focus();
      choice.click();
    }
  });
})();
