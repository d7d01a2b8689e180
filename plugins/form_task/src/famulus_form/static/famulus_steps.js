// The pages of a form, one at a time. Without this script they stand one below the other. All fields
// stay in the form whatever page is shown, so that no answer depends on the way through the pages.
(function () {
  "use strict";
  document.documentElement.classList.remove("fq-early");
  const root = document.querySelector(".fq-form");
  const steps = root && root.querySelector(".fq-steps");
  if (!steps || !root.formParts) return;
  const { controlsOf, isBlank, moved, say, goTo } = root.formParts;
  const form = root.closest("form");
  const known = JSON.parse(steps.dataset.steps);
  const pages = Array.from(root.querySelectorAll(".fq-page"));
  const place = steps.querySelector("input");
  const backButton = steps.querySelector(".fq-back");
  const nextButton = steps.querySelector(".fq-next");
  const submitButton = form.querySelector("#famulus-submit, .famulus-actions > [type=submit]");
  const bar = document.createElement("progress");
  let here = 0;

  const isConsent = (page) => page.classList.contains("fq-consent");
  const questionsOf = (page) => {
    return Array.from(page.querySelectorAll("[data-question]")).filter((each) => !each.hidden);
  };

  // A page whose parts are all hidden by conditions is skipped.
  function isShown(page) {
    return isConsent(page) || page.querySelector(".fq:not([hidden])") !== null;
  }

  function nearest(from, by) {
    for (let index = from + by; pages[index]; index += by) {
      if (isShown(pages[index])) return index;
    }
    return -1;
  }

  function draw() {
    const counted = pages.filter((page) => !isConsent(page) && isShown(page));
    pages.forEach((page, index) => page.classList.toggle("fq-here", index === here));
    counted.forEach((page, index) => {
      const slot = page.querySelector(".fq-progress");
      if (!slot || counted.length < 2) return;
      slot.textContent = known.progress.replace("{page}", index + 1).replace("{pages}", counted.length);
    });
    bar.hidden = counted.length < 2 || isConsent(pages[here]);
    bar.max = counted.length;
    bar.value = counted.indexOf(pages[here]) + 1;
    const isLast = nearest(here, 1) < 0;
    backButton.hidden = nearest(here, -1) < 0;
    nextButton.hidden = isLast;
    const agree = pages[here].querySelector(".fq-agree");
    nextButton.textContent = agree ? agree.textContent.trim() : known.next;
    steps.hidden = isLast && backButton.hidden;
    // A browser submits nothing on Enter where the Submit button is disabled.
    submitButton.disabled = !isLast;
    submitButton.classList.toggle("fq-later", !isLast);
  }

  function show(index) {
    here = index;
    place.value = String(index);
    // The draft is kept on events of fields.
    place.dispatchEvent(new Event("input", { bubbles: true }));
    draw();
  }

  // The heading has the progress in it, which screen readers read out with it.
  function moveTo(index) {
    show(index);
    const target = pages[index].querySelector(".fq-title") || pages[index];
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "start" });
  }

  // The number of values of an answer; null for marks of which a worker says that there are none.
  function count(element) {
    if (element.dataset.kind === "slider") return moved(element).value ? 1 : 0;
    const controls = Array.from(controlsOf(element));
    const marks = controls.find((each) => "marks" in each.dataset);
    if (marks) {
      const listed = marks.value ? JSON.parse(marks.value).length : 0;
      return listed === 0 && controls.some((each) => each.checked) ? null : listed;
    }
    return controls.filter((each) => {
      if (/^(radio|checkbox)$/.test(each.type)) return each.checked;
      return each.type !== "hidden" && !("other" in each.dataset) && !isBlank(each.value);
    }).length;
  }

  const tests = {
    answered: (element) => count(element) !== 0,
    least: (element, limit) => count(element) === null || count(element) === 0 ||
      count(element) >= limit,
    most: (element, limit) => count(element) <= limit,
    explained(element) {
      const option = element.querySelector('.fq-other [value="other"]');
      return !option.checked || !isBlank(element.querySelector("[data-other]").value);
    },
    ranked(element) {
      const ranks = Array.from(element.querySelectorAll("select"), (each) => each.value);
      const isNone = ranks.every((rank) => rank === "");
      return isNone || (!ranks.includes("") && new Set(ranks).size === ranks.length);
    },
    megabytes(element, limit) {
      const file = element.querySelector("input[type=file]").files[0];
      return !file || file.size <= limit * 1e6;
    },
  };

  // What is wrong with the answer to a question, as a sentence; empty if nothing is.
  function fault(element) {
    const invalid = Array.from(controlsOf(element)).find((each) => {
      return each.willValidate && !each.validity.valid;
    });
    if (invalid && !invalid.validity.valueMissing) {
      return (invalid.validity.patternMismatch && invalid.title) || invalid.validationMessage;
    }
    for (const [name, limit, message] of known.rules[element.dataset.question] || []) {
      if (!tests[name](element, limit)) return message;
    }
    return invalid ? known.required : "";
  }

  function goForward() {
    const page = pages[here];
    if (isConsent(page)) {
      const box = page.querySelector("input");
      box.checked = true;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    }
    const wrong = questionsOf(page).filter((element) => {
      const message = fault(element);
      say(element, message);
      return message !== "";
    });
    if (wrong.length > 0) {
      goTo(wrong[0]);
      return;
    }
    const instructions = root.querySelector(".fq-instructions");
    if (instructions && !isConsent(page)) instructions.open = false;
    moveTo(nearest(here, 1));
  }

  nextButton.addEventListener("click", goForward);
  backButton.addEventListener("click", () => moveTo(nearest(here, -1)));

  root.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.defaultPrevented) return;
    if (nextButton.hidden || !event.target.matches("input:not([type=file], [type=button])")) return;
    event.preventDefault();
    goForward();
  });

  // What a browser finds missing on submission may be on another page, such as a file that has to be
  // chosen again. The first one counts.
  let isRevealing = false;
  function reveal(element) {
    const index = pages.indexOf(element.closest(".fq-page"));
    if (index < 0 || isRevealing) return;
    isRevealing = true;
    setTimeout(() => { isRevealing = false; });
    if (index !== here) show(index);
  }
  form.addEventListener("invalid", (event) => reveal(event.target), true);
  root.addEventListener("fq:reveal", (event) => reveal(event.target));
  form.addEventListener("famulus:refused", (event) => {
    if ("_consent" in event.detail.fields && isConsent(pages[0])) moveTo(0);
  });

  // The page that a draft names, or the nearest one before it that is shown.
  function resume() {
    const index = Math.min(Number(place.value) || 0, pages.length - 1);
    here = isShown(pages[index]) ? index : Math.max(nearest(index, -1), 0);
    if (!isShown(pages[here])) here = Math.max(nearest(here, 1), 0);
    const instructions = root.querySelector(".fq-instructions");
    if (instructions && pages.slice(0, here).some((page) => !isConsent(page))) {
      instructions.open = false;
    }
    const wrong = root.querySelector(".fq:not([hidden]) > .fq-error:not([hidden])");
    if (wrong) here = pages.indexOf(wrong.closest(".fq-page"));
    draw();
  }

  bar.className = "fq-bar";
  bar.setAttribute("aria-hidden", "true");
  root.prepend(bar);
  root.classList.add("fq-paged");
  root.addEventListener("change", draw);
  root.addEventListener("input", draw);
  form.addEventListener("famulus:restored", resume);
  resume();
})();
