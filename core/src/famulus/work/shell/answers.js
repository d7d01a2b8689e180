// Answers are kept in the browser under the agent's own key until they are stored, and come back
// after a reload. Left out: passwords, files, and hidden fields, which scripts own (a restored
// value would not be what the page shows).
function keepAnswers(form) {
  const prefix = "famulus-answers:";
  const key = prefix + form.getAttribute("data-storage-key");
  // Fields may be called "elements", and hide the form's own property then.
  const elementsOf = Object.getOwnPropertyDescriptor(HTMLFormElement.prototype, "elements").get;
  const keptForDays = 30;
  const leftOut = /^(password|file|hidden|submit|button|reset|image)$/;
  const isCheckable = (control) => /^(checkbox|radio)$/.test(control.type);
  let unrestored = new Map();
  let changed = false;
  let saveTimer = 0;
  let restoring = false;
  let forgotten = false;

  function answerControls() {
    const counts = new Map();
    const found = [];
    for (const control of elementsOf.call(form)) {
      if (!/^(INPUT|SELECT|TEXTAREA)$/.test(control.tagName)) continue;
      if (!control.name || leftOut.test(control.type)) continue;
      const value = isCheckable(control) ? control.value : "";
      const name = [control.name, control.type, value].join("\n");
      const count = counts.get(name) || 0;
      counts.set(name, count + 1);
      found.push([name + "\n" + count, control]);
    }
    return found;
  }

  function read(control) {
    if (isCheckable(control)) return control.checked;
    if (control.type !== "select-multiple") return control.value;
    return Array.from(control.selectedOptions, (option) => option.value);
  }

  function write(control, value) {
    if (isCheckable(control)) {
      control.checked = value === true;
    } else if (control.tagName === "SELECT") {
      const wanted = [].concat(value);
      const options = Array.from(control.options);
      if (!control.multiple && !options.some((option) => wanted.includes(option.value))) return;
      for (const option of options) option.selected = wanted.includes(option.value);
    } else {
      control.value = value;
    }
  }

  function save() {
    clearTimeout(saveTimer);
    if (!changed || forgotten) return;
    const values = Object.fromEntries(unrestored);
    for (const [name, control] of answerControls()) values[name] = read(control);
    try {
      localStorage.setItem(key, JSON.stringify({ at: Date.now(), values }));
      changed = false;
    } catch (error) {
      // No storage in this browser, frame or private window, or none left.
    }
  }

  function noteChange(event) {
    if (restoring || !event.target || event.target.form !== form) return;
    changed = true;
    clearTimeout(saveTimer);
    saveTimer = setTimeout(save, 300);
  }

  function forget() {
    forgotten = true;
    try {
      localStorage.removeItem(key);
    } catch (error) {
      // Nothing was kept.
    }
  }

  function forgetOldOnes() {
    const oldest = Date.now() - keptForDays * 86400000;
    for (const name of Object.keys(localStorage)) {
      if (!name.startsWith(prefix)) continue;
      const kept = JSON.parse(localStorage.getItem(name));
      if (kept.at < oldest) localStorage.removeItem(name);
    }
  }

  function restore() {
    const restored = [];
    for (const [name, control] of answerControls()) {
      if (!unrestored.has(name) || control === document.activeElement) continue;
      const value = unrestored.get(name);
      unrestored.delete(name);
      if (JSON.stringify(read(control)) === JSON.stringify(value)) continue;
      write(control, value);
      restored.push(control);
    }
    return restored;
  }

  try {
    forgetOldOnes();
    const kept = JSON.parse(localStorage.getItem(key));
    if (kept && kept.values) unrestored = new Map(Object.entries(kept.values));
  } catch (error) {
    // No storage, or not ours.
  }
  const restoredControls = restore();
  // By now the author's scripts have made their fields and listen to the others: a field that
  // opens when a box is ticked opens again. Nothing they do here may submit.
  document.addEventListener("DOMContentLoaded", () => {
    const controls = restoredControls.concat(restore());
    restoring = true;
    for (const control of controls) {
      for (const type of ["input", "change"]) {
        control.dispatchEvent(new Event(type, { bubbles: true }));
      }
    }
    restoring = false;
  });
  window.addEventListener("input", noteChange, true);
  window.addEventListener("change", noteChange, true);
  window.addEventListener("pagehide", save);
  document.addEventListener("visibilitychange", save);
  return { save, forget, isRestoring: () => restoring };
}
