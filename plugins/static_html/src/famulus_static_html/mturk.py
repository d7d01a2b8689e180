"""The features that pages written for MTurk rely on: form name, Submit button, visit's values.

MTurk puts four values into the address of a page. Scripts copy them into hidden fields and into the
address that they submit to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from attrs import evolve, frozen

import famulus
from famulus_static_html.attributes import value_of
from famulus_static_html.escapes import js_literal
from famulus_static_html.source import Source
from famulus_static_html.template import Fill
from famulus_static_html.tokens import Kind, Token
from famulus_static_html.urls import is_elsewhere
from famulus_static_html.values import VISIT

#: The name and id of the form that scripts written for MTurk look for.
MTURK_FORM = "mturk_form"
#: How the address of a form ends that is sent to MTurk.
MTURK_ACTION = "externalSubmit"

_SUBMIT_ID = "submitButton"
_FIELDS = ("assignmentId", "hitId", "workerId", "turkSubmitTo")
_NOT_ACCEPTED = "ASSIGNMENT_ID_NOT_AVAILABLE"
_ADDRESS = re.compile(rf"location|{'|'.join(_FIELDS)}|externalSubmit")
# What looks for the field that MTurk has before those of the page: by its name or its place, or
# among all fields.
_FIRST_FIELD = re.compile(
    r"assignmentId|serialize|FormData|elements\s*[\[(]|TagName\(\s*[\"']input", re.IGNORECASE
)
_ALIAS = """<script>
(function () {
  [document, document.forms].forEach(function (owner) {
    Object.defineProperty(owner, "mturk_form", {
      configurable: true,
      get: function () { return document.forms[0]; }
    });
  });
})();
</script>
"""
# Another form that leads to MTurk is sent as the answers, in place of the task's form; one in the
# task's form that leads elsewhere does not take the page and the answers with it. The event of such
# a form does not get beyond the task's form, so the listener is put on it, behind the author's.
# The hidden fields are filled while the page is read: the author's listeners find them filled, and
# nothing takes their values for what a worker has done.
_VISIT_BEFORE = """<script>
(function () {
  var visit = """
_VISIT_AFTER = """;
  visit.turkSubmitTo = location.origin;
  var written = new URLSearchParams(location.search), added = "";
  Object.keys(visit).forEach(function (name) {
    if (written.has(name)) visit[name] = written.get(name);
    else added += "&" + name + "=" + encodeURIComponent(visit[name]);
  });
  try {
    var query = (location.search || "?") + added;
    if (added) {
      history.replaceState(history.state, "",
        location.origin + location.pathname + query.replace("?&", "?") + location.hash);
    }
  } catch (error) {
    // A frame that may not change its address.
  }
  function fill() {
    Object.keys(visit).forEach(function (name) {
      document.querySelectorAll("input[type=hidden][name=" + name + "]").forEach(function (field) {
        if (!field.value) field.value = visit[name];
      });
    });
  }
  var appearing = new MutationObserver(fill);
  appearing.observe(document, { childList: true, subtree: true });
  document.addEventListener("DOMContentLoaded", function () {
    fill();
    appearing.disconnect();
  });
  function isOther(form) {
    var action = Element.prototype.getAttribute.call(form, "action") || "";
    return !form.hasAttribute("data-storage-key") && /\\bexternalSubmit\\b/.test(action);
  }
  function send(form, submitter) {
    var task = document.querySelector("form[data-storage-key]");
    if (!task) return;
    var data = new FormData(form);
    if (submitter && submitter.name) data.append(submitter.name, submitter.value);
    task.addEventListener("formdata", function (event) {
      Array.from(event.formData.keys()).forEach(function (name) { event.formData.delete(name); });
      data.forEach(function (value, name) { event.formData.append(name, value); });
    }, { once: true });
    HTMLFormElement.prototype.submit.call(task);
  }
  var submit = HTMLFormElement.prototype.submit;
  HTMLFormElement.prototype.submit = function () {
    if (isOther(this)) send(this);
    else submit.call(this);
  };
  function take(event) {
    var form = event.target;
    if (event.defaultPrevented) return;
    if (isOther(form)) {
      event.preventDefault();
      send(form, event.submitter);
    } else if (form.matches("form form:not([target])")) {
      event.preventDefault();
    }
  }
  window.addEventListener("submit", take);
  window.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.matches("form form")) return;
    form.removeEventListener("submit", take);
    form.addEventListener("submit", take);
  }, true);
})();
</script>
"""
_ASSIGNMENT_FIELD = '<input type="hidden" name="assignmentId" id="assignmentId" value="">\n'
_SUBMITS = MappingProxyType({"input": ("submit", "image"), "button": ("submit",)})
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)


@frozen
class MTurkParts:
    """The parts of a page that replace MTurk's own page around it."""

    #: for the start of the head
    head: Sequence[str | Fill] = ()
    #: for the start of the body
    body: Sequence[str] = ()
    #: the attributes of the Submit button
    submit_attributes: Mapping[str, str] = MappingProxyType({})
    #: names of fields that only copy the visit's values, and are no answers
    copied: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        source: Source,
        tokens: Sequence[Token],
        unsent: frozenset[int],
        *,
        named: bool,
        has_inner_forms: bool,
    ) -> MTurkParts:
        """Return the parts that a page needs.

        :param tokens: the tokens outside of templates.
        :param unsent: the offsets of controls that are in no submitted form.
        :param named: whether the page's form has a name of its own.
        :param has_inner_forms: whether there are forms inside of the task's form.
        """
        starts = [token for token in tokens if token.kind is Kind.START]
        scripts = [token for token in starts if token.name == "script"]
        runs_code = bool(scripts) or any(
            attribute.name.startswith("on") for token in starts for attribute in token.attributes
        )
        loads_code = any(token.attribute("src") for token in scripts)
        loads_own = any(_is_own_file(source, token) for token in scripts)
        needs_address = has_inner_forms or (
            runs_code and (loads_code or _ADDRESS.search(source.text) is not None)
        )
        looks_for_field = runs_code and _FIRST_FIELD.search(source.text) is not None
        has_form = any(token.name == "form" for token in starts)
        has_field = _FIELDS[0] in _attribute_values(source, starts, "name")
        return cls(
            head=(
                *((_ALIAS,) if named else ()),
                *((_VISIT_BEFORE, _visit, _VISIT_AFTER) if needs_address else ()),
            ),
            body=(_ASSIGNMENT_FIELD,) if looks_for_field and not has_form and not has_field else (),
            submit_attributes=_submit_attributes(source, starts, unsent, loads_own=loads_own),
            copied=_copied(source, starts),
        )

    def answers(self, form: famulus.Form) -> famulus.Form:
        """Return a form without the fields that only copy the visit's values."""
        fields = [(name, value) for name, value in form.fields if name not in self.copied]
        return form if len(fields) == len(form.fields) else evolve(form, fields=fields)


def visit_values(agent_id: str, assignment_id: str, worker_name: str) -> Mapping[str, str]:
    """Return the visit's values under MTurk's names; ``agent_id`` is empty in a preview."""
    if not agent_id:
        return {"assignmentId": _NOT_ACCEPTED}
    return {"assignmentId": agent_id, "hitId": assignment_id, "workerId": worker_name}


def _visit(values: Mapping[str, Any]) -> str:
    return js_literal(visit_values(*values[VISIT]) if VISIT in values else {})


def _is_own_file(source: Source, script: Token) -> bool:
    return script.attribute("src") is not None and not is_elsewhere(value_of(source, script, "src"))


def _submit_attributes(
    source: Source, starts: Sequence[Token], unsent: frozenset[int], *, loads_own: bool
) -> Mapping[str, str]:
    """Return the attributes of our Submit button: hidden if the author has one, or MTurk's id.

    The button also has MTurk's id if a script file of the page could look for that.
    """
    forms = [token for token in starts if token.name == "form"]
    form_ids = _attribute_values(source, forms, "id") - {""} or {MTURK_FORM}
    if any(_submits(source, token, form_ids) for token in starts if token.start not in unsent):
        return {"hidden": ""}
    if "famulus-submit" in source.text or not (loads_own or _SUBMIT_ID in source.text):
        return {}
    is_taken = _SUBMIT_ID in _attribute_values(source, starts, "id")
    return {} if is_taken else {"id": _SUBMIT_ID}


def _submits(source: Source, token: Token, form_ids: Collection[str]) -> bool:
    """Return whether a token is a visible submit button of the form.

    A button without a type does not count: it submits too, but most such buttons have another
    purpose.
    """
    kinds = _SUBMITS.get(token.name, ())
    return (
        value_of(source, token, "type").strip().lower() in kinds
        and not token.attribute("hidden")
        and (token.attribute("form") is None or value_of(source, token, "form") in form_ids)
        and not _HIDDEN.search(value_of(source, token, "style"))
    )


def _attribute_values(source: Source, starts: Iterable[Token], name: str) -> set[str]:
    return {value_of(source, token, name) for token in starts}


def _copied(source: Source, starts: Sequence[Token]) -> frozenset[str]:
    """Return the names of hidden fields that the author leaves empty for the visit's values.

    MTurk itself always takes the first one, ``assignmentId``, out of the answers.
    """
    own: set[str] = set()
    empty = {_FIELDS[0]}
    for token in starts:
        kind = value_of(source, token, "type").strip().lower()
        is_hidden = token.name == "input" and kind == "hidden"
        is_copy = is_hidden and not value_of(source, token, "value")
        (empty if is_copy else own).add(value_of(source, token, "name"))
    return frozenset(_FIELDS) & (empty - own)
