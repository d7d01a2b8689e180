"""Values that contain markup: HTML on other platforms, text here unless the author opts in."""

from __future__ import annotations

import html
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field

import famulus
from famulus_static_html.columns import forbidden_problems
from famulus_static_html.compiled import CompiledPage
from famulus_static_html.differences import Difference, Differing
from famulus_static_html.escapes import text_of
from famulus_static_html.findings import Limited
from famulus_static_html.reserved import reserved_fault, reserved_fields
from famulus_static_html.source import Placeholder, Source, trust
from famulus_static_html.tokens import Kind, tokenise
from famulus_static_html.values import INPUT

_Key = TypeVar("_Key")

_log = logging.getLogger(__name__)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_FIELD = re.compile(r"<(?:input|select|option|textarea|button)(?=[\s/>])", re.IGNORECASE)
# Left open, these swallow what follows them, the Submit button too.
_CLOSED = ("template", "select", "svg", "math", "button")


def has_markup(text: str) -> bool:
    """Return whether a text contains markup or entities, as browsers read HTML."""
    return ("<" in text and _TAG.search(text) is not None) or has_entity(text)


def has_entity(text: str) -> bool:
    """Return whether a text holds an entity, such as ``&amp;``, which HTML resolves."""
    return "&" in text and any(html.unescape(found) != found for found in _ENTITY.findall(text))


def raw_fault(text: str) -> str | None:
    """Return why a value cannot be inserted into the page's form as it is."""
    if "<" not in text:
        return None
    opened: Counter[str] = Counter()
    for token in tokenise(Source(text)):
        if token.kind is Kind.BROKEN:
            return f"contains {token.name} that never ends"
        if token.kind in (Kind.START, Kind.END):
            if token.name in ("form", "base"):
                end = "/" if token.kind is Kind.END else ""
                return f"holds <{end}{token.name}>, and the page is inside a form of its own"
            is_empty = token.name in ("svg", "math") and text[token.end - 2] == "/"
            opened[token.name] += 0 if is_empty else 1 if token.kind is Kind.START else -1
    source = Source(text)
    if fault := next((fault for _, fault in reserved_fields(source, tokenise(source))), None):
        return f"contains a field without an answer: {fault}"
    open_ = next((name for name in _CLOSED if opened[name] > 0), None)
    return f"opens <{open_}> and does not close it" if open_ else None


@define
class _Found:
    """The number of rows of one kind, and the place of the first."""

    count: int
    first: int
    reason: str


def _add(found: dict[_Key, _Found], name: _Key, place: int, reason: str = "") -> None:
    if name in found:
        found[name].count += 1
    else:
        found[name] = _Found(1, place, reason)


@define
class MarkupWatch:
    """Counts the rows of a page whose values contain markup.

    ``most`` is the largest number of rows that fill the page; ``is_decided`` means that the author
    wants markup as text. Messages name a row by ``noun``, its number and its file ``data``.
    """

    page: CompiledPage
    file: Path
    noun: str = "row"
    data: Path | None = None
    most: int | None = None
    is_decided: bool = False
    rows: int = 0
    _escaped: Mapping[str, Placeholder] = field(init=False)
    _raw: Mapping[str, Placeholder] = field(init=False)
    _quoted: Mapping[str, Placeholder] = field(init=False)
    _differing: Sequence[Differing] = field(init=False)
    _left_out: dict[Limited, _Found] = field(factory=dict, init=False)
    _entities: dict[str, _Found] = field(factory=dict, init=False)
    _differences: dict[Differing, _Found] = field(factory=dict, init=False)
    _markup: dict[str, _Found] = field(factory=dict, init=False)
    _fields: dict[str, _Found] = field(factory=dict, init=False)
    _faults: dict[str, _Found] = field(factory=dict, init=False)
    _reserved: dict[str, _Found] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._escaped = self._undecided(self.page.shown)
        self._quoted = self._undecided(self.page.quoted)
        self._differing = self._undecided_differing()
        self._raw = _by_name(one for one in self.page.shown if one.raw)

    def _undecided_differing(self) -> Sequence[Differing]:
        """Return one for each column and difference, of which the author has decided neither."""
        found: dict[tuple[str, Difference], Differing] = {}
        for each in () if self.is_decided else self.page.differing:
            if not each.placeholder.raw and not each.placeholder.text:
                found.setdefault((each.placeholder.html_name, each.difference), each)
        return list(found.values())

    def _undecided(self, placeholders: Sequence[Placeholder]) -> Mapping[str, Placeholder]:
        plain = [one for one in placeholders if not one.raw and not one.text]
        return {} if self.is_decided else _by_name(plain)

    @property
    def names(self) -> set[str]:
        """The columns that it reads."""
        names = {*self._escaped, *self._raw, *self._quoted}
        names.update(each.placeholder.html_name for each in self._differing)
        names.update(each.placeholder.html_name for each in self.page.limited)
        names.update(*(each.columns for each in self.page.row_names))
        return names | {INPUT + name for name in names}

    def see(self, place: int, row: Mapping[str, Any]) -> None:
        """Record one row; ``place`` is its line or its number."""
        if self.rows == self.most:
            return
        self.rows += 1
        for name in self._escaped:
            text = _text(_value(row, name))
            if ("<" in text or "&" in text) and has_markup(text):
                _add(self._markup, name, place)
                if "<" in text and _FIELD.search(text):
                    _add(self._fields, name, place)
        for name in self._quoted:
            if has_entity(_text(_value(row, name))):
                _add(self._entities, name, place)
        for limited in self.page.limited:
            if not limited.accepts(_value(row, limited.placeholder.html_name)):
                _add(self._left_out, limited, place)
        self._see_differences(place, row)
        self._see_raw(place, row)
        self._see_names(place, row)

    def _see_differences(self, place: int, row: Mapping[str, Any]) -> None:
        for differing in self._differing:
            if differing.differs(_value(row, differing.placeholder.html_name)):
                _add(self._differences, differing, place)

    def _see_names(self, place: int, row: Mapping[str, Any]) -> None:
        for name in self.page.row_names:
            values = {column: _value(row, column) for column in name.columns}
            if fault := reserved_fault(name.filled(values)):
                _add(self._reserved, name.written, place, fault)

    def _see_raw(self, place: int, row: Mapping[str, Any]) -> None:
        for name in self._raw:
            text = _text(_value(row, name))
            fault = raw_fault(text) if "<" in text else None
            if fault:
                _add(self._faults, name, place, fault)

    @property
    def doubts(self) -> int:
        """The number of placeholders for which something was found so far."""
        found = (self._markup, self._fields, self._entities, self._faults, self._reserved)
        return sum(map(len, found)) + len(self._left_out) + len(self._differences)

    def problems(self) -> Iterator[famulus.Problem]:
        """Yield a warning or an error for each placeholder whose values contain markup.

        Markup that is shown as text is a warning. Values that hold form fields, or cannot be
        inserted as they are, are an error.
        """
        for name, found in self._faults.items():
            yield self._problem(
                self._raw[name],
                f"the value of {self._place(found)} {found.reason}{self._more(found)}; take that "
                f"out of the data, or write {_written(self._raw[name], 'text')} to show it as text",
            )
        for written, found in self._reserved.items():
            message = f"with {self._place(found)}, {found.reason}{self._more(found)}"
            line = next(one.line for one in self.page.row_names if one.written == written)
            yield famulus.Problem(
                f'name="{written}": {message}; change the value', file=self.file, line=line
            )
        for limited, found in self._left_out.items():
            yield self._problem(
                limited.placeholder,
                f"the value of {self._place(found)} {limited.fault}{self._more(found)}; where you "
                f"trust every value, {trust(limited.placeholder)}",
            )
        for name, found in self._markup.items():
            placeholder = self._escaped[name]
            if name in self._fields:
                yield self._problem(placeholder, self._fields_message(name))
            else:
                yield self._problem(
                    placeholder,
                    f"{found.count} of {self.rows} rows have markup, shown as text; "
                    f"{self._decision(placeholder)} where text is meant",
                    warning=True,
                )
        for name, found in self._entities.items():
            placeholder = self._quoted[name]
            yield self._problem(
                placeholder,
                f"{found.count} of {self.rows} rows have entities such as &amp;, which stay as "
                f"they are written; {self._decision(placeholder)} where they are meant",
                warning=True,
            )
        for differing, found in self._differences.items():
            yield self._problem(
                differing.placeholder, self._difference_message(differing, found), warning=True
            )

    def _difference_message(self, differing: Differing, found: _Found) -> str:
        kind, placeholder = differing.difference.value, differing.placeholder
        have = (
            f"{found.count} of {self.rows} rows have {kind.what} "
            f"(the first: {self._place(found)}), {kind.happens}; "
        )
        if differing.difference is Difference.PARAMETER:
            one, several = _written(placeholder, "text"), _written(placeholder, "raw")
            return f"{have}write {one} where all of it is one value, or {several} where it is not"
        return f"{have}{self._decision(placeholder)} where {kind.meant} is meant"

    def _decision(self, placeholder: Placeholder) -> str:
        return (
            f"write {_written(placeholder, 'raw')}, or blueprint.trust_data=true, where you trust "
            f"every row, or {_written(placeholder, 'text')}"
        )

    def _fields_message(self, name: str) -> str:
        found, placeholder = self._fields[name], self._escaped[name]
        return (
            f"{found.count} of {self.rows} rows hold form fields (the first: "
            f"{self._place(found)}), which would be shown as text and collect no answers; "
            f"{self._decision(placeholder)} where text is meant"
        )

    def _place(self, found: _Found) -> str:
        return f"{self.noun} {found.first}" + (f" of {self.data.name}" if self.data else "")

    @staticmethod
    def _more(found: _Found) -> str:
        return f" ({found.count} rows are like that)" if found.count > 1 else ""

    def _problem(
        self, placeholder: Placeholder, message: str, *, warning: bool = False
    ) -> famulus.Problem:
        return famulus.Problem(
            f"{placeholder.source}: {message}",
            file=self.file,
            line=placeholder.line,
            warning=warning,
        )


@define
class SeveralWatches:
    """Passes each row to the watches of several pages."""

    watches: Sequence[famulus.RowWatch]

    @property
    def names(self) -> set[str]:
        """The columns that it reads."""
        return {name for watch in self.watches for name in watch.names}

    def see(self, place: int, row: Mapping[str, Any]) -> None:
        """Record one row."""
        for watch in self.watches:
            watch.see(place, row)


@define
class LoadedRows:
    """Checks rows while they are loaded, because they could not be read before the launch."""

    watch: MarkupWatch
    _doubts: int = field(default=0, init=False)

    @property
    def names(self) -> set[str]:
        """The columns that it reads."""
        return self.watch.names

    def see(self, number: int, row: Mapping[str, Any]) -> None:
        """Check one row; log warnings, once per placeholder.

        :raises famulus.UsageError: when the row cannot be shown.
        """
        problems = forbidden_problems(self.watch.page, self.watch.file, row)
        self.watch.see(number, row)
        if self.watch.doubts > self._doubts:
            self._doubts = self.watch.doubts
            found = list(self.watch.problems())
            problems += [problem for problem in found if not problem.warning]
            for problem in found:
                if problem.warning:
                    _log.warning("%s", problem)
        if problems:
            raise famulus.UsageError(problems)


def _by_name(placeholders: Iterable[Placeholder]) -> dict[str, Placeholder]:
    found: dict[str, Placeholder] = {}
    for placeholder in placeholders:
        found.setdefault(placeholder.html_name, placeholder)
    return found


def _value(row: Mapping[str, Any], name: str) -> Any:
    return row[name] if name in row else row.get(INPUT + name)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return text_of(value) if isinstance(value, list | tuple | Mapping) else ""


def _written(placeholder: Placeholder, how: str) -> str:
    return f"${{{placeholder.name}|{how}}}"
