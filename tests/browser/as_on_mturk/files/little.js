// A small library of the kind that pages load: it stands for the large ones.
(function () {
  function little(callback) {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", callback);
    else setTimeout(callback);
  }
  little.find = function (selector) { return document.querySelector(selector); };
  little.each = function (values, callback) { values.forEach(callback); };
  little.onSubmit = function (selector, callback) {
    little.find(selector).addEventListener("submit", callback);
  };
  little.serialize = function (selector) {
    return new URLSearchParams(new FormData(little.find(selector))).toString();
  };
  window.little = little;
})();
