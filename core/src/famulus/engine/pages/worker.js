// Sends the form without leaving the page. Runs at the start of the form, before a script of the
// author's can replace what it needs, and returns a function to be called where our part of the form
// ends. It waits for no event of the document, so that a script or stylesheet that hangs further
// down does not delay it. Where it cannot run, the browser sends the form as any other.
function careForForm(form) {
  const fetch = window.fetch.bind(window);
  const FormData = window.FormData;
  const byId = (id) => document.getElementById(id);
  // The author's fields may hide the form's own properties once they are there.
  const isOnboarding = form.hasAttribute("data-onboarding");
  // A <base> of the author's is for their addresses, and not for ours.
  const pageUrl = location.href.split(/[?#]/)[0];
  const submitUrl = new URL(form.getAttribute("action"), pageUrl).href;
  form.setAttribute("action", submitUrl);
  form.setAttribute("target", "_self");
  const giveBackUrl = new URL("give-back" + new URL(submitUrl).search, submitUrl).href;
  // Taken out of the form: the author's scripts count, serialize, validate and replace its fields.
  const ownFields = new Map();
  for (const field of form.querySelectorAll("input[name^=famulus_]")) {
    ownFields.set(field.name, field.value);
    field.remove();
  }
  const styleSheet = byId("famulus-style") ? byId("famulus-style").textContent : "";
  let task, submitButton, giveBackButton, status, alertBox, submitLabel, clock;
  let parsed = false;
  let submitWhenParsed = false;
  let sending = false;

  function say(...parts) {
    status.replaceChildren(...parts);
    status.hidden = parts.length === 0;
    if (!status.hidden) status.scrollIntoView({ block: "nearest" });
  }

  function button(label, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "famulus-small-button";
    made.textContent = label;
    made.addEventListener("click", action);
    return made;
  }

  function complain(message) {
    alertBox.textContent = message;
    alertBox.hidden = false;
    alertBox.focus();
  }

  // The same data are sent with the same submission id until there is a reply, so that nothing is
  // stored twice when a reply is lost. Meanwhile the fields are locked: the worker sees what was
  // sent.
  const temporaryStatus = [408, 425, 429];
  const longestWait = { away: 10, broken: 60 };
  // After so many seconds the server may be gone for good: its run has ended.
  const longAbsence = 60;

  function warnBeforeLeaving(event) {
    event.preventDefault();
    event.returnValue = "";
  }

  function lock(locked) {
    sending = locked;
    task.inert = locked;
    task.classList.toggle("famulus-locked", locked);
    submitButton.value = locked ? texts.sending : submitLabel;
    for (const each of [submitButton, giveBackButton]) {
      each.setAttribute("aria-disabled", String(locked));
    }
    const listen = locked ? "addEventListener" : "removeEventListener";
    window[listen]("beforeunload", warnBeforeLeaving);
    if (!locked) say();
  }

  function filesIn(data) {
    return Array.from(data.values()).filter((value) => typeof value !== "string");
  }

  // Only an acknowledgement or a refusal of our own server is final. After everything else the form
  // is sent again: the network, a proxy or the server is unavailable, overloaded or broken.
  // Returns {reply}, or {after: seconds, words, broken} where the form has to be sent again.
  async function attempt(url, data) {
    const bytes = filesIn(data).reduce((sum, file) => sum + file.size, 0);
    const control = new AbortController();
    // Files may take their time on a slow line: 10 kB a second.
    const timer = setTimeout(() => control.abort(), 60000 + bytes / 10);
    try {
      const response = await fetch(url, {
        method: "POST",
        body: data,
        headers: { Accept: "application/json" },
        signal: control.signal,
      });
      const text = await response.text();
      const reply = ownReply(url, response, text);
      const status = response.status;
      if (status < 500 && !temporaryStatus.includes(status)) {
        if (reply) return { reply };
        if (status === 413) return { reply: { outcome: "too_large" } };
      }
      return {
        after: Number(response.headers.get("Retry-After")) || 0,
        words: (reply && reply.message) || "",
        broken: status === 500,
      };
    } catch (error) {
      return { after: 0, words: "" };
    } finally {
      clearTimeout(timer);
    }
  }

  // A page that is not ours, such as a proxy's or a network's login page, is no outcome.
  function ownReply(url, response, text) {
    if (url === giveBackUrl) {
      const outcome = response.headers.get("X-Famulus-Outcome") ||
        (response.headers.has("X-Famulus-Refusal") && "refused");
      return outcome ? { outcome, html: text } : null;
    }
    try {
      const reply = JSON.parse(text);
      return reply && typeof reply.outcome === "string" ? reply : null;
    } catch (error) {
      return null;
    }
  }

  // A file that was changed or removed after it was chosen fails like an unavailable server.
  async function unreadableFile(data) {
    for (const file of filesIn(data)) {
      try {
        const reader = file.stream().getReader();
        await reader.read();
        reader.cancel();
      } catch (error) {
        return file.name;
      }
    }
    return null;
  }

  async function deliver(url, data) {
    const when = document.createElement("span");
    // Screen readers would announce it every second.
    when.setAttribute("aria-hidden", "true");
    const [before, after] = texts.tryingAgain.split("{when}");
    let wake = () => {};
    let left = false;
    let shown = null;
    const began = Date.now();
    for (let tries = 0; ; tries += 1) {
      const { reply, after: notBefore, words, broken } = await attempt(url, data);
      if (reply) return reply;
      if (left) return { outcome: "left" };
      const lost = await unreadableFile(data);
      if (lost !== null) return { outcome: "invalid", message: filled(texts.unreadable, { name: lost }) };
      let what = words || (broken ? texts.serverFault : texts.notAnswering);
      if (what === texts.notAnswering && Date.now() - began >= longAbsence * 1000) {
        what += " " + texts.howToLeave;
      }
      if (what !== shown) {
        shown = what;
        say(
          what + " " + before, when, after + " ",
          button(texts.tryNow, () => wake()), " ",
          button(texts.backToAnswers, () => {
            left = true;
            wake();
          })
        );
      }
      const longest = broken ? longestWait.broken : longestWait.away;
      const backOff = Math.min(longest, 0.5 * 2 ** tries) * (0.75 + Math.random() / 2);
      await pause(Math.max(backOff, Math.min(notBefore, 300)), when, (now) => { wake = now; });
      if (left) return { outcome: "left" };
    }
  }

  function pause(seconds, when, setWake) {
    return new Promise((resolve) => {
      const end = Date.now() + seconds * 1000;
      function wake() {
        clearInterval(timer);
        window.removeEventListener("online", wake);
        setWake(() => {});
        when.textContent = texts.now;
        resolve();
      }
      function tick() {
        const left = Math.ceil((end - Date.now()) / 1000);
        if (left <= 0) wake();
        else when.textContent = filled(texts.inSeconds, { count: left });
      }
      const timer = setInterval(tick, 200);
      window.addEventListener("online", wake);
      setWake(wake);
      tick();
    });
  }

  function showInstead(html) {
    if (clock) clock.stop();
    // This also removes the author's listeners from the window, so that none delays the next page.
    document.open();
    document.write(html);
    document.close();
    // A reply to this script has the element without the style sheet, which is most of a page.
    const style = byId("famulus-style");
    if (style && !style.textContent) style.textContent = styleSheet;
    window.scrollTo(0, 0);
    const main = document.querySelector("main");
    if (main) main.focus();
  }

  async function settle(reply) {
    if (["stored", "conflict", "given_back"].includes(reply.outcome)) {
      window.removeEventListener("beforeunload", warnBeforeLeaving);
      await answers.settle();
      // The task's scripts need a new window: those of the onboarding have defined global names.
      if (!reply.html || (isOnboarding && reply.outcome === "stored")) {
        if (isOnboarding && reply.message) announcePassedAfterReload();
        location.reload();
      } else {
        showInstead(reply.html);
      }
      return;
    }
    lock(false);
    if (reply.outcome === "left") {
      renewSubmission();
    } else if (reply.outcome === "too_large") {
      complain(reply.message || texts.tooLarge);
    } else {
      complain(reply.message || texts.unclear);
      if (reply.fields) announceRefusal(reply.fields);
    }
  }

  // The author's script can say beside each field what is not right.
  function announceRefusal(fields) {
    const event = new CustomEvent("famulus:refused", { bubbles: true, detail: { fields } });
    EventTarget.prototype.dispatchEvent.call(form, event);
  }

  // Frames are often not allowed any storage, so the address carries it.
  function announcePassedAfterReload() {
    try {
      const address = pageUrl + location.search + "#famulus-passed";
      history.replaceState(history.state, "", address);
    } catch (error) {
      // The next page then does not mention it.
    }
  }

  // The answers may be stored already; once they are changed, they are another submission.
  function renewSubmission() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
    ownFields.set("famulus_submission", digits.join(""));
  }

  async function send(url, data) {
    alertBox.hidden = true;
    alertBox.textContent = "";
    answers.save();
    lock(true);
    say(texts.sendingAnswers);
    settle(await deliver(url, data));
  }

  // Browsers before 2023 ignore the second argument.
  function takesSubmitter() {
    const button = document.createElement("button");
    button.name = "x";
    const probe = document.createElement("form");
    probe.append(button);
    return new FormData(probe, button).has("x");
  }

  function formData(submitter) {
    const withSubmitter = submitter && takesSubmitter();
    const data = withSubmitter ? new FormData(form, submitter) : new FormData(form);
    if (submitter && !withSubmitter && submitter.name) {
      data.append(submitter.name, submitter.value);
    }
    return withOwnFields(data);
  }

  function withOwnFields(data) {
    for (const [name, value] of ownFields) data.set(name, value);
    return data;
  }

  // A page cannot choose a file by itself. The note goes away once each has been chosen again.
  function noteMissingFiles() {
    const names = answers.missingFiles();
    if (byId("famulus-missing-files")) byId("famulus-missing-files").remove();
    if (names.length === 0) return;
    const note = document.createElement("p");
    note.className = "famulus-frame famulus-note famulus-note-late";
    note.id = "famulus-missing-files";
    note.setAttribute("role", "status");
    const quoted = names.map((name) => filled(texts.quoted, { name }));
    note.textContent = filled(texts.filesAgain, { names: quoted.join(", ") });
    form.before(note);
    form.addEventListener("change", function update() {
      if (answers.missingFiles().length > 0) return;
      note.remove();
      form.removeEventListener("change", update);
    });
  }

  function giveBack() {
    send(giveBackUrl, withOwnFields(new FormData()));
  }

  function askToGiveBack() {
    const keep = button(texts.keepWorking, () => {
      say();
      giveBackButton.focus();
    });
    say(
      texts.giveBack + " ", button(texts.yesGiveBack, giveBack), " ", keep
    );
    keep.focus();
  }

  function takeOver(event) {
    if (event.target !== form || event.defaultPrevented) return;
    const submitter = event.submitter || null;
    if (!submitter || !submitter.hasAttribute("formaction")) {
      event.preventDefault();
      send(submitUrl, formData(submitter));
    }
  }

  window.addEventListener("submit", (event) => {
    if (event.target !== form) return;
    if (!parsed || sending || answers.isRestoring()) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    watchStops(event);
    // Added again each time, so that it runs after all listeners of the author's, which may prevent
    // the submission.
    window.removeEventListener("submit", takeOver);
    window.addEventListener("submit", takeOver);
  }, true);

  // Where a listener stops the event, the browser sends the form by itself, right after the event.
  // Our fields are in it for as long.
  function watchStops(event) {
    let isBack = false;
    const putBack = () => {
      if (isBack) return;
      isBack = true;
      const fields = Array.from(ownFields, ([name, value]) => {
        const field = document.createElement("input");
        Object.assign(field, { type: "hidden", name, value });
        return field;
      });
      Element.prototype.append.apply(form, fields);
      setTimeout(() => fields.forEach((field) => field.remove()));
    };
    for (const method of ["stopPropagation", "stopImmediatePropagation"]) {
      event[method] = () => {
        putBack();
        Event.prototype[method].call(event);
      };
    }
    const bubbles = Object.getOwnPropertyDescriptor(Event.prototype, "cancelBubble");
    Object.defineProperty(event, "cancelBubble", {
      get: () => bubbles.get.call(event),
      set: (value) => value && event.stopPropagation(),
    });
  }

  function submitByScript() {
    const holder = byId("famulus-hold");
    if (!parsed) submitWhenParsed = true;
    else if (holder && holder.hold) holder.hold(submitByScript);
    else if (!sending && !answers.isRestoring()) send(submitUrl, formData(null));
  }

  // There is no event when an author's script calls form.submit(), or the method of the prototype,
  // as it must where a field is called "submit"; it is sent in the same way.
  const submitOther = HTMLFormElement.prototype.submit;
  HTMLFormElement.prototype.submit = function submit() {
    if (this === form) submitByScript();
    else submitOther.call(this);
  };

  // This button is none of the form's, and the author's listeners for clicks on any button are not
  // for it.
  function takeGiveBackOut() {
    giveBackButton.type = "button";
    giveBackButton.setAttribute("form", "");
    window.addEventListener("click", (event) => {
      if (event.target !== giveBackButton) return;
      event.stopImmediatePropagation();
      if (!sending) askToGiveBack();
    }, true);
  }

  // An element that the author has left open contains our parts of the form, which have to work
  // while the task is locked.
  function takeOutOfTask() {
    const actions = giveBackButton.parentNode;
    for (const each of [alertBox, actions, status, byId("famulus-notice")]) {
      if (task.contains(each)) form.append(each);
    }
  }

  const answers = keepAnswers(form);

  return () => {
    task = byId("famulus-task");
    giveBackButton = byId("famulus-give-back");
    submitButton = giveBackButton.parentNode.querySelector("input");
    status = byId("famulus-status");
    alertBox = byId("famulus-alert");
    submitLabel = submitButton.value;
    takeGiveBackOut();
    takeOutOfTask();
    const shownTime = byId("famulus-time");
    clock = shownTime ? startClock(shownTime, byId("famulus-notice")) : null;
    parsed = true;
    answers.restore(noteMissingFiles);
    if (submitWhenParsed) submitByScript();
  };
}

const ownScript = document.currentScript;
if (window.fetch && Element.prototype.replaceChildren) {
  ownScript.formIsParsed = careForForm(ownScript.parentNode);
}
