"""Creating files and folders that only their owner, or the database's group, can read.

New files have the mode 0600 and new folders 0700, under any umask. If the database file or the
folder of its uploads is readable by its group, so are files created beside or below it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

_GROUP_READS = stat.S_IRGRP
_GROUP_WRITES = stat.S_IWGRP


def create_file(path: Path, *, like: Path | None = None, group_writes: bool = True) -> None:
    """Create an empty file unless it exists; the mode of an existing one is not changed.

    :param like: a file or folder, if it exists, whose group permissions are copied.
    :param group_writes: whether write permission is copied too.
    """
    with contextlib.suppress(FileExistsError):
        os.close(open_new(path, like=like, group_writes=group_writes))


def open_new(path: Path, *, like: Path | None = None, group_writes: bool = True) -> int:
    """Create a file for reading and writing; return its descriptor.

    :raises FileExistsError: when the file exists.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    shared = _shared(like) & (0o777 if group_writes else ~_GROUP_WRITES)
    with _ignore_missing_modes():
        os.fchmod(descriptor, 0o600 | shared)
    return descriptor


def make_folder(folder: Path, *, like: Path | None = None) -> None:
    """Create a folder and its parents unless they exist."""
    if folder.is_dir():
        return
    make_folder(folder.parent, like=like)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if folder.is_dir():
            return
        raise
    shared = _shared(like)
    if shared:
        group = shared | (stat.S_IXGRP if shared & _GROUP_READS else 0)
        # Keep what is inherited from the parent, such as the setgid bit.
        inherited = stat.S_IMODE(folder.stat().st_mode) & 0o7000
        with _ignore_missing_modes():
            folder.chmod(inherited | 0o700 | group)


def admit_group(path: Path, *, like: Path) -> None:
    """Give a file that is about to be moved the mode that a new file beside ``like`` would have."""
    with _ignore_missing_modes():
        path.chmod(0o600 | _shared(like))


def _ignore_missing_modes() -> contextlib.suppress:
    """Ignore the error of a file system without permission bits."""
    return contextlib.suppress(PermissionError)


def _shared(like: Path | None) -> int:
    """Return the read and write permission of a file's or folder's group."""
    try:
        return 0 if like is None else like.stat().st_mode & (_GROUP_READS | _GROUP_WRITES)
    except FileNotFoundError:
        return 0
