"""The checks of the files that a page expects next to it, or in a folder that is served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from famulus.errors import Problem
from famulus.task_data.file_addresses import FileAddress, local_file_name, outside_file_name
from famulus.task_data.files_beside import FilesBeside, fixed_name, name_pattern

#: Most names in one line: of files that are served, and of rows whose file is missing.
_MOST_LISTED, _MOST_NAMED = 5, 20
#: How names begin that are not in the folder of a page.
_OUTSIDE = ("../", "/")
_OPTION = (
    "put it into a folder that has nothing else in it than files for workers, and name this in "
    "blueprint.extra_source_dir"
)


def file_problems(beside: FilesBeside, folder: Path | None = None) -> Iterator[Problem]:
    """Yield warnings about files that the page itself names, and a warning that lists served files.

    :param folder: the folder that ``extra_source_dir`` names: its files are served instead of those
        in the page's folder.
    """
    for address in beside.addresses:
        name = fixed_name(address)
        if not address.expected or (address.columns and name is None):
            continue
        name = name or outside_file_name(address.written)
        fault = file_fault(beside, folder, name)
        if fault is not None:
            message = f"{name or address.written} {fault}"
            yield evolve(address.place, message=message, warning=True)
    if folder is None:
        yield from _served_files(beside)


def file_fault(beside: FilesBeside, folder: Path | None, name: str | None) -> str | None:
    """Return why workers would not get a file, and what to do; None if they get it.

    A name that begins with a slash refers to a file of the folder.

    :param name: the name that browsers request; None for a name that no file can have.
    """
    if name is not None and name.startswith("../"):
        return f"is not served, since it is outside of the page's folder: {_OPTION}"
    inside = None if name is None else name.removeprefix("/")
    if folder is not None:
        is_served = inside is not None and _is_in(folder, inside)
        return None if is_served else f"is not in {folder}: {_OPTION}"
    if inside is not None and beside.serves(inside):
        return None
    if inside is None or _is_in(beside.folder, inside):
        return f"is not served: {_OPTION}"
    remedy = "put it there, or name the folder that has it in blueprint.extra_source_dir"
    return f"is not in {beside.folder}: {remedy}"


@define
class FileWatch:
    """Finds files that rows name but workers would not get.

    ``noun`` is the word for a row in messages; ``folder`` is what ``extra_source_dir`` names.
    """

    beside: FilesBeside
    folder: Path | None
    noun: str
    _addresses: Sequence[FileAddress] = field(init=False)
    _missing: dict[str, _Missing] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._addresses = [
            one
            for one in self.beside.addresses
            if one.expected and one.columns and all(one.columns) and fixed_name(one) is None
        ]

    @property
    def names(self) -> set[str]:
        """The columns that it reads."""
        return {name for address in self._addresses for name in address.columns}

    def see(self, place: int, row: Mapping[str, Any]) -> None:
        """Look for the files of one row; ``place`` is its line or its number."""
        for address in self._addresses:
            written = address.filled(row)
            name = local_file_name(written) or outside_file_name(written)
            if name is not None and not self._can_serve(address, name):
                self._missing.setdefault(address.written, _Missing(address)).add(name, place)

    def problems(self) -> Iterator[Problem]:
        """Yield a warning for each address that rows' values complete to an unserved file."""
        for each in self._missing.values():
            (name, place), *others = each.named
            rows = [f"{self.noun} {place}: {name}" for name, place in others]
            rows += [f"{each.rows - len(each.named)} more"] if each.rows > len(each.named) else []
            also = f" (also {', '.join(rows)})" if rows else ""
            fault = file_fault(self.beside, self.folder, name)
            written = each.address.written
            message = f"{written}: {name}, the file of {self.noun} {place}, {fault}{also}"
            yield evolve(each.address.place, message=message, warning=True)

    def _can_serve(self, address: FileAddress, name: str) -> bool:
        if self.folder is None and not name.startswith(_OUTSIDE):
            return self.beside.can_serve(address, name)
        return file_fault(self.beside, self.folder, name) is None


@define
class _Missing:
    """The rows with whose values one address leads to unserved files."""

    address: FileAddress
    #: the first of these files, each with its row
    named: list[tuple[str, int]] = field(factory=list)
    rows: int = 0

    def add(self, name: str, place: int) -> None:
        self.rows += 1
        if len(self.named) < _MOST_NAMED:
            self.named.append((name, place))


def _served_files(beside: FilesBeside) -> Iterator[Problem]:
    names = sorted(beside.names())
    more = [f"{len(names) - _MOST_LISTED} more"] if len(names) > _MOST_LISTED else []
    completed = [one.written for one in beside.addresses if name_pattern(one) is not None]
    shown = [*names[:_MOST_LISTED], *more, *completed]
    if shown:
        message = f"these files of its folder are served with it: {', '.join(shown)}"
        yield Problem(message, file=beside.page, warning=True)


def _is_in(folder: Path, name: str) -> bool:
    """Return whether a folder that is served as a whole has a file."""
    if any(part.startswith(".") for part in name.split("/")):
        return False
    try:
        file = (folder / name).resolve()
        return file.is_relative_to(folder.resolve()) and file.is_file()
    except (OSError, RuntimeError, ValueError):
        return False
