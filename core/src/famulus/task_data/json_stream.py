"""Read the items of a JSON list one at a time, from a buffer that holds about one of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn, TextIO

from attrs import define

from famulus.task_data.reports import Report

_BLOCK = 1 << 16
# One item of more characters than this is refused, so that a quote that is missing does not read
# the rest of a huge file into memory.
_LONGEST = 1 << 26
# As far from the end of the buffer as a token can be cut in two: "\\ud83d\\ude00", "-Infinity".
_CUT = 16
_SPACE = re.compile(r"[ \t\n\r]*")


HALF_CHARACTER = "holds half of a surrogate pair, which is not a character"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


#: Refuses NaN and infinities, which Python would let pass.
STRICT_JSON = json.JSONDecoder(parse_constant=_refuse_constant)


def is_whole(item: Any) -> bool:
    """Return whether the strings of an item are text, without half a surrogate pair."""
    try:
        json.dumps(item, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


class _Broken(Exception):  # noqa: N818 - ends the reading, after it was reported
    """The rest of the file cannot be read."""


def json_items(file: TextIO, report: Report) -> Iterator[tuple[int, Any]]:
    """Yield each item of the list with the line it begins on; stop at a fault in the JSON."""
    items = _Items(file, report)
    try:
        yield from items.read()
    except _Broken:
        return


@define
class _Items:
    file: TextIO
    report: Report
    buffer: str = ""
    position: int = 0
    line: int = 1
    ended: bool = False

    def read(self) -> Iterator[tuple[int, Any]]:
        if self._next() != "[":
            self._break("is not a list: it must be a JSON list of objects")
        self.position += 1
        if self._next() == "]":
            self._break("has no rows: it must be a JSON list of objects")
        yield from self._members()
        if self._next():
            self._break("goes on after the end of the list")

    def _members(self) -> Iterator[tuple[int, Any]]:
        while True:
            if self._next() == "]":
                self._break("has a comma in front of the end of the list")
            line, item = self.line, self._item()
            yield line, item
            separator = self._next()
            self.position += 1
            if separator == "]":
                return
            if separator != ",":
                self._break(
                    f"has {separator!r} where a comma or the end of the list belongs"
                    if separator
                    else "ends within the list: it is cut off"
                )

    def _next(self) -> str:
        """Step over white space and return the next character; nothing at the end."""
        while True:
            start, text = self.position, self.buffer
            space = _SPACE.match(text, start)
            self.position = space.end() if space else start
            self.line += text.count("\n", start, self.position)
            if self.position < len(text):
                return text[self.position]
            if not self._more():
                return ""

    def _item(self) -> Any:
        while True:
            try:
                item, end = STRICT_JSON.raw_decode(self.buffer, self.position)
            except json.JSONDecodeError as error:
                if self._is_cut(error) and self._more():
                    continue
                self._break_at(error)
            except (ValueError, RecursionError) as error:
                deep = isinstance(error, RecursionError)
                self._break("is nested too deeply" if deep else str(error))
            # A number may go on in the next block.
            if end < len(self.buffer) or not self._more():
                break
        if self.buffer.find("\\u", self.position, end) >= 0 and not is_whole(item):
            self.report.add(HALF_CHARACTER, self.line)
        self.line += self.buffer.count("\n", self.position, end)
        self.position = end
        return item

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        return error.msg.startswith("Unterminated") or error.pos >= len(self.buffer) - _CUT

    def _more(self) -> bool:
        """Double the buffer, so that a long item is scanned at most twice."""
        if self.ended:
            return False
        rest = self.buffer[self.position :]
        if len(rest) > _LONGEST:
            self._break(f"begins an item of more than {_LONGEST} characters")
        block = self.file.read(max(_BLOCK, len(rest)))
        self.ended = not block
        if block:
            self.buffer, self.position = rest + block, 0
        return not self.ended

    def _break_at(self, error: json.JSONDecodeError) -> NoReturn:
        begun = self.line
        self.line += self.buffer.count("\n", self.position, error.pos)
        if error.pos >= len(self.buffer.rstrip()):
            self._break(f"ends within the item that begins on line {begun}: it is cut off")
        self._break(f"is not JSON: {error.msg} (the item begins on line {begun})")

    def _break(self, message: str) -> NoReturn:
        self.report.add(message, self.line)
        raise _Broken
