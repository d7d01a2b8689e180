"""Uploaded files: synced to the disk before the row that names them commits."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from famulus.contracts.views import FormFile
from famulus.engine.answers import agent_folder
from famulus.engine.submission import StoredFile
from famulus.errors import UnavailableError
from famulus.model.private_files import admit_group, make_folder

#: Characters that are kept of a name from the browser.
_LONGEST_NAME = 255
#: Digits of the database's identity that the names of its files begin with.
_IDENTITY_DIGITS = 12


class Uploads:
    """The folder of uploaded files of one database, and the part of it for one run.

    :param identity: the database's identity, with which the names of its files begin.
    :param database: the database file whose permissions a new folder gets, if there is one.
    """

    def __init__(self, root: Path, run: int, identity: str, database: Path | None = None) -> None:
        self.root = root
        self.run = run
        self._prefix = f"{identity[:_IDENTITY_DIGITS]}-"
        self._database = database
        self._incoming = root / "incoming"

    def is_own_name(self, name: str) -> bool:
        """Return whether a stored file belongs to this database."""
        return name.startswith(self._prefix)

    @property
    def incoming(self) -> Path:
        """The folder for files that are being received, on the same disk as their final place.

        :raises famulus.UnavailableError: when it cannot be created.
        """
        self.make_folders()
        return self._incoming

    def make_folders(self) -> None:
        """Create the folder for files that are being received, and its parents.

        :raises famulus.UnavailableError: when that fails.
        """
        try:
            make_folder(self.root, like=self._database)
            make_folder(self._incoming, like=self.root)
        except OSError as error:
            text = f"the folder {self._incoming} cannot be created: {error}"
            raise UnavailableError(text) from error

    @contextlib.contextmanager
    def kept(self, agent: int, files: Sequence[FormFile]) -> Iterator[KeptFiles]:
        """Move received files to their place; unless confirmed, they are deleted at the end."""
        kept = KeptFiles()
        try:
            kept.files = tuple(self._keep(agent, file, kept) for file in files)
            yield kept
        finally:
            if not kept.confirmed:
                for path in kept.paths:
                    path.unlink(missing_ok=True)

    def _keep(self, agent: int, file: FormFile, kept: KeptFiles) -> StoredFile:
        name = f"{self._prefix}{secrets.token_hex(16)}"
        target = agent_folder(self.root, self.run, agent) / name
        try:
            make_folder(target.parent, like=self.root)
            admit_group(file.path, like=self.root)
            with file.path.open("rb") as stream:
                os.fsync(stream.fileno())
            file.path.rename(target)
            kept.paths.append(target)
            _sync_folders(target.parent, self.root)
        except OSError as error:
            raise UnavailableError(f"an uploaded file could not be kept: {error}") from error
        return StoredFile(
            field=_stored(file.field)[:_LONGEST_NAME],
            filename=_stored(file.filename)[-_LONGEST_NAME:],
            content_type=_stored(file.content_type)[:_LONGEST_NAME],
            size=file.size,
            sha256=file.sha256,
            path=target.relative_to(self.root).as_posix(),
        )


class KeptFiles:
    """Files in their final place that no row names yet."""

    def __init__(self) -> None:
        self.files: tuple[StoredFile, ...] = ()
        self.paths: list[Path] = []
        self.confirmed = False

    def confirm(self) -> None:
        """Keep the files: the rows that name them are committed."""
        self.confirmed = True


def _stored(name: str) -> str:
    """Replace the characters of a name that a database or a terminal cannot take."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)


def _sync_folders(folder: Path, root: Path) -> None:
    while True:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if folder == root:
            return
        folder = folder.parent
