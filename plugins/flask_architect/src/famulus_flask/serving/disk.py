"""Reservations of disk space for bodies, made before their first byte is stored."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from famulus import UnavailableError

#: The application copies the files of a form out of its body before the body is deleted.
_COPIES = 2


class DiskFullError(Exception):
    """The disk has no room for a body now."""


class DiskSpace:
    """The free space of the disk of a folder, less the space that is reserved for bodies.

    :param keep_free: what has to stay free; the database is often on the same disk.
    """

    def __init__(self, folder: Callable[[], Path], keep_free: int) -> None:
        self._folder = folder
        self._keep_free = keep_free
        self._promised = 0

    def open_file(self) -> IO[bytes]:
        """Open a file without a name in the folder.

        :raises DiskFullError: when that fails.
        """
        try:
            return tempfile.TemporaryFile(dir=self._folder())
        except (OSError, UnavailableError) as error:
            raise DiskFullError(f"a body could not be stored: {error}") from error

    def reserve(self, size: int) -> Reservation:
        """Reserve space for a body of ``size`` bytes.

        :raises DiskFullError: when there is not enough.
        """
        reservation = Reservation(self)
        reservation.extend(size)
        return reservation

    def promise(self, size: int) -> None:
        """Count ``size`` bytes as taken; a negative size gives them back.

        :raises DiskFullError: when there is not enough.
        """
        if size > 0 and self._free() - self._promised - self._keep_free < size:
            raise DiskFullError("no space is left for another upload")
        self._promised += size

    def _free(self) -> int:
        try:
            disk = os.statvfs(self._folder())
        except (OSError, UnavailableError) as error:
            raise DiskFullError(f"the folder of uploads cannot be used: {error}") from error
        return disk.f_bavail * disk.f_frsize


class Reservation:
    """The space for one body. Bytes that were written are no longer reserved."""

    def __init__(self, disk: DiskSpace) -> None:
        self._disk = disk
        self._left = 0
        #: the size of the body for which there is room
        self.size = 0

    def extend(self, size: int) -> None:
        """Make the reservation large enough for a body of ``size`` bytes.

        :raises DiskFullError: when there is not enough.
        """
        if size > self.size:
            more = (size - self.size) * _COPIES
            self._disk.promise(more)
            self._left += more
            self.size = size

    def write(self, size: int) -> None:
        """Record that ``size`` bytes were written."""
        self._give_back(min(size, self._left))

    def release(self) -> None:
        """Release the space that was not used."""
        self._give_back(self._left)

    def _give_back(self, size: int) -> None:
        self._left -= size
        self._disk.promise(-size)
