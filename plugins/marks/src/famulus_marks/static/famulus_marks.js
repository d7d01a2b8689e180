// Marks of a text and of an image. A hidden field holds them as JSON; it is the draft, too.
(function () {
  "use strict";
  const colours = 8;

  function make(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  function button(text, attributes, action) {
    const made = make("button", { type: "button", ...attributes }, text);
    made.addEventListener("click", action);
    return made;
  }

  const textsOf = (question) => JSON.parse(question.querySelector(".fq-marking").dataset.texts);
  // The texts are of the page's language, which can differ from what is marked.
  function languageOf(question) {
    const { lang, dir } = question.querySelector(".fq-marking").dataset;
    return { lang, dir };
  }
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  // What texts and images share: the field, the labels, the list of marks.
  function prepare(question, draw, words) {
    const texts = textsOf(question);
    const language = languageOf(question);
    const field = question.querySelector("[data-marks]");
    const list = question.querySelector(".fq-marks");
    const none = question.querySelector(".fq-none input");
    const labels = Array.from(question.querySelectorAll("[data-label]"));
    let marks = [];

    const active = () => labels.findIndex((each) => each.getAttribute("aria-pressed") === "true");
    for (const label of labels) {
      label.addEventListener("click", () => {
        for (const each of labels) each.setAttribute("aria-pressed", String(each === label));
      });
    }

    function colour(mark) {
      return Math.max(0, labels.findIndex((each) => each.dataset.label === mark.label)) % colours;
    }

    function labelled(mark) {
      const label = labels[active()];
      return label ? { ...mark, label: label.dataset.label } : mark;
    }

    function show() {
      list.replaceChildren(...marks.map((mark) => {
        const name = words(mark);
        const item = make("li", {});
        const label = labels.find((each) => each.dataset.label === mark.label);
        if (label) item.append(make("span", { class: "fq-mark-name fq-colour-" + colour(mark) },
          label.textContent.trim()));
        const shown = make("span", { class: "fq-mark-text" }, name);
        item.append(shown);
        if (question.dataset.kind !== "spans") item.replaceChild(mover(mark, name), shown);
        const remove = filled(texts.removeMark, { mark: name });
        item.append(button(texts.remove, { "aria-label": remove, ...language }, () => {
          set(marks.filter((each) => each !== mark));
        }));
        return item;
      }));
      draw(marks, colour);
    }

    // A box or a point is moved by the arrow keys; with Shift, a box grows and shrinks.
    function mover(mark, name) {
      const help = mark.width ? texts.moveBox : texts.movePoint;
      const made = button(name, { class: "fq-mark-text", title: help, ...language }, () => {});
      made.addEventListener("keydown", (event) => {
        const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
        if (!(event.key in by)) return;
        event.preventDefault();
        const index = marks.indexOf(mark);
        const changed = question.moveMark(mark, by[event.key], event.shiftKey);
        set(marks.map((each) => each === mark ? changed : each));
        list.children[index].querySelector("button").focus();
      });
      return made;
    }

    function set(next) {
      marks = next;
      field.value = marks.length > 0 ? JSON.stringify(marks) : "";
      if (none && marks.length > 0) none.checked = false;
      show();
      question.dispatchEvent(new Event("change", { bubbles: true }));
    }

    function read() {
      try {
        marks = field.value ? JSON.parse(field.value) : [];
      } catch (error) {
        marks = [];
      }
      show();
    }

    if (none) {
      none.addEventListener("change", () => {
        if (none.checked && marks.length > 0) set([]);
      });
    }
    question.closest("form").addEventListener("famulus:restored", read);
    return { add: (mark) => set([...marks, labelled(mark)]), all: () => marks, read };
  }

  // Offsets count characters, not the halves that JavaScript has of some.
  function prepareText(question) {
    const area = question.querySelector(".fq-span-text");
    const text = Array.from(area.textContent);

    function draw(marks, colour) {
      const parts = [];
      let end = 0;
      for (const mark of marks.slice().sort((a, b) => a.start - b.start)) {
        parts.push(text.slice(end, mark.start).join(""));
        const shown = text.slice(mark.start, mark.end).join("");
        parts.push(make("mark", { class: "fq-colour-" + colour(mark) }, shown));
        end = mark.end;
      }
      area.replaceChildren(...parts, text.slice(end).join(""));
    }

    const texts = textsOf(question);
    const words = (mark) => filled(texts.span, { text: text.slice(mark.start, mark.end).join("") });
    const marks = prepare(question, draw, words);

    function mark(start, end) {
      while (start < end && !text[start].trim()) start += 1;
      while (start < end && !text[end - 1].trim()) end -= 1;
      const overlaps = marks.all().some((each) => each.start < end && start < each.end);
      if (start < end && !overlaps) marks.add({ start, end });
      return start < end && !overlaps;
    }

    function offset(node, position) {
      const range = document.createRange();
      range.selectNodeContents(area);
      range.setEnd(node, position);
      return Array.from(range.toString()).length;
    }

    function markSelection() {
      const selection = window.getSelection();
      if (selection.rangeCount === 0 || selection.isCollapsed) return;
      const range = selection.getRangeAt(0);
      if (!area.contains(range.startContainer) || !area.contains(range.endContainer)) return;
      const [start, end] = [offset(range.startContainer, range.startOffset),
        offset(range.endContainer, range.endOffset)];
      selection.removeAllRanges();
      mark(start, end);
    }

    document.addEventListener("pointerup", () => setTimeout(markSelection));
    document.addEventListener("keyup", (event) => {
      if (event.key === "Shift") markSelection();
    });

    // For those who cannot select: the next place where these words are not marked yet.
    const wanted = make("input", { type: "text", "aria-label": texts.words,
      placeholder: texts.typeWords, ...languageOf(question) });
    const find = button(texts.mark, languageOf(question), () => {
      const searched = Array.from(wanted.value.trim());
      for (let at = 0; searched.length > 0 && at + searched.length <= text.length; at += 1) {
        const here = text.slice(at, at + searched.length).join("");
        if (here === searched.join("") && mark(at, at + searched.length)) return;
      }
    });
    wanted.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      find.click();
    });
    area.after(make("div", { class: "fq-find" }, wanted, find));
    marks.read();
  }

  function prepareImage(question) {
    const isBox = question.dataset.kind === "boxes";
    const frame = question.querySelector(".fq-image");
    const image = frame.querySelector("img");
    const overlay = frame.querySelector("svg");
    const size = question.querySelector('[name$=".size"]');
    let sketch = null;

    function shape(mark, colour) {
      const unit = Math.max(image.naturalWidth, image.naturalHeight) / 100;
      const names = isBox
        ? { x: mark.left, y: mark.top, width: mark.width, height: mark.height }
        : { cx: mark.x, cy: mark.y, r: unit };
      const made = document.createElementNS("http://www.w3.org/2000/svg", isBox ? "rect" : "circle");
      for (const [name, value] of Object.entries(names)) made.setAttribute(name, value);
      made.setAttribute("class", "fq-colour-" + colour);
      return made;
    }

    function draw(marks, colour) {
      overlay.replaceChildren(...marks.map((mark) => shape(mark, colour(mark))));
      if (sketch) overlay.append(shape(sketch, 0));
    }

    const texts = textsOf(question);
    const words = (mark) => filled(isBox ? texts.box : texts.point, mark);
    const marks = prepare(question, draw, words);

    const within = (value, most) => Math.min(Math.max(Math.round(value), 0), most);

    function place(event) {
      const box = image.getBoundingClientRect();
      return {
        x: within((event.clientX - box.left) / box.width * image.naturalWidth, image.naturalWidth),
        y: within((event.clientY - box.top) / box.height * image.naturalHeight, image.naturalHeight),
      };
    }

    function between(a, b) {
      return {
        left: Math.min(a.x, b.x), top: Math.min(a.y, b.y),
        width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y),
      };
    }

    function addPoint({ x, y }) {
      marks.add({
        x: Math.min(x, image.naturalWidth - 1), y: Math.min(y, image.naturalHeight - 1),
      });
    }

    let begun = null;
    frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !image.naturalWidth) return;
      event.preventDefault();
      begun = place(event);
      if (!isBox) {
        addPoint(begun);
        begun = null;
        return;
      }
      frame.setPointerCapture(event.pointerId);
    });
    frame.addEventListener("pointermove", (event) => {
      if (!begun) return;
      sketch = between(begun, place(event));
      marks.read();
    });
    frame.addEventListener("pointercancel", () => {
      begun = sketch = null;
      marks.read();
    });
    frame.addEventListener("pointerup", (event) => {
      if (!begun) return;
      const box = between(begun, place(event));
      begun = sketch = null;
      // What is smaller is a click.
      const least = Math.max(image.naturalWidth, image.naturalHeight) / 200;
      if (box.width > least && box.height > least) marks.add(box);
      else marks.read();
    });

    question.moveMark = (mark, [x, y], isSize) => {
      const [across, down] = [image.naturalWidth, image.naturalHeight];
      const step = Math.max(1, Math.round(Math.max(across, down) / 100));
      const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
      if (!isBox) {
        return { ...mark, x: clamp(mark.x + x * step, 0, across - 1),
          y: clamp(mark.y + y * step, 0, down - 1) };
      }
      if (isSize) {
        return { ...mark, width: clamp(mark.width + x * step, 1, across - mark.left),
          height: clamp(mark.height + y * step, 1, down - mark.top) };
      }
      return { ...mark, left: clamp(mark.left + x * step, 0, across - mark.width),
        top: clamp(mark.top + y * step, 0, down - mark.height) };
    };

    const middle = () => {
      const [across, down] = [image.naturalWidth, image.naturalHeight];
      if (!across) return;
      if (isBox) {
        marks.add({ left: Math.floor(across / 4), top: Math.floor(down / 4),
          width: Math.ceil(across / 2), height: Math.ceil(down / 2) });
      } else {
        addPoint({ x: Math.floor(across / 2), y: Math.floor(down / 2) });
      }
    };
    frame.after(make("div", { class: "fq-find" },
      button(isBox ? texts.addBox : texts.addPoint, languageOf(question), middle)));

    function measure() {
      if (!image.naturalWidth) return;
      size.value = image.naturalWidth + "x" + image.naturalHeight;
      overlay.setAttribute("viewBox", "0 0 " + image.naturalWidth + " " + image.naturalHeight);
      marks.read();
    }
    image.addEventListener("load", measure);
    if (image.complete) measure();
    marks.read();
  }

  for (const question of document.querySelectorAll(".fq[data-kind]")) {
    if (question.closest("fieldset:disabled") || !question.querySelector("[data-marks]")) continue;
    if (question.dataset.kind === "spans") prepareText(question);
    else prepareImage(question);
  }
})();
