"""Warn of images, sounds and videos that a form names and workers would not get."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from attrs import define, field

import famulus
from famulus_form.form_file import FormFile
from famulus_form.texts import OWN_NAMES, placeholders, plain

_OPTION = "blueprint.extra_source_dir"
_MOST_ROWS = 1_000
# A text of several languages has the language behind its key.
_MEDIA_KEY = re.compile(r"(?:^|\.)(?:image|audio|video)(?:\.[A-Za-z-]+)?\Z")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


@define
class _Address:
    file: famulus.OptionFile
    key: str
    text: str
    #: the first file that a row names and that is not served, with its place
    missing: tuple[str, int | None] | None = None
    rows: int = 0


@define
class MediaWatch:
    """Looks for the files that a form, and the first rows of its data, name.

    :param folder: the one that ``extra_source_dir`` names.
    :param noun: what a row is called, beside its place.
    """

    folder: Path | None
    noun: str = "row"
    _addresses: list[_Address] = field(factory=list, init=False)
    _rows: int = field(default=0, init=False)

    def add(self, forms: Iterable[FormFile]) -> None:
        """Add the addresses of a form in its languages."""
        known = {(each.file.path, each.key, each.text) for each in self._addresses}
        for form in forms:
            for file, key, text in form.texts():
                if _MEDIA_KEY.search(key) and (file.path, key, text) not in known:
                    known.add((file.path, key, text))
                    address = _Address(file, key, text)
                    self._addresses.append(address)
                    if not any(placeholders(text)):
                        self._look(address, text, None)

    @property
    def names(self) -> set[str]:
        """The columns that it reads."""
        used = {name for each in self._addresses for name in placeholders(each.text)}
        return used - OWN_NAMES

    def see(self, place: int, row: Mapping[str, Any]) -> None:
        """Look for the files of one row; ``place`` is its line or its number."""
        self._rows += 1
        if self._rows > _MOST_ROWS:
            return
        for address in self._addresses:
            used = set(placeholders(address.text))
            if used and not used & OWN_NAMES:
                self._look(address, plain(address.text, row), place)

    def problems(self) -> Iterator[famulus.Problem]:
        """Yield a warning for each address of a file that is not served."""
        for address in self._addresses:
            if address.missing is None:
                continue
            name, place = address.missing
            what = name if place is None else f"{name}, the file of {self.noun} {place},"
            more = f" ({address.rows} rows name such files)" if address.rows > 1 else ""
            yield address.file.problem(
                address.key, f"{what} {self._fault(name)}{more}", warning=True
            )

    def _look(self, address: _Address, written: str, place: int | None) -> None:
        name = file_name(written)
        if name is None or self._is_served(name):
            return
        address.rows += 1
        address.missing = address.missing or (name, place)

    def _is_served(self, name: str) -> bool:
        if self.folder is None or any(part.startswith(".") for part in name.split("/")):
            return False
        try:
            file = (self.folder / name).resolve()
            return file.is_relative_to(self.folder.resolve()) and file.is_file()
        except (OSError, RuntimeError, ValueError):
            return False

    def _fault(self, name: str) -> str:
        if self.folder is None:
            return (
                "is not served: put it into a folder that has nothing else in it than files for "
                f"workers, and name this in {_OPTION}"
            )
        if name.startswith("../"):
            return f"is outside of {self.folder}: put it there, and write its name in that folder"
        return f"is not in {self.folder}, the folder of {_OPTION}: put it there"


def file_name(address: str) -> str | None:
    """Return the name of the file that a browser asks this server for; None for other addresses.

    A backslash is a slash, as browsers read it.
    """
    read = address.strip().replace("\\", "/")
    path = re.split(r"[?#]", read, maxsplit=1)[0]
    if not path or _ELSEWHERE.match(read):
        return None
    return posixpath.normpath(unquote(path).lstrip("/"))
