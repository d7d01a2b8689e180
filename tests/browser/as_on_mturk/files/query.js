// The part of jQuery that pages for MTurk use, written for these tests with jQuery's own behaviour:
// handlers of .on() see "return false", and .submit() calls them before the form's own method.
(function () {
  function Query(elements) { this.elements = elements; this.length = elements.length; }

  function $(what) {
    if (typeof what === "function") {
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", what);
      else setTimeout(what);
      return new Query([]);
    }
    if (typeof what !== "string") return new Query(what instanceof Query ? what.elements : [what]);
    if (/^\s*</.test(what)) {
      var template = document.createElement("template");
      template.innerHTML = what.trim().replace(/^<(\w+)\s*\/?>$/, "<$1></$1>");
      return new Query([template.content.firstChild]);
    }
    return new Query(Array.from(document.querySelectorAll(native(what))));
  }

  function native(selector) {
    return selector.replace(/:(text|radio|checkbox|submit)\b/g, "[type=$1]")
      .replace(/:input\b/g, ":is(input, select, textarea, button)");
  }

  var handlers = new WeakMap();
  function handlersOf(element, type) {
    if (!handlers.has(element)) handlers.set(element, {});
    var all = handlers.get(element);
    return all[type] || (all[type] = []);
  }

  function call(element, event, list) {
    list.slice().forEach(function (handler) {
      if (handler.call(element, event) === false) event.preventDefault();
    });
    return !event.defaultPrevented;
  }

  Query.prototype = {
    each: function (callback) {
      this.elements.forEach(function (element, index) { callback.call(element, index, element); });
      return this;
    },
    get: function (index) { return this.elements[index]; },
    eq: function (index) { return new Query([this.elements[index]]); },
    filter: function (test) {
      return new Query(this.elements.filter(function (each) { return each.matches(native(test)); }));
    },
    is: function (test) { return this.filter(test).length > 0; },
    on: function (type, selector, handler) {
      if (handler) {
        var delegated = handler;
        handler = function (event) {
          var found = event.target.closest(native(selector));
          return found ? delegated.call(found, event) : undefined;
        };
      } else {
        handler = selector;
      }
      return this.each(function () {
        var list = handlersOf(this, type);
        if (list.length === 0) {
          this.addEventListener(type, function (event) { call(this, event, list); });
        }
        list.push(handler);
      });
    },
    // As jQuery's trigger(): the handlers first, then the element's own method of that name.
    trigger: function (type) {
      return this.each(function () {
        if (type === "click") { this.click(); return; }
        var event = new Event(type, { bubbles: true, cancelable: true });
        if (type === "submit") {
          for (var node = this; node; node = node.parentNode) {
            call(node, event, handlersOf(node, type));
          }
          if (!event.defaultPrevented && typeof this.submit === "function") this.submit();
        } else {
          this.dispatchEvent(event);
        }
      });
    },
    val: function (value) {
      if (value === undefined) return this.length ? this.elements[0].value : undefined;
      return this.each(function () { this.value = value; });
    },
    attr: function (name, value) {
      if (value === undefined) return this.elements[0].getAttribute(name);
      return this.each(function () { this.setAttribute(name, value); });
    },
    removeAttr: function (name) { return this.each(function () { this.removeAttribute(name); }); },
    prop: function (name, value) {
      if (value === undefined) return this.elements[0][name];
      return this.each(function () { this[name] = value; });
    },
    html: function (value) { return this.each(function () { this.innerHTML = value; }); },
    text: function (value) {
      if (value === undefined) return this.elements[0].textContent;
      return this.each(function () { this.textContent = value; });
    },
    append: function (what) {
      var added = typeof what === "string" ? $(what) : what;
      this.elements[0].append.apply(this.elements[0], added.elements || [added]);
      return this;
    },
    appendTo: function (where) { $(where).append(this); return this; },
    hide: function () { return this.each(function () { this.style.display = "none"; }); },
    show: function () { return this.each(function () { this.style.display = ""; }); },
    addClass: function (name) { return this.each(function () { this.classList.add(name); }); },
    serialize: function () {
      return new URLSearchParams(this.serializeArray().map(function (each) {
        return [each.name, each.value];
      })).toString();
    },
    serializeArray: function () {
      var found = [];
      Array.from(this.elements[0].elements).forEach(function (each) {
        if (!each.name || each.matches(":disabled, button, [type=submit], [type=file]")) return;
        if (each.matches("[type=radio], [type=checkbox]") && !each.checked) return;
        found.push({ name: each.name, value: each.value });
      });
      return found;
    },
    ready: function (callback) { $(callback); return this; }
  };
  ["click", "change", "submit", "keyup", "input", "focus"].forEach(function (type) {
    Query.prototype[type] = function (handler) {
      return handler ? this.on(type, handler) : this.trigger(type);
    };
  });
  $.each = function (values, callback) {
    values.forEach(function (value, index) { callback.call(value, index, value); });
  };
  $.trim = function (text) { return String(text).trim(); };
  window.$ = window.jQuery = $;
})();
