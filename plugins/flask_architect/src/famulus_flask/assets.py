"""Finding the files that lie beside a task's page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from werkzeug.security import safe_join


def find_asset(folders: Iterable[Path], name: str) -> Path | None:
    """Return the file of that name from the first folder that has it, or None.

    A name that starts with a dot, anywhere in the path, is not found; nor is what a symbolic link
    brings in from outside its folder.
    """
    if "\0" in name or any(part.startswith(".") for part in name.split("/")):
        return None
    for folder in folders:
        joined = safe_join(str(folder), name)
        if joined is None:
            continue
        found = Path(joined).resolve()
        if found.is_relative_to(folder.resolve()) and found.is_file():
            return found
    return None
