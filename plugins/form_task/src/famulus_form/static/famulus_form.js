// Conditional questions, keyboard shortcuts, rankings and sliders. All of them work without it, and
// the server decides in the same way.
(function () {
  "use strict";
  const root = document.querySelector(".fq-form");
  if (!root || root.closest("fieldset:disabled")) return;
  const form = root.closest("form");
  const texts = JSON.parse(root.dataset.texts);
  const questions = new Map();
  for (const element of root.querySelectorAll("[data-question]")) {
    questions.set(element.dataset.question, element);
  }

  // Whether all of a text is invisible, as the server tests it.
  const isBlank = (text) => /^[\p{Z}\p{Cc}\p{Cf}]*$/u.test(text);

  const controlsOf = (element) => element.querySelectorAll("input, select, textarea");

  // The values of an answer that conditions test; none of a question that is hidden.
  function valuesOf(name) {
    const element = questions.get(name);
    if (!element || element.closest("[hidden]")) return [];
    if (element.dataset.kind === "slider" && !moved(element).value) return [];
    const own = Array.from(controlsOf(element)).filter((each) => each.name === name);
    const values = own
      .filter((each) => !/^(radio|checkbox)$/.test(each.type) || each.checked)
      .map((each) => each.value.trim())
      .filter((value) => !isBlank(value));
    return /^(number|slider)$/.test(element.dataset.kind) ? values.map(plainNumber) : values;
  }

  // The server knows 3.0 as 3.
  function plainNumber(value) {
    return Number.isNaN(Number(value)) ? value : String(Number(value));
  }

  function passes(test, values) {
    if ("answered" in test && test.answered !== values.length > 0) return false;
    if (test.oneOf && !values.some((value) => test.oneOf.includes(value))) return false;
    if (test.noneOf && values.some((value) => test.noneOf.includes(value))) return false;
    if (!("atLeast" in test) && !("atMost" in test)) return true;
    const { atLeast = -Infinity, atMost = Infinity } = test;
    return values.some((value) => Number(value) >= atLeast && Number(value) <= atMost);
  }

  const conditions = Array.from(root.querySelectorAll("[data-shown-if]"), (element) => {
    return [element, JSON.parse(element.dataset.shownIf)];
  });

  // Controls of a hidden question are disabled, so that none of them can prevent the submission.
  function applyConditions() {
    for (const [element, tests] of conditions) {
      const shown = tests.every(([name, test]) => passes(test, valuesOf(name)));
      element.hidden = !shown;
      for (const control of controlsOf(element)) {
        control.disabled = !shown;
        if (control.hasAttribute("data-required")) control.required = shown;
      }
    }
  }

  // A slider shows its number, and has none until it was moved. The page has a number field in its
  // place, for where no script can tell an untouched range from a moved one.
  const moved = (element) => element.querySelector('input[type="hidden"]');

  function showSlider(element) {
    const range = element.querySelector('input[type="range"]');
    const isMoved = moved(element).value !== "";
    element.querySelector("output").textContent = isMoved ? range.value : "–";
    range.classList.toggle("fq-unmoved", !isMoved);
  }

  const sliders = Array.from(root.querySelectorAll('[data-kind="slider"]'));
  for (const element of sliders) {
    const range = element.querySelector('input[type="number"]');
    if (moved(element).value === "typed") moved(element).value = range.value === "" ? "" : "1";
    range.type = "range";
    const move = () => {
      moved(element).value = "1";
      showSlider(element);
    };
    range.addEventListener("input", move);
    range.addEventListener("pointerup", () => {
      move();
      update();
    });
  }

  // Items of a ranking lie in the order of their ranks, those without one last.
  function rankOf(item) {
    return Number(item.querySelector("select").value) || Infinity;
  }

  function itemsOf(list) {
    return Array.from(list.querySelectorAll(".fq-item"));
  }

  function arrange(list) {
    const items = itemsOf(list);
    const sorted = items.slice().sort((a, b) => {
      const [left, right] = [rankOf(a), rankOf(b)];
      return left === right ? 0 : left - right;
    });
    if (sorted.every((item, index) => item === items[index])) return;
    const focused = document.activeElement;
    list.append(...sorted);
    if (focused && list.contains(focused)) focused.focus();
  }

  function rankAsShown(list) {
    itemsOf(list).forEach((item, index) => {
      item.querySelector("select").value = String(index + 1);
    });
    list.querySelector("select").dispatchEvent(new Event("change", { bubbles: true }));
  }

  function smallButton(text, label, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    if (label) made.setAttribute("aria-label", label);
    made.addEventListener("click", action);
    return made;
  }

  function prepareRanking(list) {
    for (const item of itemsOf(list)) {
      const text = item.querySelector(".fq-item-text").textContent.trim();
      const select = item.querySelector("select");
      let before = select.value;
      const step = (by) => {
        const items = itemsOf(list);
        const index = items.indexOf(item);
        const other = items[index + by];
        if (other) by < 0 ? other.before(item) : other.after(item);
        rankAsShown(list);
      };
      // Who takes the rank of another item gives it the one that they had.
      select.addEventListener("change", (event) => {
        const taken = itemsOf(list).find((each) =>
          each !== item && each.querySelector("select").value === select.value);
        if (event.isTrusted && select.value && taken) taken.querySelector("select").value = before;
        before = select.value;
        arrange(list);
      });
      select.addEventListener("focus", () => { before = select.value; });
      const up = smallButton("▲", texts.up.replace("{item}", () => text), () => { step(-1); up.focus(); });
      const down = smallButton("▼", texts.down.replace("{item}", () => text), () => { step(1); down.focus(); });
      item.append(up, down);
    }
    const keep = smallButton(texts.keepOrder, "", () => rankAsShown(list));
    keep.className = "fq-keep-order";
    list.after(keep);
  }

  for (const list of root.querySelectorAll(".fq-ranking")) prepareRanking(list);

  // Keys choose an option of the first question, from the focus on, that has it and is shown.
  const keyed = Array.from(root.querySelectorAll("[data-key]"));
  let keysOn = true;

  function takesText(element) {
    if (!element || !element.matches) return false;
    if (element.matches("select, textarea, [contenteditable]")) return true;
    return element.matches("input") && !/^(radio|checkbox|range|file|button|submit)$/.test(element.type);
  }

  // Questions about several rows have the same keys.
  function isFromFocusOn(option) {
    const focused = document.activeElement;
    const question = option.closest("[data-question]");
    return question.contains(focused) ||
      Boolean(focused.compareDocumentPosition(question) & Node.DOCUMENT_POSITION_FOLLOWING);
  }

  function press(event) {
    if (!keysOn || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.defaultPrevented || takesText(event.target)) return;
    const fitting = keyed.filter((each) =>
      each.dataset.key.toLowerCase() === event.key.toLowerCase() && !each.disabled &&
      each.getClientRects().length > 0);
    const chosen = fitting.find(isFromFocusOn) || fitting[0];
    if (!chosen || chosen.closest("[inert]")) return;
    event.preventDefault();
    chosen.focus();
    chosen.click();
  }

  const shortcuts = root.querySelector(".fq-shortcuts");
  if (shortcuts && keyed.length > 0) {
    const toggle = smallButton("", "", () => {
      keysOn = !keysOn;
      showKeys();
    });
    const showKeys = () => {
      toggle.textContent = keysOn ? texts.keysOff : texts.keysOn;
      root.classList.toggle("fq-no-keys", !keysOn);
    };
    showKeys();
    shortcuts.append(texts.keys + " ", toggle);
    shortcuts.hidden = false;
    document.addEventListener("keydown", press);
  }

  // Words for another answer choose it, typed or entered by a dictation tool, whose events are not
  // trusted. A restored draft has its own choice, and fills no field that has the focus. The words
  // stay for one who comes back to them, and are sent with the option alone.
  for (const text of root.querySelectorAll("[data-other]")) {
    const option = text.parentNode.querySelector('[value="other"]');
    text.addEventListener("input", (event) => {
      const isEntered = event.isTrusted || text === document.activeElement;
      if (isEntered && text.value && !option.checked) option.click();
    });
    form.addEventListener("formdata", (event) => {
      if (!option.checked) event.formData.delete(text.name);
    });
  }

  function say(element, message) {
    const slot = document.getElementById(element.id + "-error");
    slot.textContent = message;
    slot.hidden = message === "";
    element.classList.toggle("fq-is-wrong", message !== "");
    if (element.tagName === "FIELDSET") return;
    for (const control of controlsOf(element)) {
      if (message) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    }
  }

  form.addEventListener("famulus:refused", (event) => {
    let first = null;
    for (const [name, element] of questions) {
      const message = event.detail.fields[name] || "";
      say(element, message);
      if (message && !first) first = element;
    }
    if (first) goTo(first);
  });

  // Shows its page, where there are several.
  function goTo(element) {
    element.dispatchEvent(new CustomEvent("fq:reveal", { bubbles: true }));
    const control = element.querySelector("input:not([type=hidden]), select, textarea");
    element.scrollIntoView({ block: "center" });
    if (control) control.focus({ preventScroll: true });
  }

  function update() {
    applyConditions();
    sliders.forEach(showSlider);
  }

  // A sentence that went only with "change", which is when a field is left, would move what is being
  // clicked away from the pointer.
  for (const type of ["input", "change"]) {
    root.addEventListener(type, (event) => {
      const element = event.target.closest("[data-question]");
      if (element) say(element, "");
      update();
    });
  }
  form.addEventListener("famulus:restored", () => {
    update();
    root.querySelectorAll(".fq-ranking").forEach(arrange);
  });
  update();
  root.formParts = { controlsOf, isBlank, moved, say, goTo };
})();
