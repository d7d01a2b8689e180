"""The checks of the files that a page expects beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field

import famulus
from famulus_static_html.beside import FilesBeside, fixed_name, name_pattern
from famulus_static_html.columns import INPUT
from famulus_static_html.local_files import LocalAddress, local_name, outside_name

_MOST_NAMED, _MOST_ROWS = 5, 1_000
#: How names begin that are not in the folder of a page.
_OUTSIDE = ("../", "/")
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
        name = fixed_name(address) or outside_name(address.written)
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
    _missing: dict[str, _Missing] = field(factory=dict, init=False)

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
            written = address.filled(lambda column: row.get(column, row.get(INPUT + column)))
            name = local_name(written) or outside_name(written)
            if name is not None and not self._can_serve(address, name):
                self._missing.setdefault(address.written, _Missing(address)).add(name, place)

    def problems(self) -> Iterator[famulus.Problem]:
        """Yield a warning for each address that rows complete to files that are not served."""
        for each in self._missing.values():
            (name, place), *others = each.named
            rows = [f"{self.noun} {place}: {name}" for name, place in others]
            rows += [f"{each.rows - len(each.named)} more"] if each.rows > len(each.named) else []
            also = f" (also {', '.join(rows)})" if rows else ""
            fault = _fault(self.beside, self.folder, name)
            yield famulus.Problem(
                f"{each.address.written}: {name}, the file of {self.noun} {place}, {fault}{also}",
                file=self.beside.page,
                line=each.address.line,
                warning=True,
            )

    def _can_serve(self, address: LocalAddress, name: str) -> bool:
        if self.folder is None and not name.startswith(_OUTSIDE):
            return self.beside.can_serve(address, name)
        return _is_served(self.beside, self.folder, name)


@define
class _Missing:
    """The rows that complete one address to files that are not served."""

    address: LocalAddress
    #: the first of these files, each with its row
    named: list[tuple[str, int]] = field(factory=list)
    rows: int = 0

    def add(self, name: str, place: int) -> None:
        self.rows += 1
        if len(self.named) < _MOST_NAMED:
            self.named.append((name, place))


def _is_served(beside: FilesBeside, folder: Path | None, name: str) -> bool:
    """Return whether a file is served; one in the root of this server is one of the folder."""
    if name.startswith("../"):
        return False
    name = name.removeprefix("/")
    return name in beside.names() if folder is None else (folder / name).is_file()


def _fault(beside: FilesBeside, folder: Path | None, name: str | None) -> str:
    if name is not None and name.startswith("../"):
        return f"is not served, since it is outside of the page's folder: {_OPTION}"
    inside = None if name is None else name.removeprefix("/")
    if folder is not None:
        return f"is not in {folder}: {_OPTION}"
    if inside is None or (beside.folder / inside).is_file():
        return f"is not served: {_OPTION}"
    remedy = "put it there, or name the folder that has it in blueprint.extra_source_dir"
    return f"is not in {beside.folder}: {remedy}"
