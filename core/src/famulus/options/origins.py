"""Where the values of a configuration come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from famulus.errors import Problem

#: dotted key -> (file, line); only keys that a file has set
Origins = Mapping[str, tuple[Path, int]]


def located(key: str, message: str, origins: Origins) -> Problem:
    """Return a problem of a key, at the line of the nearest key above it that a file has set."""
    nearest = key
    while nearest and nearest not in origins:
        nearest = nearest.rpartition(".")[0]
    file, line = origins.get(nearest, (None, None))
    return Problem(message, key=key, file=file, line=line)
