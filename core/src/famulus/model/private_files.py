"""Files and folders that only their user can read, or the group that a database is shared with.

Whatever the umask, new files are 0600 and new folders 0700. Where the database's own file, or the
folder of its uploads, admits a group, what is created beside or below it admits that group too.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

_GROUP_READS = stat.S_IRGRP
_GROUP_WRITES = stat.S_IWGRP


def create_file(path: Path, *, like: Path | None = None, group_writes: bool = True) -> None:
    """Create an empty file unless there is one, whose mode stays as it is.

    :param like: whose group is admitted, where it exists.
    :param group_writes: whether that group may write as well as in ``like``.
    """
    with contextlib.suppress(FileExistsError):
        os.close(open_new(path, like=like, group_writes=group_writes))


def open_new(path: Path, *, like: Path | None = None, group_writes: bool = True) -> int:
    """Create a file for reading and writing; return its descriptor.

    :raises FileExistsError: when there is one already.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    shared = _shared(like) & (0o777 if group_writes else ~_GROUP_WRITES)
    with _some_have_no_modes():
        os.fchmod(descriptor, 0o600 | shared)
    return descriptor


def make_folder(folder: Path, *, like: Path | None = None) -> None:
    """Create a folder and those above it unless they exist."""
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
        # What it has of a parent, as the bit that hands its group on, stays.
        inherited = stat.S_IMODE(folder.stat().st_mode) & 0o7000
        with _some_have_no_modes():
            folder.chmod(inherited | 0o700 | group)


def admit_group(path: Path, *, like: Path) -> None:
    """Give a file that is being moved to its place the mode of what is created there."""
    with _some_have_no_modes():
        path.chmod(0o600 | _shared(like))


def _some_have_no_modes() -> contextlib.suppress:
    """Go on where a file system has no modes to set."""
    return contextlib.suppress(PermissionError)


def _shared(like: Path | None) -> int:
    """Return what a file or folder lets its group do: read, write."""
    try:
        return 0 if like is None else like.stat().st_mode & (_GROUP_READS | _GROUP_WRITES)
    except FileNotFoundError:
        return 0
