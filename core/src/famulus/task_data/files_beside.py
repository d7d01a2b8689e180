"""The files in the folder of a page: the files that the page names are served with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from attrs import define, field

from famulus.errors import UsageError
from famulus.task_data.file_addresses import (
    MEDIA,
    FileAddress,
    html_addresses,
    is_media,
    local_file_name,
    media_names,
    style_addresses,
)

_SERVED = MEDIA | {
    ".css", ".eot", ".htm", ".html", ".ico", ".js", ".mjs", ".otf", ".pdf", ".ttf", ".woff",
    ".woff2",
}  # fmt: skip
_SCRIPTS = frozenset({".js", ".mjs"})
#: Files that may name others.
_FOLLOWED = _SCRIPTS | {".css", ".htm", ".html"}
#: Stands for a value in a name; no author writes it.
_ANY = "\ue000"


@define
class FilesBeside:
    """The files in a page's folder named by the page, by files that it names, or by its data.

    Media files are served if an address leads to them once values complete it, or if values of
    ``columns`` name them. Other files are served only if the page names them, or a style sheet or
    HTML file that the page names. Reads nothing before the first question; threads can share it.

    :param page: the file of the page, which names are relative to.
    :param addresses: the addresses that the page names.
    :param columns: the columns of the data that the page uses.
    :param rows: streams the data, with these columns; None if the data are not in a file.
    """

    page: Path
    addresses: Sequence[FileAddress]
    columns: Collection[str] = ()
    rows: Callable[[], Iterable[Mapping[str, Any]]] | None = None
    _lock: Any = field(factory=Lock, init=False, repr=False, eq=False)
    _named: frozenset[str] | None = field(default=None, init=False)
    _by_rows: frozenset[str] | None = field(default=None, init=False)

    @property
    def folder(self) -> Path:
        """The folder of the page."""
        return self.page.parent

    def serves(self, name: str) -> bool:
        """Return whether the page or its data name this file, and workers may have it."""
        if not _is_type(name, _SERVED) or not self._is_own(name):
            return False
        return name in self.names() or (
            is_media(name) and (self._is_completed(name) or name in self._names_by_rows())
        )

    def names(self) -> Collection[str]:
        """Return the existing files that are named by the page, or by one of these files."""
        with self._lock:
            if self._named is None:
                self._named = frozenset(self._with_named_inside())
            return self._named

    def can_serve(self, address: FileAddress, name: str) -> bool:
        """Return whether a file that a value names at this address would be served."""
        is_known = self.rows is not None or name_pattern(address) is not None
        return is_known and is_media(name) and self._is_own(name)

    def _is_own(self, name: str) -> bool:
        """Return whether a name leads to a file of a served type in the folder, even by a link.

        Links are followed: one must not expose a file that is not meant for workers.
        """
        try:
            file = (self.folder / name).resolve()
            inside = file.relative_to(self.folder.resolve())
            is_hidden = any(part.startswith(".") for part in inside.parts)
            return not is_hidden and _is_type(file.name, _SERVED) and file.is_file()
        except (OSError, RuntimeError, ValueError):
            return False

    def _with_named_inside(self) -> Iterator[str]:
        waiting = [name for one in self.addresses if (name := fixed_name(one)) is not None]
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen or not _is_type(name, _SERVED) or not self._is_own(name):
                continue
            seen.add(name)
            yield name
            waiting += self._named_in(name)

    def _named_in(self, file: str) -> Iterator[str]:
        """Yield the file names in a style sheet or an HTML file, and complete ones in a script."""
        if not _is_type(file, _FOLLOWED):
            return
        try:
            text = (self.folder / file).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        if _is_type(file, _SCRIPTS):
            # Addresses in a script are relative to the page that it runs in.
            yield from media_names(text)
            return
        folder = file.rpartition("/")[0]
        read = style_addresses if _is_type(file, {".css"}) else html_addresses
        for address in read(text):
            name = local_file_name(address, folder)
            if name is not None:
                yield name

    def _is_completed(self, name: str) -> bool:
        patterns = filter(None, map(name_pattern, self.addresses))
        return any(pattern.fullmatch(name) for pattern in patterns)

    def _names_by_rows(self) -> Collection[str]:
        """Return the files that rows name by a value alone: the page adds no folder to it."""
        with self._lock:
            if self._by_rows is None:
                self._by_rows = frozenset(self._read_rows())
            return self._by_rows

    def _read_rows(self) -> Iterator[str]:
        if self.rows is None or not self.columns:
            return
        # One column alone is an address as it is.
        joined = [one for one in self.addresses if len(one.pieces) > 1 and all(one.columns)]
        joined = [one for one in joined if one.columns and name_pattern(one) is None]
        try:
            for row in self.rows():
                for column in self.columns:
                    yield from media_names(row.get(column))
                for address in joined:
                    name = local_file_name(address.filled(row))
                    if name is not None and is_media(name):
                        yield name
        except UsageError:
            return  # the data was changed after the launch; the rows up to here are known


def fixed_name(address: FileAddress) -> str | None:
    """Return the name of a file that depends only on the page; its query is left out."""
    name = _open_name(address)
    return None if name is None or _ANY in name else name


def name_pattern(address: FileAddress) -> re.Pattern[str] | None:
    """Return a pattern of the names that values can complete, if the page has their beginning."""
    name = _open_name(address)
    if name is None or name.startswith(_ANY) or _ANY not in name:
        return None
    return re.compile(re.escape(name).replace(_ANY, ".+"), re.DOTALL)


def _open_name(address: FileAddress) -> str | None:
    """Return the name with :data:`_ANY` in place of each value."""
    pieces = (one if isinstance(one, str) else _ANY for one in address.pieces)
    return local_file_name("".join(pieces))


def _is_type(name: str, suffixes: Collection[str]) -> bool:
    return Path(name).suffix.lower() in suffixes
