"""Finding the files that lie beside a task's page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from werkzeug.security import safe_join

import famulus


def find_asset(folders: Iterable[famulus.AssetFolder], name: str) -> Path | None:
    """Return the file of that name from the first folder that serves it, or None.

    Three kinds of files are never found: with a part of the path that begins with a dot; outside of
    the folder, through a symbolic link; and with a name that the file system cannot hold.
    """
    if "\0" in name or any(part.startswith(".") for part in name.split("/")):
        return None
    for folder in folders:
        joined = safe_join(str(folder.path), name) if folder.serves(name) else None
        found = None if joined is None else _file_inside(folder.path, joined)
        if found is not None:
            return found
    return None


def _file_inside(folder: Path, joined: str) -> Path | None:
    try:
        found = Path(joined).resolve()
        return found if found.is_relative_to(folder.resolve()) and found.is_file() else None
    except (OSError, RuntimeError, ValueError):
        # Too long, a circle of links, no permission, or not representable in the file system.
        return None
