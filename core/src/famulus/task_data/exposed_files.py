"""Files in a served folder that are not meant for workers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

#: Configurations, scripts and databases.
_SUFFIXES = frozenset({".yaml", ".yml", ".py", ".ipynb", ".db", ".sqlite", ".sqlite3"})
#: Most files that are looked for by their suffix, and most that are named.
_LOOKED_AT, _NAMED = 10_000, 3


def private_files(folder: Path, known: Iterable[Path]) -> str:
    """Return the files of a folder that pages can hardly need, in words; empty for none.

    :param known: files that are surely not for workers, such as the data.
    """
    named = (path for path in islice(_files(folder), _LOOKED_AT) if _is_private(path))
    found = sorted({str(path.relative_to(folder)) for path in named} | {*_served(folder, known)})
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{', '.join(found[:_NAMED])}{more}"


def _is_private(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, except files whose names begin with a dot."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))


def _served(folder: Path, paths: Iterable[Path]) -> Iterator[str]:
    """Yield the names of the given files that are served with the folder."""
    root = _resolved(folder)
    for path in map(_resolved, paths):
        if path.is_relative_to(root):
            name = path.relative_to(root)
            if path.is_file() and not any(part.startswith(".") for part in name.parts):
                yield str(name)


def _resolved(path: Path) -> Path:
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError):
        return path
