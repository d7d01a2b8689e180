"""Find the elements that a framework of the page leaves alone, because of what is around them.

``v-pre`` of Vue and ``ng-non-bindable`` of AngularJS keep everything inside their element text.
Which elements are open is known without building a tree, except behind markup that browsers mend:
there an element counts as closed as soon as it may be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from attrs import define, field, frozen

from famulus_static_html.engines import VUE_SHIELD, InPage
from famulus_static_html.tokens import Kind, Token

_VOID = frozenset({
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "hr", "image", "img", "input",
    "keygen", "link", "meta", "param", "source", "track", "wbr",
})  # fmt: skip
# Everything else closes a <p>.
_IN_PARAGRAPH = frozenset({
    "a", "abbr", "audio", "b", "bdi", "bdo", "br", "button", "canvas", "cite", "code", "data",
    "datalist", "del", "dfn", "em", "embed", "font", "i", "iframe", "img", "input", "ins", "kbd",
    "label", "map", "mark", "math", "meter", "object", "option", "output", "picture", "progress",
    "q", "ruby", "s", "samp", "script", "select", "small", "source", "span", "strong", "sub", "sup",
    "svg", "template", "textarea", "time", "track", "u", "var", "video", "wbr",
})  # fmt: skip
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_ROWS = frozenset({"caption", "colgroup", "tbody", "tfoot", "thead"})
_CELLS = frozenset({"td", "th"})
_RUBY = frozenset({"rb", "rp", "rt", "rtc"})
# What browsers put in front of the table instead of inside, and what they leave out.
_TABLE_PARTS = frozenset({"table", "tr", "form", "body", "html", "head", "frameset"}) | (
    _ROWS - {"caption"}
)


@frozen
class _Open:
    """An open element with its shields, as far as they count for what is inside."""

    name: str
    shields: frozenset[str] = frozenset()


@define
class _OpenElements:
    """The elements that are surely open, outermost first."""

    elements: list[_Open] = field(factory=list)

    @property
    def shields(self) -> frozenset[str]:
        return frozenset().union(*(each.shields for each in self.elements))

    def start(self, name: str, shields: frozenset[str]) -> None:
        """Open an element, and close the elements that it may close."""
        for names, limits in _closed_by(name):
            self._close(names, limits)
        if name in _CELLS | _ROWS | {"tr"}:
            if not self._has({"table"}):
                return
            self._close_in_table(name)
        counts = name not in _TABLE_PARTS and not self._has({"select"})
        if name not in _VOID:
            self.elements.append(_Open(name, shields if counts else frozenset()))

    def end(self, name: str) -> None:
        """Close an element, and all that is open in it; any end of a heading closes a heading."""
        self._close(_HEADINGS if name in _HEADINGS else {name}, ())

    def _has(self, names: Collection[str]) -> bool:
        return any(each.name in names for each in self.elements)

    def _close(self, names: Collection[str], limits: Collection[str]) -> None:
        for index in reversed(range(len(self.elements))):
            if self.elements[index].name in names:
                del self.elements[index:]
            elif self.elements[index].name not in limits:
                continue
            return

    def _close_in_table(self, name: str) -> None:
        around = {"table"} | (_ROWS - {"caption"} if name not in _ROWS else set())
        around |= {"tr"} if name in _CELLS else set()
        while self.elements[-1].name not in around:
            self.elements.pop()


def _closed_by(name: str) -> Iterator[tuple[Collection[str], Collection[str]]]:
    """Yield which elements a start tag may close, and which keep it from doing so."""
    if name not in _IN_PARAGRAPH:
        yield {"p"}, ()
    if name == "li":
        yield {"li"}, {"ul", "ol", "menu"}
    elif name in ("dd", "dt"):
        yield {"dd", "dt"}, {"dl"}
    elif name in _HEADINGS:
        yield _HEADINGS, ()
    elif name in _RUBY:
        yield _RUBY, ()
    elif name in ("a", "button", "nobr", "option", "optgroup"):
        yield {name}, ()
    if name in ("select", "input", "textarea", "optgroup"):
        yield {"select"} if name != "optgroup" else {"option"}, ()


def shielded(tokens: Sequence[Token], in_page: InPage) -> frozenset[int]:
    """Return the offsets of the tags with elements, and of the text, that no framework reads."""
    needed = frozenset(in_page.shields)
    if not needed:
        return frozenset()
    found: set[int] = set()
    open_ = _OpenElements()
    for token in tokens:
        if token.kind is Kind.END:
            open_.end(token.name)
        elif token.kind is Kind.TEXT and needed <= open_.shields:
            found.add(token.start)
        elif token.kind is Kind.START:
            own = frozenset(each for each in needed if token.attribute(each))
            inner = own - {VUE_SHIELD} if _may_be_root(token, in_page) else own
            open_.start(token.name, frozenset() if token.foreign else inner)
            if needed <= own | open_.shields:
                found.add(token.start)
            if token.content is not None:
                open_.end(token.name)
    return frozenset(found)


def _may_be_root(token: Token, in_page: InPage) -> bool:
    """Return whether Vue may be mounted on an element; its version 3 ignores ``v-pre`` there."""
    names = {token.name, *(attribute.name for attribute in token.attributes)}
    return (
        in_page.roots is None
        or not names.isdisjoint({"id", "class", "ref"})
        or not names.isdisjoint(in_page.roots)
    )
