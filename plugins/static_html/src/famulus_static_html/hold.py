"""Hold a submission back while the page's own scripts wait for another host."""

from __future__ import annotations

#: How long a submission is held, from the moment when the page appears.
LIMIT_SECONDS = 20

# Scripts that come after one from elsewhere may validate the answers, or fill fields in. A press of
# a button that submits is kept, whole, and made again when they have run; a button without a type
# is most often meant for something else, so only what it submits is held. What was held takes two
# turns of the timers, because the handlers of jQuery's ready() take one.
_BEFORE = """<script>
(function () {
  var held = null, busy = null;
  var limit = setTimeout(release, """
_AFTER = """);
  function isTask(form) {
    return form && form.hasAttribute("data-storage-key");
  }
  function isWayOut(button) {
    return button && button.id === "famulus-give-back";
  }
  function hold(event, button, again) {
    event.preventDefault();
    event.stopImmediatePropagation();
    held = again;
    if (!button || busy === button) return;
    show("false", "");
    busy = button;
    show("true", "progress");
  }
  function show(isBusy, cursor) {
    if (!busy) return;
    busy.setAttribute("aria-busy", isBusy);
    busy.style.cursor = cursor;
    busy.style.opacity = cursor && "0.6";
  }
  function click(event) {
    var button = event.target.closest &&
      event.target.closest("input[type=submit], input[type=image], button[type=submit]");
    if (button && isTask(button.form) && !isWayOut(button)) {
      hold(event, button, function () { button.click(); });
    }
  }
  function submit(event) {
    var form = event.target, button = event.submitter;
    if (!isTask(form) || isWayOut(button)) return;
    hold(event, button, function () {
      if (button) button.click();
      else HTMLFormElement.prototype.requestSubmit.call(form);
    });
  }
  function release() {
    clearTimeout(limit);
    window.removeEventListener("click", click, true);
    window.removeEventListener("submit", submit, true);
    show("false", "");
    var again = held;
    held = null;
    if (again) again();
  }
  window.addEventListener("click", click, true);
  window.addEventListener("submit", submit, true);
  document.addEventListener("DOMContentLoaded", function () {
    setTimeout(function () { setTimeout(release); });
  });
})();
</script>
"""
#: The script, for the start of the head.
HOLD = f"{_BEFORE}{LIMIT_SECONDS * 1000}{_AFTER}"
