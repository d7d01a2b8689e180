"""Where a database lives, and what lives beside it: its key, its files."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from attrs import frozen

from famulus.errors import DatabaseError, UsageError

DATABASE_VARIABLE = "FAMULUS_DATABASE"
KEY_VARIABLE = "FAMULUS_SECRET_KEY"
FILES_VARIABLE = "FAMULUS_FILES"

_POSTGRESQL = ("postgresql", "postgres")


@frozen
class Location:
    """A database's address: a PostgreSQL URL, or the path of an SQLite file."""

    url: str
    path: Path | None

    @property
    def shown(self) -> str:
        """The address without a password."""
        if self.path is not None:
            return str(self.path)
        shown = re.sub(r"//([^:/@]*):[^@/]*@", r"//\1@", self.url)
        return re.sub(r"(password=)[^&]*", r"\1…", shown)

    @property
    def files(self) -> Path:
        """The folder uploads are kept in: beside an SQLite file; for PostgreSQL the folder named
        by ``FAMULUS_FILES`` (the same on every host), else one in the user's data folder."""
        if self.path is not None:
            return self.path.with_name(f"{self.path.name}-files")
        chosen = os.environ.get(FILES_VARIABLE)
        if chosen:
            return Path(chosen).absolute()
        from platformdirs import user_data_path

        name = urlsplit(self.url).path.strip("/") or "default"
        return user_data_path("famulus") / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}-files"


def locate(address: str | Path | None = None) -> Location:
    """Find a database's place: an argument, else ``FAMULUS_DATABASE``, else a file in the user's
    data folder, so that every command finds the same runs from any folder.

    :raises famulus.UsageError: for an address of a kind there is not.
    """
    if address is None:
        address = os.environ.get(DATABASE_VARIABLE) or None
    if address is None:
        from platformdirs import user_data_path

        address = user_data_path("famulus") / "famulus.db"
    text = str(address)
    scheme, separator, rest = text.partition("://")
    if separator and scheme in _POSTGRESQL:
        return Location(text, None)
    if separator and scheme != "sqlite":
        raise UsageError(
            f"the database address {text!r} is of a kind Famulus does not know; "
            "give the path of a file, sqlite:///PATH or postgresql://…"
        )
    if ":memory:" in text:
        raise UsageError(
            "a database in memory cannot be what threads and processes share; name a file"
        )
    path = Path(rest.removeprefix("/") if separator else text).expanduser().absolute()
    if separator and rest.startswith("//"):
        path = Path(rest[1:])
    if path.is_dir():
        raise UsageError(f"the database {path} is a folder; name a file in it")
    return Location(str(path), path)


def signing_key(location: Location) -> bytes:
    """Return the key that signs workers' pages. It stays the same for the life of the database,
    so that open pages stay good when the server is started again.

    :raises famulus.DatabaseError: for PostgreSQL without ``FAMULUS_SECRET_KEY``, and for a key
        that would sign nothing.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given:
        return given.encode()
    if location.path is None:
        raise DatabaseError(
            f"set {KEY_VARIABLE} to a long random text, the same for every process that uses "
            f"{location.shown}; it signs the pages that workers have open"
        )
    return _key_beside(location.path.with_name(f"{location.path.name}-key"))


def _key_beside(file: Path) -> bytes:
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_hex(32).encode())
            stream.flush()
            os.fsync(stream.fileno())
        try:
            # A link never replaces what is there: of two processes that start at once, one wins.
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        _sync_folder(file.parent)
    key = file.read_bytes()
    if not key:
        raise DatabaseError(
            f"the key {file} is empty; restore it from a backup, or delete it (pages that workers "
            "have open are refused then)"
        )
    return key


def _sync_folder(folder: Path) -> None:
    """Put a folder's names on the disk: a key that a power cut takes away leaves every open page
    unsigned."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
