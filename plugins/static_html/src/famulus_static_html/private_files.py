"""Files in a folder that is served which are not for workers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

#: Configurations, scripts and databases.
_SUFFIXES = frozenset({".yaml", ".yml", ".py", ".ipynb", ".db", ".sqlite", ".sqlite3"})
#: Most files that are checked, and most that are named.
_LOOKED_AT, _NAMED = 10_000, 3


def private_files(folder: Path, known: Iterable[Path]) -> str:
    """Return the files of a folder that pages can hardly need, in words; empty for none.

    :param known: files that are surely not for workers, such as the data.
    """
    private = {_resolved(path) for path in known}
    found = sorted(
        str(path.relative_to(folder))
        for path in islice(_files(folder), _LOOKED_AT)
        if path.suffix.lower() in _SUFFIXES or _resolved(path) in private
    )
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{', '.join(found[:_NAMED])}{more}"


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files that are served, without those whose names begin with a dot."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))


def _resolved(path: Path) -> Path:
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError):
        return path
