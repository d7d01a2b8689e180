"""Write one uploaded file to the disk."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from werkzeug.sansio.multipart import File

from famulus import FormFile


class UploadNotStoredError(Exception):
    """The bytes of a file could not be written, because the disk is full for instance."""


class Upload:
    """A file under a random name, hashed and counted while it is written."""

    def __init__(self, folder: Callable[[], Path], part: File) -> None:
        self.size = 0
        self._part = part
        self._hash = hashlib.sha256()
        try:
            descriptor, name = tempfile.mkstemp(prefix="incoming-", dir=folder())
        except OSError as error:
            raise UploadNotStoredError(f"cannot create a file for an upload: {error}") from error
        self._path = Path(name)
        self._stream = os.fdopen(descriptor, "wb")

    def write(self, data: bytes) -> None:
        """Append ``data``.

        :raises UploadNotStoredError: when the disk does not take it.
        """
        self.size += len(data)
        self._hash.update(data)
        try:
            self._stream.write(data)
        except OSError as error:
            raise UploadNotStoredError(f"cannot write {self._path}: {error}") from error

    def complete(self) -> FormFile:
        """Close the file and describe it.

        :raises UploadNotStoredError: when the disk does not take what was still buffered.
        """
        try:
            self._stream.close()
        except OSError as error:
            raise UploadNotStoredError(f"cannot write {self._path}: {error}") from error
        return FormFile(
            field=self._part.name,
            filename=self._part.filename,
            content_type=self._part.headers.get("content-type", "application/octet-stream"),
            size=self.size,
            sha256=self._hash.hexdigest(),
            path=self._path,
        )

    def delete(self) -> None:
        """Remove the file, unless the gateway has moved it."""
        with contextlib.suppress(OSError):  # the rest of the buffer may not fit on the disk
            self._stream.close()
        self._path.unlink(missing_ok=True)
