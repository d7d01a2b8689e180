// Does for a page what MTurk's own script does: it copies the assignment from the address into the
// form, and the site to submit to into its action.
function parameter(name) {
  var found = new RegExp("[\\?&]" + name + "=([^&#]*)").exec(window.location.href);
  return found ? unescape(found[1].replace(/\+/g, " ")) : "";
}
function setAssignment() {
  document.getElementById("assignmentId").value = parameter("assignmentId");
  var form = document.getElementById("mturk_form");
  if (form) form.action = parameter("turkSubmitTo") + "/mturk/externalSubmit";
}
