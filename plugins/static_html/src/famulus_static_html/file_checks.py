"""The checks of the files that a page expects beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field

import famulus
from famulus_static_html.beside import FilesBeside, fixed_name, name_pattern
from famulus_static_html.columns import INPUT
from famulus_static_html.local_files import LocalAddress

_MOST_NAMED, _MOST_ROWS = 5, 1_000
_OPTION = (
    "put it into a folder that has nothing else in it than files for workers, and name this in "
    "blueprint.extra_source_dir"
)


def served_files(beside: FilesBeside) -> Iterator[famulus.Problem]:
    """Yield one warning that names what is served of a page's folder."""
    names = sorted(beside.names())
    more = [f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    completed = [one.written for one in beside.addresses if name_pattern(one) is not None]
    shown = [*names[:_MOST_NAMED], *more, *completed]
    if shown:
        message = f"these files of its folder are served with it: {', '.join(shown)}"
        yield famulus.Problem(message, file=beside.page, warning=True)


def missing_files(beside: FilesBeside, folder: Path | None) -> Iterator[famulus.Problem]:
    """Yield a warning for each file that the page itself names and a worker would not get.

    :param folder: the one that ``extra_source_dir`` names.
    """
    for address in beside.addresses:
        if address.columns or not address.expected:
            continue
        name = fixed_name(address)
        if name is None or not _is_served(beside, folder, name):
            message = f"{name or address.written} {_fault(beside, folder, name)}"
            yield famulus.Problem(message, file=beside.page, line=address.line, warning=True)


@define
class FileWatch:
    """Looks in the first rows for files that they name and a worker would not get.

    Rows are called ``noun``; ``folder`` is the one that ``extra_source_dir`` names.
    """

    beside: FilesBeside
    folder: Path | None
    noun: str
    _addresses: Sequence[LocalAddress] = field(init=False)
    _rows: int = field(default=0, init=False)
    _found: dict[str, famulus.Problem] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._addresses = [one for one in self.beside.addresses if one.columns and one.expected]

    @property
    def names(self) -> set[str]:
        """The columns that it reads."""
        names = {name for address in self._addresses for name in address.columns}
        return names | {INPUT + name for name in names}

    def see(self, place: int, row: Mapping[str, Any]) -> None:
        """Look for the files of one row; ``place`` is its line or its number."""
        self._rows += 1
        if self._rows > _MOST_ROWS:
            return
        for address in self._addresses:
            name = address.name(lambda column: row.get(column, row.get(INPUT + column)))
            if address.written not in self._found and name is not None:
                self._look(address, name, place)

    def problems(self) -> Iterator[famulus.Problem]:
        """Yield a warning for each address that a row completes to a file that is not served."""
        yield from self._found.values()

    def _look(self, address: LocalAddress, name: str, place: int) -> None:
        if self.folder is None:
            is_served = self.beside.can_serve(address, name)
        else:
            is_served = (self.folder / name).is_file()
        if not is_served:
            fault = _fault(self.beside, self.folder, name)
            self._found[address.written] = famulus.Problem(
                f"{address.written}: {name}, the file of {self.noun} {place}, {fault}",
                file=self.beside.page,
                line=address.line,
                warning=True,
            )


def _is_served(beside: FilesBeside, folder: Path | None, name: str) -> bool:
    return name in beside.names() if folder is None else (folder / name).is_file()


def _fault(beside: FilesBeside, folder: Path | None, name: str | None) -> str:
    if folder is not None:
        return f"is not in {folder}: {_OPTION}"
    if name is None or (beside.folder / name).is_file():
        return f"is not served: {_OPTION}"
    remedy = "put it there, or name the folder that has it in blueprint.extra_source_dir"
    return f"is not in {beside.folder}: {remedy}"
