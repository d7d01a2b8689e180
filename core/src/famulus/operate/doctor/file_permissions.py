"""Files of a database that other users of the machine can read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from famulus.model.location import Location
from famulus.operate.doctor.difference import Difference


def of_files(location: Location) -> Iterator[Difference]:
    """Find files that every user of this machine can read."""
    exposed = [path for path in _files(location) if _admits(path, stat.S_IROTH, stat.S_IXOTH)]
    if exposed:
        yield Difference(
            run=None,
            subject="files",
            what=f"every user of this machine can read {_listed(exposed)}",
            advice=f"chmod o= {' '.join(str(path) for path in exposed)}",
        )


def shared_files(location: Location) -> str | None:
    """Return a remark on files that a group can read, perhaps on purpose, or None."""
    shared = [path for path in _files(location) if _admits(path, stat.S_IRGRP, stat.S_IXGRP)]
    if not shared:
        return None
    groups = sorted({_group(path) for path in shared})
    return f"The group {', '.join(groups)} can read {_listed(shared)}."


def _files(location: Location) -> Sequence[Path]:
    if os.name != "posix":
        return ()
    path = location.path
    beside = (
        []
        if path is None
        else [
            path,
            *(path.with_name(f"{path.name}-{end}") for end in ("wal", "shm", "key")),
            *sorted(path.parent.glob(f"{path.name}-backup-*")),
        ]
    )
    files = location.files
    dumps = sorted(files.parent.glob(f"{files.name}-backup-*"))  # of PostgreSQL
    return [each for each in [*beside, files, *dumps] if each.exists()]


def _admits(path: Path, reads: int, enters: int) -> bool:
    """Return whether others can read a file, by its permissions and those of the folders above."""
    folders = [*path.parents, *([path] if path.is_dir() else [])]
    admitted = all(_mode(folder) & (enters | stat.S_IXOTH) for folder in folders)
    return bool(_mode(path) & reads) and admitted


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _group(path: Path) -> str:
    try:
        return path.group()
    except KeyError:
        return str(path.stat().st_gid)


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(f"{path} ({_mode(path):04o})" for path in paths)
