"""The files of an SQLite database, as a power failure leaves them."""

from __future__ import annotations

import shutil
from pathlib import Path

from attrs import frozen


@frozen
class Snapshot:
    """The content of a database and of its log at one time."""

    path: Path
    content: bytes
    log: bytes

    @classmethod
    def of(cls, path: Path | None) -> Snapshot:
        """Return the content of a database, which may be in use."""
        assert path is not None
        return cls(path, path.read_bytes(), _log(path).read_bytes())

    def restore(self, folder: Path, log_bytes: int | None = None) -> Path:
        """Write the database and its key into a folder; return the path of the database.

        :param log_bytes: how much of the log has reached the disk; None for all of it.
        """
        folder.mkdir()
        for key in self.path.parent.glob("*key*"):
            shutil.copy(key, folder)
        path = folder / self.path.name
        path.write_bytes(self.content)
        _log(path).write_bytes(self.log[:log_bytes])
        return path


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
