"""The body of a request while it is received: in memory, or in a file without a name."""

from __future__ import annotations

import contextlib
import io
from http import HTTPStatus
from typing import IO

from famulus_flask.serving.disk import DiskFullError, DiskSpace, Reservation
from famulus_flask.serving.heads import BadRequestError

#: How far ahead space is reserved for a body whose size is not announced.
_STEP_BYTES = 1024 * 1024


class Body:
    """Collects the bytes of one request.

    The file is on the disk of the uploads and has no name: no other
    user can read it, and it is gone when this process ends.

    :param announced: the size the client named, or None.
    :raises BadRequestError: when more than ``limit`` bytes are announced.
    :raises DiskFullError: when the disk has no room for it.
    """

    def __init__(
        self, announced: int | None, *, limit: int, small: int, disk: DiskSpace | None
    ) -> None:
        self.size = 0
        self._limit = limit
        self._small = small
        self._disk = disk
        self._pieces: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._reservation: Reservation | None = None
        self._require(announced or 0)
        if announced is not None and announced > small:
            self._open(announced)

    def write(self, piece: bytes) -> None:
        """Append bytes.

        :raises BadRequestError: beyond the limit.
        :raises DiskFullError: when the disk does not take them.
        """
        self.size += len(piece)
        self._require(self.size)
        if self._file is None and self.size > self._small:
            self._open(min(self.size + _STEP_BYTES, self._limit))
        if self._file is None:
            self._pieces.append(piece)
        else:
            self._write_to_file(self._file, piece)

    def in_memory(self) -> bytes | None:
        """Return all of the body; None if it is in a file."""
        if self._file is not None:
            return None
        if len(self._pieces) > 1:
            self._pieces = [b"".join(self._pieces)]
        return self._pieces[0] if self._pieces else b""

    def complete(self) -> IO[bytes]:
        """Return all of the body, to be read from its start.

        :raises DiskFullError: when the disk does not take what was still buffered.
        """
        if self._file is None:
            return io.BytesIO(self.in_memory() or b"")
        try:
            self._file.seek(0)
        except OSError as error:
            raise DiskFullError(f"a body could not be stored: {error}") from error
        return self._file

    def close(self) -> None:
        """Free the memory or the file of the body."""
        self._pieces.clear()
        if self._file is not None:
            with contextlib.suppress(OSError):  # the rest of the buffer may not fit on the disk
                self._file.close()
        if self._reservation is not None:
            self._reservation.release()
            self._reservation = None

    def _require(self, size: int) -> None:
        if size > self._limit:
            raise BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def _open(self, expected: int) -> None:
        if self._disk is None:
            raise BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        reservation = self._disk.reserve(expected)
        try:
            self._file = self._disk.open_file()
        except DiskFullError:
            reservation.release()
            raise
        self._reservation = reservation
        pieces, self._pieces = self._pieces, []
        for piece in pieces:
            self._write_to_file(self._file, piece)

    def _write_to_file(self, file: IO[bytes], piece: bytes) -> None:
        assert self._reservation is not None
        if self.size > self._reservation.size:
            self._reservation.extend(min(self.size + _STEP_BYTES, self._limit))
        try:
            file.write(piece)
        except OSError as error:
            raise DiskFullError(f"a body could not be stored: {error}") from error
        self._reservation.write(len(piece))
