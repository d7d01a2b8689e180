// Elements of Ground Truth. Their fields are in the page; this gives scripts of templates the
// properties and events that they know. It runs before the page's own scripts.
(function () {
  "use strict";

  const control = (element, kind = "input, textarea") => element.querySelector(kind);

  function parsed(field, otherwise) {
    try {
      return field && field.value ? JSON.parse(field.value) : otherwise;
    } catch (error) {
      return otherwise;
    }
  }

  // The element of a form stands inside of the page's own form, which is the one that is sent.
  class CrowdForm extends HTMLElement {
    connectedCallback() {
      const form = this.closest("form");
      if (!form || this.isHeard) return;
      this.isHeard = true;
      form.addEventListener("submit", (event) => {
        const heard = new SubmitEvent("submit", { cancelable: true, submitter: event.submitter });
        if (!this.dispatchEvent(heard)) event.preventDefault();
      });
      form.addEventListener("reset", () => this.dispatchEvent(new Event("reset")));
    }

    get form() { return this.closest("form"); }

    get elements() { return this.form.elements; }

    submit() { this.form.requestSubmit(); }

    requestSubmit() { this.form.requestSubmit(); }

    reset() { this.form.reset(); }

    checkValidity() { return this.form.checkValidity(); }

    reportValidity() { return this.form.reportValidity(); }
  }

  const values = (fields) => Array.from(fields, (each) => each.dataset.label || each.value);

  class Field extends HTMLElement {
    get name() { return this.getAttribute("name"); }

    set name(name) { control(this).name = name; }

    get disabled() { return control(this).disabled; }

    set disabled(disabled) {
      for (const each of this.querySelectorAll("input, textarea, button")) each.disabled = disabled;
    }

    get required() { return control(this).required; }

    set required(required) { control(this).required = required; }

    get _submittableValue() { return this.value; }

    get categories() { return values(this.querySelectorAll(".crowd-options > label > input")); }

    get labels() { return values(this.querySelectorAll("[data-label]")); }

    focus(options) { control(this).focus(options); }

    checkValidity() { return control(this).checkValidity(); }
  }

  class CrowdText extends Field {
    get value() { return control(this).value; }

    set value(value) {
      control(this).value = value;
      control(this).dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  class CrowdSlider extends Field {
    get value() { return Number(control(this).value); }

    set value(value) {
      control(this).value = value;
      control(this).dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  class CrowdChecked extends Field {
    get value() { return this.getAttribute("value") || "on"; }

    get checked() { return control(this).checked; }

    set checked(checked) {
      control(this).checked = checked;
      control(this).dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  class CrowdClassifier extends Field {
    get value() {
      const chosen = this.querySelector(".crowd-options > label > :checked");
      return chosen ? { label: chosen.value } : undefined;
    }
  }

  class CrowdMultiClassifier extends Field {
    get value() {
      const chosen = this.querySelectorAll(".crowd-options > label > :checked");
      const labels = Array.from(chosen).filter((each) => each.name === this.name);
      return { labels: labels.map((each) => each.value) };
    }
  }

  class CrowdEntityAnnotation extends Field {
    get value() {
      const marks = parsed(control(this, "[data-marks]"), []);
      return { entities: marks.map(({ start, end, label }) =>
        ({ endOffset: end, label, startOffset: start })) };
    }
  }

  class CrowdBoundingBox extends Field {
    get value() {
      const image = control(this, ".fq-image img");
      return {
        boundingBoxes: parsed(control(this, "[data-marks]"), []),
        inputImageProperties: { height: image.naturalHeight, width: image.naturalWidth },
      };
    }
  }

  class CrowdButton extends HTMLElement {
    get disabled() { return control(this, "button").disabled; }

    set disabled(disabled) { control(this, "button").disabled = disabled; }

    click() { control(this, "button, a").click(); }
  }

  // Scripts make alerts, too; their roles are in place before they are filled in.
  class CrowdAlert extends HTMLElement {
    connectedCallback() {
      this.setAttribute("role", this.getAttribute("type") === "error" ? "alert" : "status");
      if (!this.hasAttribute("dismissible") || this.querySelector(".crowd-close")) return;
      const close = document.createElement("button");
      close.type = "button";
      close.className = "crowd-close";
      const own = document.querySelector(".crowd-page").dataset;
      close.textContent = own.close;
      close.lang = own.lang;
      close.addEventListener("click", () => this.remove());
      this.prepend(close);
    }
  }

  const kinds = {
    "crowd-alert": CrowdAlert,
    "crowd-form": CrowdForm,
    "crowd-input": CrowdText,
    "crowd-text-area": class extends CrowdText {},
    "crowd-slider": CrowdSlider,
    "crowd-checkbox": CrowdChecked,
    "crowd-radio-button": class extends CrowdChecked {},
    "crowd-classifier": CrowdClassifier,
    "crowd-image-classifier": class extends CrowdClassifier {},
    "crowd-classifier-multi-select": CrowdMultiClassifier,
    "crowd-image-classifier-multi-select": class extends CrowdMultiClassifier {},
    "crowd-entity-annotation": CrowdEntityAnnotation,
    "crowd-bounding-box": CrowdBoundingBox,
    "crowd-button": CrowdButton,
    "crowd-fab": class extends CrowdButton {},
    "crowd-icon-button": class extends CrowdButton {},
    "crowd-toggle-button": class extends CrowdChecked {},
  };
  for (const [name, kind] of Object.entries(kinds)) {
    if (!customElements.get(name)) customElements.define(name, kind);
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.dispatchEvent(new Event("all-crowd-elements-ready", { bubbles: true }));
  });

  document.addEventListener("input", (event) => {
    if (!event.target.matches("crowd-slider input")) return;
    event.target.parentNode.querySelector("output").value = event.target.value;
  });
  document.addEventListener("reset", () => setTimeout(showValues));
  document.addEventListener("famulus:restored", showValues);

  function showValues() {
    for (const each of document.querySelectorAll("crowd-slider")) {
      control(each, "output").value = control(each).value;
    }
  }

  // A sentence about a wrong answer stands beside the element that it is about.
  document.addEventListener("famulus:refused", (event) => {
    for (const old of document.querySelectorAll(".crowd-error")) old.remove();
    for (const [name, sentence] of Object.entries(event.detail.fields || {})) {
      const field = document.querySelector(`.crowd-page [name="${CSS.escape(name)}"]`);
      const element = field && field.closest(
        "crowd-radio-group, crowd-input, crowd-text-area, crowd-checkbox, crowd-slider, [header]"
      );
      if (!element) continue;
      const note = document.createElement("p");
      note.className = "crowd-error";
      note.textContent = sentence;
      element.append(note);
      element.addEventListener("change", () => note.remove(), { once: true });
    }
  });
})();
