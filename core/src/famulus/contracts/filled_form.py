"""A form with the values that a worker has sent."""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from html.parser import HTMLParser
from typing import Any

from attrs import frozen

from famulus.html_attributes import attributes

_Attributes = list[tuple[str, str | None]]


@frozen
class _StartTag:
    name: str
    attributes: _Attributes
    #: where it stands
    start: int
    end: int

    def get(self, name: str) -> str | None:
        """Return the value of an attribute, empty if it has none; None if it is missing."""
        return next((value or "" for key, value in self.attributes if key == name), None)


#: Browsers do not let a page set a file, and a password is not repeated.
_LEFT_OUT = frozenset({"file", "password", "submit", "button", "image", "reset"})
_END_OF_TEXTAREA = re.compile(r"</textarea\b", re.IGNORECASE)


def fill_form(body: str, fields: Iterable[tuple[str, str]]) -> str:
    """Return the HTML of a form's fields with other values in them.

    :param fields: names and values as a browser has sent them, in the order of the page. Text
        fields without a value among these keep their own.
    """
    filler = _Filler(body, fields)
    # Python's parser gives up at a marked section that browsers take for a comment.
    with contextlib.suppress(AssertionError):
        filler.feed(body)
        filler.close()
    return filler.filled()


def fields_of(answers: Any) -> Iterator[tuple[str, str]]:
    """Yield the names and values of answers that a field can show, one by one.

    The answers have the format of ``answers_from``. Files, and values other than texts and numbers,
    are left out.
    """
    for name, value in answers.items() if isinstance(answers, Mapping) else ():
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, str | int | float) and not isinstance(each, bool):
                yield str(name), str(each)


class _Filler(HTMLParser):
    """Collects the edits that fill the fields."""

    def __init__(self, body: str, fields: Iterable[tuple[str, str]]) -> None:
        super().__init__(convert_charrefs=True)
        self._body = body
        self._lines = [0, *(match.end() for match in re.finditer("\n", body))]
        self._values: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in fields:
            self._values[name].append(value)
        #: start, end and the new text
        self._edits: list[tuple[int, int, str]] = []
        #: tags before this place are text of a textarea
        self._skipped_until = 0
        #: the open elements whose fields no browser sends
        self._unsent: list[str] = []
        self._select: str | None = None
        self._option: _StartTag | None = None
        self._option_text = ""

    def filled(self) -> str:
        """Return the HTML with every field filled."""
        self._end_option()
        parts, end = [], 0
        for start, stop, text in self._edits:
            parts += [self._body[end:start], text]
            end = stop
        return "".join([*parts, self._body[end:]])

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        line, column = self.getpos()
        start = self._lines[line - 1] + column
        end = start + len(self.get_starttag_text() or "")
        if start < self._skipped_until:
            return
        found = _StartTag(tag, attrs, start, end)
        if tag in ("option", "optgroup"):
            self._end_option()
        if tag == "template" or (tag == "fieldset" and self._is_unsent(found)):
            self._unsent.append(tag)
        elif tag == "option" and self._select is not None:
            self._option = found
        elif tag == "textarea":
            self._fill_textarea(found)
        elif found.get("name") and not self._is_unsent(found):
            if tag == "select":
                self._begin_select(found)
            elif tag == "input":
                self._fill_input(found)

    def handle_startendtag(self, tag: str, attrs: _Attributes) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("option", "optgroup", "select"):
            self._end_option()
        if tag == "select":
            self._select = None
        if self._unsent and self._unsent[-1] == tag:
            self._unsent.pop()

    def handle_data(self, data: str) -> None:
        if self._option is not None:
            self._option_text += data

    def _is_unsent(self, found: _StartTag) -> bool:
        return bool(self._unsent) or found.get("disabled") is not None

    def _begin_select(self, found: _StartTag) -> None:
        name = found.get("name") or ""
        # Nothing is sent of a placeholder that is disabled. Were it no longer selected, a browser
        # would choose the first option for the worker.
        is_placeholder = found.get("multiple") is None and not self._values[name]
        self._select = None if is_placeholder else name

    def _fill_input(self, found: _StartTag) -> None:
        name = found.get("name") or ""
        kind = (found.get("type") or "text").lower()
        if kind in _LEFT_OUT:
            return
        if kind in ("checkbox", "radio"):
            value = found.get("value")
            is_chosen = self._take(name, "on" if value is None else value)
            self._replace(found, "checked", "" if is_chosen else None)
        elif self._values[name]:
            self._replace(found, "value", self._values[name].pop(0))

    def _fill_textarea(self, found: _StartTag) -> None:
        closing = _END_OF_TEXTAREA.search(self._body, found.end)
        end = len(self._body) if closing is None else closing.start()
        self._skipped_until = end
        values = self._values[found.get("name") or ""]
        if not self._is_unsent(found) and values:
            # A line break at the beginning is not part of the text.
            self._edits.append((found.end, end, "\n" + escape(values.pop(0))))

    def _end_option(self) -> None:
        if self._option is None:
            return
        option, shown = self._option, " ".join(self._option_text.split())
        self._option, self._option_text = None, ""
        value = option.get("value")
        is_chosen = self._take(self._select or "", shown if value is None else value)
        self._replace(option, "selected", "" if is_chosen else None)

    def _take(self, name: str, value: str) -> bool:
        """Return whether a value was sent that no earlier field has taken."""
        if value not in self._values[name]:
            return False
        self._values[name].remove(value)
        return True

    def _replace(self, found: _StartTag, name: str, value: str | None) -> None:
        """Write a start tag again with another value of one attribute; None leaves it out."""
        changed: dict[str, str] = {}
        for key, text in found.attributes:
            changed.setdefault(key, text or "")
        if value is None:
            changed.pop(name, None)
        else:
            changed[name] = value
        tag = f"<{found.name}{attributes(changed)}>"
        self._edits.append((found.start, found.end, tag))
