"""Data and forms that are malicious, or merely odd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from famulus.contracts.views import Page

#: The name of an element and an attribute that occur in a page only if data is not escaped.
_PROBE = "famulus-probe"
_QUOTES = "\"'`"
#: Each closes a context in which a value may be: an element, an attribute, a string of a script.
HOSTILE_VALUES: Sequence[str] = (
    f"</script></style></textarea></title></select></template>--><{_PROBE}>",
    f"<{_PROBE} onclick=alert(1)>",
    f"{_QUOTES} {_PROBE}=1 x={_QUOTES}",
    "javascript:famulusProbe()",
)
#: Harmless values that break a page whose string is formatted twice.
ODD_VALUES: Sequence[str] = (
    "${famulus} {famulus} {0} %s %(famulus)s {{ famulus }} \\1 \\",
    "\u202etext that runs to the left \U0001f642\u200d \r\n\ttabs and lines",
    "x" * 20_000,
)

_URLS = frozenset({"href", "src", "action", "formaction", "data", "poster", "xlink:href"})
_OUTER = frozenset({"html", "head", "body", "form"})
_LOADS = {"script": "src", "link": "href"}


def with_values(row: Mapping[str, Any], value: str, keep: frozenset[str]) -> dict[str, Any]:
    """Return a row with every string replaced by a value, except in the fields to keep."""
    return {name: item if name in keep else _replaced(item, value) for name, item in row.items()}


def break_outs(page: Page, value: str) -> list[str]:
    """Return the places in a page at which a value of the data has become markup or code."""
    return [*_Outline(page).break_outs(value)]


def outer_parts(page: Page) -> list[str]:
    """Return the elements of a page that only the shell around it may have."""
    return [*_Outline(page).outer_parts()]


def waits_for_others(page: Page) -> list[str]:
    """Return the resources of other hosts that block a page's ``head`` or ``body``."""
    return [*_Outline(Page(head=page.head, body=page.body)).waits()]


def hostile_forms(fields: Sequence[tuple[str, str]]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield forms that no browser sends for the page, each with a description."""
    fields = list(fields)
    yield "an empty form", []
    yield "a form with unknown fields", [*fields, ("nobody asked", "x"), ("", "")]
    yield "only unknown fields", [("nobody asked", "x")]
    yield "every field twice", [*fields, *fields]
    for text, words in (
        ("", "empty values"),
        ("x" * 1_000_000, "a million characters"),
        ("\x00\x1b[2J\x7f\u202e\ufffe", "control characters"),
        ("-1e999", "an absurd number"),
        ("NaN", "no number"),
        ('{"a": [', "half of some JSON"),
        (HOSTILE_VALUES[0], "markup"),
    ):
        yield words, [(name, text) for name, _ in fields]


class _Outline(HTMLParser):
    """The elements of a page inside the shell."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.elements: list[tuple[str, Mapping[str, str]]] = []
        self.ends: list[str] = []
        self.scripts: list[str] = []
        self._in_script = False
        self._outer = [
            ("html", page.html_attributes),
            ("body", page.body_attributes),
            ("form", page.form_attributes),
        ]
        for part in (page.head, page.body, page.scripts):
            self.feed(part)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self.ends.append(tag)
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)

    def break_outs(self, value: str) -> Iterator[str]:
        for tag, attributes in [*self.elements, *self._outer]:
            if tag == _PROBE:
                yield f"an element <{tag}>"
            for name, text in attributes.items():
                if name == _PROBE:
                    yield f"an attribute of <{tag}>"
                elif name in _URLS and text.strip().lower().startswith("javascript:"):
                    yield f"a script behind {name} of <{tag}>"
                elif name.startswith("on") and _QUOTES in value and value in text:
                    yield f"code in {name} of <{tag}>"
        if _QUOTES in value and value in "".join(self.scripts):
            yield "code in a <script>"

    def outer_parts(self) -> Iterator[str]:
        yield from (f"<{tag}>" for tag, _ in self.elements if tag in _OUTER)
        yield from (f"</{tag}>" for tag in self.ends if tag in _OUTER)
        for tag, attributes in self.elements:
            if attributes.get("name", "").startswith("famulus_"):
                yield f"<{tag} name={attributes['name']!r}>: famulus_ names are core's"
            if attributes.get("id", "").startswith("famulus-"):
                yield f"<{tag} id={attributes['id']!r}>: famulus- ids are the shell's"

    def waits(self) -> Iterator[str]:
        for tag, attributes in self.elements:
            address = attributes.get(_LOADS.get(tag, ""), "")
            if attributes.keys() & {"async", "defer"} or attributes.get("type") == "module":
                continue
            if "//" in address.partition("?")[0]:
                yield f"<{tag}> from {address}"


def _replaced(item: Any, value: str) -> Any:
    if isinstance(item, str):
        return value
    if isinstance(item, Mapping):
        return {name: _replaced(each, value) for name, each in item.items()}
    if isinstance(item, (list, tuple)):
        return [_replaced(each, value) for each in item]
    return item
