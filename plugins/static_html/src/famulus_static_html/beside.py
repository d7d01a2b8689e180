"""The files that are served with a page, and the check of the files that rows name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import famulus
from famulus_static_html.compiled import CompiledPage
from famulus_static_html.values import INPUT, with_inputs


def files_beside(
    page: CompiledPage, path: Path, data: Sequence[famulus.DataFile]
) -> famulus.FilesBeside:
    """Return the files that are served with a page if ``extra_source_dir`` is not set.

    :param data: the file of the rows; empty if they are not in a file.
    """
    rows = (lambda: map(with_inputs, data[0].rows())) if data else None
    return famulus.FilesBeside(path, page.files.addresses, page.files.columns, rows)


class InputFileWatch(famulus.FileWatch):
    """A file watch that also reads rows of MTurk's results."""

    @property
    def names(self) -> set[str]:
        """The columns that it reads."""
        names = super().names
        return names | {INPUT + name for name in names}

    def see(self, place: int, row: Mapping[str, Any]) -> None:
        """Look for the files of one row; ``place`` is its line or its number."""
        super().see(place, with_inputs(row))
