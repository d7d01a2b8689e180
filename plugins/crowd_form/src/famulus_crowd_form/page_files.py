"""The files that a template names: which of them are served, and which are missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from html import unescape
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import define, field

import famulus
from famulus_crowd_form.contexts import blank, liquid_parts
from famulus_crowd_form.html_tokens import Kind, Token, line_of, tokens
from famulus_crowd_form.page import OWN_SCRIPTS
from famulus_crowd_form.template import OBJECT, OBJECT_COLUMNS, Template

_MOST_NAMED = 20
#: What elements of Ground Truth load.
_LOADED: Mapping[str, str] = MappingProxyType(
    {
        "crowd-bounding-box": "src",
        "crowd-card": "image",
        "crowd-image-classifier": "src",
        "crowd-image-classifier-multi-select": "src",
    }
)
_COLUMN = re.compile(
    r"""\{\{-?\s*task\.input(?:\.([\w-]+)|\[\s*(?:"([^"]*)"|'([^']*)')\s*\])"""
    r"""\s*(?:\|\s*(?:grant_read_access|skip_autoescape)\s*)*-?\}\}"""
)
# All that names files in a page, and what never does.
_CANDIDATE = re.compile(
    r"""\b(?:src|srcset|href|poster|data|image|background)\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>]++)"""
    r"""|url\([^)]*+\)|@import[^;]*+""",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"""[^"'(]*["'(]?\s*["']?(?:https?:|data:|//|#)[^,]*\Z""", re.IGNORECASE)


def files_beside(
    path: Path, template: Template, rows: Callable[[], Iterable[Mapping[str, Any]]] | None
) -> famulus.FilesBeside:
    """Return the files that are served with a template if ``extra_source_dir`` is not set.

    :param path: the template's file.
    :param rows: yields the rows of the data file; None without a data file.
    """
    columns = template.columns
    if OBJECT in columns:
        columns |= set(OBJECT_COLUMNS)
    addresses = list(_addresses(template.source, path))
    return famulus.FilesBeside(path, addresses, sorted(columns), rows)


def _addresses(source: str, file: Path) -> Iterator[famulus.FileAddress]:
    """Yield the file addresses in a template, with the columns that complete them."""
    blanked = blank(source)
    for token in tokens(blanked):
        if token.kind is not Kind.START:
            continue
        for start, end, resolved in _spans(blanked, token):
            place = famulus.Problem("", file=file, line=line_of(source, start))
            expected = token.name not in ("a", "area")
            yield from _pieces(source[start:end], resolved, place, expected=expected)
        if token.name == "script" and token.content_end is not None:
            place = famulus.Problem("", file=file, line=line_of(source, token.start))
            for name in famulus.media_names(source[token.end : token.content_end]):
                yield famulus.FileAddress((name,), place, expected=False)


def _pieces(
    written: str, resolved: Callable[[str], str], place: famulus.Problem, *, expected: bool
) -> Iterator[famulus.FileAddress]:
    parts = liquid_parts(written)
    if any(part.startswith("{%") for part in parts):
        # What stands between the tags may be an address, or a part of one.
        for part in parts[::2]:
            for name in famulus.media_names(part):
                yield famulus.FileAddress((name,), place, expected=False)
        return
    pieces: list[str | famulus.FileColumn] = []
    for index, part in enumerate(parts):
        if index % 2 == 0:
            pieces.append(resolved(part))
            continue
        found = _COLUMN.fullmatch(part)
        name = next(filter(None, found.groups()), "") if found else ""
        pieces.append(famulus.FileColumn(name, part))
    address = famulus.FileAddress(tuple(pieces), place, expected)
    if address.may_be_here and not address.written.partition("?")[0].endswith(OWN_SCRIPTS):
        yield address


def _spans(text: str, token: Token) -> Iterator[tuple[int, int, Callable[[str], str]]]:
    attributes = [(each.name, each.span) for each in token.attributes() if each.span is not None]
    content = None if token.content_end is None else (token.end, token.content_end)
    yield from famulus.file_address_spans(text, token.name, attributes, content)
    own = _LOADED.get(token.name)
    yield from ((*span, unescape) for name, span in attributes if name == own)


@define
class _Missing:
    #: the line in the page of the first row
    line: int
    tag: str
    #: the names, each with the row whose page has it
    named: list[tuple[str, int]] = field(factory=list)
    pages: int = 0


@define
class PageFiles:
    """Finds in filled pages the files that workers would not get.

    ``famulus.file_problems`` checks the addresses in the template itself.

    :param folder: the folder of ``extra_source_dir``.
    :param noun: the word before a row's place: line or row.
    """

    beside: famulus.FilesBeside
    folder: Path | None
    noun: str = "row"
    _missing: dict[tuple[int, str], _Missing] = field(factory=dict, init=False)
    _known: set[str] = field(factory=set, init=False)
    _written: Collection[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        own = (one.written for one in self.beside.addresses if not one.columns)
        self._written = frozenset(own)

    def see(self, place: int, page: str) -> bool:
        """Check the page of one row, and return whether all its files are served.

        :param place: the line of the row, or its number.
        """
        found = {each for each in _CANDIDATE.findall(page) if not _ELSEWHERE.match(each)}
        if found <= self._known:
            return True
        is_whole = True
        for token in tokens(page):
            if token.kind is not Kind.START or token.name in ("a", "area"):
                continue
            for start, end, resolved in _spans(page, token):
                name = self._name(resolved(page[start:end]))
                if name and famulus.file_fault(self.beside, self.folder, name) is not None:
                    is_whole = False
                    self._add(line_of(page, start), token.name, name, place)
        if is_whole:
            self._known |= found
        return is_whole

    def problems(self) -> Iterator[famulus.Problem]:
        """Yield a warning for each place that names files that are not served."""
        missing = sorted(self._missing.values(), key=lambda each: each.line)
        for each in missing[:_MOST_NAMED]:
            (name, place), *others = each.named
            also = [f"{self.noun} {row}: {other}" for other, row in others]
            also += [f"{each.pages - len(each.named)} more"] * (each.pages > len(each.named))
            fault = famulus.file_fault(self.beside, self.folder, name)
            message = (
                f"{name}, in <{each.tag}>, {fault} (in the page of {self.noun} {place}, whose line "
                f"this is{'; also ' * bool(also)}{', '.join(also)})"
            )
            yield famulus.Problem(message, file=self.beside.page, line=each.line, warning=True)
        if len(missing) > _MOST_NAMED:
            message = f"{len(missing) - _MOST_NAMED} more addresses name files that are not served"
            yield famulus.Problem(message, file=self.beside.page, warning=True)

    def _name(self, address: str) -> str | None:
        if address in self._written or address.partition("?")[0].endswith(OWN_SCRIPTS):
            return None
        return famulus.requested_file_name(address)

    def _add(self, line: int, tag: str, name: str, place: int) -> None:
        missing = self._missing.setdefault((line, tag), _Missing(line, tag))
        if (name, place) in missing.named:
            return
        missing.pages += 1
        if len(missing.named) < _MOST_NAMED:
            missing.named.append((name, place))
