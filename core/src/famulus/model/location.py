"""Where a database lives, and where its files do."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from attrs import frozen

from famulus.errors import UsageError

DATABASE_VARIABLE = "FAMULUS_DATABASE"
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
