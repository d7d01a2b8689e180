"""The object through which pages written for the former system change the frame."""

from __future__ import annotations

#: Existing pages hide the Submit button through this object, maybe before there is one.
SETTINGS = """<script>
window._MEPHISTO_CONFIG_ = (function () {
  var settings = {};
  var style = document.head.appendChild(document.createElement("style"));
  return {
    get: function (name) { return settings[name]; },
    set: function (name, value) {
      settings[name] = value;
      if (name === "HIDE_SUBMIT_BUTTON") {
        style.textContent = value ? "#famulus-submit { display: none !important }" : "";
      }
    }
  };
})();
</script>
"""
