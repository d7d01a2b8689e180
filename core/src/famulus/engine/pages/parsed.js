// Runs after our last part of the form.
const begun = document.getElementById("famulus-script");
if (begun.formIsParsed) begun.formIsParsed();
