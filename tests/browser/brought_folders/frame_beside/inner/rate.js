document.forms[0].addEventListener("submit", function (event) {
  event.preventDefault();
  parent.document.getElementById("rating").value = event.submitter.value + "/" + event.submitter.offsetWidth;
  parent.postMessage({ rating: event.submitter.value, text: new URLSearchParams(location.search).get("text") }, location.origin);
});
window.ready = true;
