"""The files in the folder of a page: those that it names are served with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from attrs import define, field

import famulus
from famulus_static_html.columns import with_inputs
from famulus_static_html.local_files import LocalAddress, local_name, style_addresses

_MEDIA = frozenset({
    ".aac", ".apng", ".avif", ".bmp", ".flac", ".gif", ".jpeg", ".jpg", ".m4a", ".m4v", ".mov",
    ".mp3", ".mp4", ".mpeg", ".oga", ".ogg", ".ogv", ".opus", ".png", ".svg", ".tif", ".tiff",
    ".vtt", ".wav", ".webm", ".webp",
})  # fmt: skip
_SERVED = _MEDIA | {
    ".css", ".eot", ".htm", ".html", ".ico", ".js", ".mjs", ".otf", ".pdf", ".ttf", ".woff",
    ".woff2",
}  # fmt: skip
#: In place of a value, in a name; no author writes it.
_ANY = "\ue000"


@define
class FilesBeside:
    """The files beside a page that it names: itself, in its style sheets, or by its data.

    The data are the rows of a file. Reads nothing before the first question; threads can share it.
    """

    page: Path
    addresses: Sequence[LocalAddress]
    data: Sequence[famulus.DataFile] = ()
    _lock: Any = field(factory=Lock, init=False, repr=False, eq=False)
    _named: frozenset[str] | None = field(default=None, init=False)
    _by_rows: frozenset[str] | None = field(default=None, init=False)

    @property
    def folder(self) -> Path:
        """The folder of the page."""
        return self.page.parent

    def serves(self, name: str) -> bool:
        """Return whether the page, or its data, name this file, and it is one for workers."""
        if not _is_type(name, _SERVED) or not self._is_own(name):
            return False
        return name in self.names() or (
            _is_type(name, _MEDIA) and (self._is_completed(name) or name in self._names_by_rows())
        )

    def names(self) -> Collection[str]:
        """Return the files that the page and its style sheets name themselves, and that exist."""
        with self._lock:
            if self._named is None:
                self._named = frozenset(self._with_style_sheets())
            return self._named

    def can_serve(self, address: LocalAddress, name: str) -> bool:
        """Return whether a file that a value names at this address would be served."""
        is_known = bool(self.data) or name_pattern(address) is not None
        return is_known and _is_type(name, _MEDIA) and self._is_own(name)

    def _is_own(self, name: str) -> bool:
        """Return whether this is a file of the folder's, and not by a link to one of another kind.

        A link must not give a name for workers to what is none of theirs.
        """
        try:
            file = (self.folder / name).resolve()
            inside = file.relative_to(self.folder.resolve())
            is_hidden = any(part.startswith(".") for part in inside.parts)
            return not is_hidden and _is_type(file.name, _SERVED) and file.is_file()
        except (OSError, RuntimeError, ValueError):
            return False

    def _with_style_sheets(self) -> Iterator[str]:
        waiting = [name for one in self.addresses if (name := fixed_name(one)) is not None]
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen or not _is_type(name, _SERVED) or not self._is_own(name):
                continue
            seen.add(name)
            yield name
            if _is_type(name, {".css"}):
                waiting += self._named_in(name)

    def _named_in(self, sheet: str) -> Iterator[str]:
        try:
            text = (self.folder / sheet).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        folder = sheet.rpartition("/")[0]
        for address in style_addresses(text):
            name = local_name(address, folder)
            if name is not None:
                yield name

    def _is_completed(self, name: str) -> bool:
        patterns = filter(None, map(name_pattern, self.addresses))
        return any(pattern.fullmatch(name) for pattern in patterns)

    def _names_by_rows(self) -> Collection[str]:
        """Return what the rows name where nothing but a value says where a file is."""
        with self._lock:
            if self._by_rows is None:
                self._by_rows = frozenset(self._read_rows())
            return self._by_rows

    def _read_rows(self) -> Iterator[str]:
        addresses = [one for one in self.addresses if one.columns and name_pattern(one) is None]
        try:
            for file in self.data if addresses else ():
                for row in map(with_inputs, file.rows()):
                    for address in addresses:
                        name = address.name(row.get)
                        if name is not None and _is_type(name, _MEDIA):
                            yield name
        except famulus.UsageError:
            return  # the data was changed after the launch; the rows up to here are known


def fixed_name(address: LocalAddress) -> str | None:
    """Return the name of a file that the page alone determines."""
    return None if address.columns else address.name(lambda _: None)


def name_pattern(address: LocalAddress) -> re.Pattern[str] | None:
    """Return the names that values can complete, where the page itself writes how they begin."""
    name = address.name(lambda _: _ANY) if address.columns else None
    if name is None or name.startswith(_ANY):
        return None
    return re.compile(re.escape(name).replace(_ANY, ".+"), re.DOTALL)


def _is_type(name: str, suffixes: Collection[str]) -> bool:
    return Path(name).suffix.lower() in suffixes
