// Answers are kept in the browser under the agent's own key until they are stored, and come back
// after a reload: in localStorage, which is read while the page loads, and on the disk. Left out are
// passwords, and of files all but their names, so that the worker is told to choose them again. Hidden
// fields belong to the author's scripts: one is kept once it differs from what the page came with.
function keepAnswers(form) {
  const prefix = "famulus-answers:";
  const key = prefix + form.getAttribute("data-storage-key");
  // Fields may be called "elements", and hide the form's own property then.
  const elementsOf = Object.getOwnPropertyDescriptor(HTMLFormElement.prototype, "elements").get;
  const dispatchOn = EventTarget.prototype.dispatchEvent;
  const keptForDays = 30;
  const leftOut = /^(password|file|submit|button|reset|image)$/;
  const isCheckable = (control) => /^(checkbox|radio)$/.test(control.type);
  const isHidden = (control) => control.type === "hidden";
  const initialValues = new WeakMap();
  const restored = new Set();
  const onDisk = draftsOnDisk(key);
  const otherTabs = joinOtherTabs();
  let draft = new Map();
  // The draft of localStorage, where a later one was on the disk.
  let earlierDraft = new Map();
  // By the name of the field, the names of the files that were chosen before the page was loaded.
  let lostFiles = new Map();
  let noteFiles = () => {};
  let lastKept = "";
  let keptAt = 0;
  let isDiskBehind = false;
  let stored = false;
  let saveTimer = 0;
  let ready = false;
  let parsed = false;
  let loaded = false;
  let interacted = false;
  let isFromDisk = false;
  let restoring = false;
  let forgotten = false;

  function answerControls() {
    const counts = new Map();
    const found = [];
    for (const control of elementsOf.call(form)) {
      if (!/^(INPUT|SELECT|TEXTAREA)$/.test(control.tagName)) continue;
      if (!control.name || control.name.startsWith("famulus_")) continue;
      if (leftOut.test(control.type)) continue;
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

  function isUntouched(control) {
    if (isHidden(control)) return control.value === initialValues.get(control);
    if (isCheckable(control)) return control.checked === control.defaultChecked;
    if (control.tagName !== "SELECT") return control.value === control.defaultValue;
    const options = Array.from(control.options);
    if (!control.multiple && !options.some((option) => option.defaultSelected)) {
      return control.selectedIndex <= 0;
    }
    return options.every((option) => option.selected === option.defaultSelected);
  }

  // Fields that are not on the page, or not yet, stay in the draft.
  function currentValues() {
    const values = Object.fromEntries(draft);
    for (const [name, control] of answerControls()) {
      const untouched = isUntouched(control);
      if (untouched && draft.has(name) && !restored.has(name)) continue;
      if (untouched && isHidden(control)) delete values[name];
      else values[name] = read(control);
    }
    return values;
  }

  function fileControls() {
    return Array.from(elementsOf.call(form)).filter(
      (control) => control.tagName === "INPUT" && control.type === "file" && control.name
    );
  }

  function chosenFiles() {
    const chosen = new Map(lostFiles);
    for (const control of fileControls()) {
      if (control.files.length === 0) continue;
      chosen.set(control.name, Array.from(control.files, (file) => file.name));
    }
    return Object.fromEntries(chosen);
  }

  // The names of files to choose again: those whose field is on the page and empty.
  function missingFiles() {
    const empty = fileControls().filter((control) => control.files.length === 0);
    return empty.flatMap((control) => lostFiles.get(control.name) || []);
  }

  function currentDraft() {
    return { values: currentValues(), files: chosenFiles() };
  }

  function save() {
    clearTimeout(saveTimer);
    if (!ready || forgotten) return;
    const current = currentDraft();
    const text = JSON.stringify(current);
    const kept = { at: Date.now(), ...current };
    const isNew = text !== lastKept || isDiskBehind;
    if (isNew) onDisk.keep(kept, text.length);
    isDiskBehind = false;
    try {
      // The author's scripts may clear the storage.
      const isLost = stored && localStorage.getItem(key) === null;
      if (isNew || isLost) {
        localStorage.setItem(key, JSON.stringify(kept));
        stored = true;
      }
    } catch (error) {
      // There is no storage in this browser, frame or private window, or it is full.
    }
    lastKept = text;
  }

  function noteChange(event) {
    if (restoring || !event.target || event.target.form !== form) return;
    clearTimeout(saveTimer);
    saveTimer = setTimeout(save, 300);
  }

  function noteInteraction(event) {
    if (event.isTrusted) interacted = true;
  }

  // Resolves once the draft is removed.
  function forget() {
    forgotten = true;
    clearInterval(regularly);
    appearing.disconnect();
    try {
      localStorage.removeItem(key);
    } catch (error) {
      // Nothing was kept.
    }
    return onDisk.remove();
  }

  // The same page in other tabs would keep its draft again.
  function settle() {
    const removed = forget();
    if (otherTabs) {
      otherTabs.postMessage("settled");
      otherTabs.close();
    }
    return removed;
  }

  function joinOtherTabs() {
    try {
      const channel = new BroadcastChannel(key);
      channel.onmessage = forget;
      return channel;
    } catch (error) {
      // Browsers before 2022 have no such channels.
      return null;
    }
  }

  const oldest = Date.now() - keptForDays * 86400000;
  function forgetOldOnes() {
    for (const name of Object.keys(localStorage)) {
      if (!name.startsWith(prefix)) continue;
      const kept = JSON.parse(localStorage.getItem(name));
      if (kept.at < oldest) localStorage.removeItem(name);
    }
  }

  // The author's scripts may reset fields while the page loads, so restored values are written again.
  // Later, only fields that have just appeared are filled, unless they may hold what the worker has
  // done since. A draft that comes later is written once: scripts have set fields that look answered.
  function mayRestore(name, control) {
    if (!draft.has(name) || control === document.activeElement) return false;
    if ((!loaded || isFromDisk) && !interacted) return true;
    if (restored.has(name) || (interacted && isHidden(control))) return false;
    return isOurs(name, control);
  }

  const isOurs = (name, control) =>
    isUntouched(control) || isSame(control, earlierDraft.get(name));
  const isSame = (control, value) => JSON.stringify(read(control)) === JSON.stringify(value);

  function restore() {
    const written = [];
    const controls = answerControls();
    // To write another radio button would take the worker's choice back.
    const chosen = new Set();
    for (const [name, control] of interacted ? controls : []) {
      if (control.type === "radio" && !isOurs(name, control)) chosen.add(control.name);
    }
    for (const [name, control] of controls) {
      if (chosen.has(control.name) || !mayRestore(name, control)) continue;
      const value = draft.get(name);
      restored.add(name);
      if (isSame(control, value)) continue;
      write(control, value);
      written.push(control);
    }
    return written;
  }

  // What the worker has answered before a draft came is newer than the draft, also once they take it
  // back. The other boxes of a group are not.
  function skipAnswered() {
    if (!interacted) return;
    const controls = answerControls();
    const isAnswered = ([name, control]) => !isHidden(control) && !isOurs(name, control);
    const answered = new Set(controls.filter(isAnswered).map(([, control]) => control.name));
    for (const [name, control] of controls) {
      const isOtherBox = control.type === "checkbox" && isOurs(name, control);
      if (draft.has(name) && answered.has(control.name) && !isOtherBox) restored.add(name);
    }
  }

  // The events let the author's scripts show fields that depend on a restored one. They must not
  // submit the form.
  function announce(controls) {
    restoring = true;
    for (const control of controls.filter((each) => !isHidden(each))) {
      for (const type of ["input", "change"]) {
        dispatchOn.call(control, new Event(type, { bubbles: true }));
      }
    }
    if (restored.size > 0) {
      const names = Array.from(new Set(controls.map((control) => control.name)));
      const detail = { names };
      dispatchOn.call(form, new CustomEvent("famulus:restored", { bubbles: true, detail }));
    }
    restoring = false;
  }

  function noteInitialValues() {
    for (const control of elementsOf.call(form)) {
      if (isHidden(control) && !initialValues.has(control)) {
        initialValues.set(control, control.value);
      }
    }
  }

  const appearing = new MutationObserver(() => {
    noteInitialValues();
    if (!loaded || draft.size === restored.size) return;
    const written = restore();
    if (written.length > 0) announce(written);
  });
  appearing.observe(document, { childList: true, subtree: true });

  function take(kept) {
    keptAt = kept.at;
    draft = new Map(Object.entries(kept.values || {}));
    lostFiles = new Map(Object.entries(kept.files || {}));
  }

  try {
    const kept = JSON.parse(localStorage.getItem(key));
    stored = kept !== null;
    if (kept) take(kept);
    forgetOldOnes();
  } catch (error) {
    // There is no storage, or what it holds is not ours.
  }

  // It is later than that of localStorage where the browser has died, and earlier where a page was
  // left before it was written.
  onDisk.read().then((kept) => {
    const at = kept ? kept.at : 0;
    isDiskBehind = at < keptAt;
    if (at <= keptAt || forgotten) return;
    earlierDraft = draft;
    take(kept);
    restored.clear();
    if (!ready) return;
    skipAnswered();
    isFromDisk = true;
    const written = restore();
    isFromDisk = false;
    if (parsed) announce(written);
    else early.push(...written);
    noteFiles();
  });
  onDisk.removeBefore(oldest);

  let early = [];
  function restoreEarly(noteMissingFiles) {
    noteInitialValues();
    skipAnswered();
    early = restore();
    lastKept = JSON.stringify(currentDraft());
    ready = true;
    noteFiles = noteMissingFiles;
    noteFiles();
  }

  // A timer, so that all listeners of the author's have run: jQuery's use one, too.
  window.addEventListener("DOMContentLoaded", () => setTimeout(() => {
    parsed = true;
    const controls = new Set(early.concat(restore()));
    announce(Array.from(controls));
  }));
  window.addEventListener("load", () => setTimeout(() => {
    announce(restore());
    loaded = true;
  }));
  for (const type of ["pointerdown", "keydown", "input", "change"]) {
    window.addEventListener(type, noteInteraction, true);
  }
  window.addEventListener("input", noteChange, true);
  window.addEventListener("change", noteChange, true);
  window.addEventListener("pagehide", save);
  document.addEventListener("visibilitychange", save);
  // There is no event when a script sets a value.
  const regularly = setInterval(save, 2000);
  return { save, settle, missingFiles, restore: restoreEarly, isRestoring: () => restoring };
}
