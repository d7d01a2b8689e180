"""Where a database is, and where its uploaded files are."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

from famulus.errors import UsageError
from famulus.model.postgres_address import SPELLING, PostgresAddress, postgres_address

DATABASE_VARIABLE = "FAMULUS_DATABASE"
FILES_VARIABLE = "FAMULUS_FILES"

_SCHEME = re.compile(r"([A-Za-z][\w.+-]*)://(.*)", re.DOTALL)


@frozen
class Location:
    """A database's address: a PostgreSQL URL, or the path of an SQLite file."""

    url: str = field(repr=False)
    path: Path | None

    @property
    def postgres(self) -> PostgresAddress:
        """The address of a PostgreSQL database."""
        address = postgres_address(self.url)
        assert address is not None
        return address

    @property
    def shown(self) -> str:
        """The address without a password."""
        return self.postgres.shown if self.path is None else str(self.path)

    @property
    def files(self) -> Path:
        """The folder of uploaded files.

        For SQLite it is next to the database file. For PostgreSQL it is the folder that
        ``FAMULUS_FILES`` names, which has to be the same on every host, or a folder in the user's
        data folder.
        """
        if self.path is not None:
            return self.path.with_name(f"{self.path.name}-files")
        chosen = os.environ.get(FILES_VARIABLE)
        if chosen:
            return Path(chosen).absolute()
        from platformdirs import user_data_path

        name = self.postgres.params.get("dbname") or "default"
        return user_data_path("famulus") / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}-files"

    @property
    def shared_like(self) -> Path:
        """The file or folder whose group permissions apply to files with data taken from it."""
        return self.path or self.files

    def backup(self, label: str) -> Path:
        """Return where a copy of the database is kept before an upgrade."""
        if self.path is not None:
            return self.path.with_name(f"{self.path.name}-backup-{label}")
        return self.files.parent / f"{self.files.name}-backup-{label}.dump"

    def backups(self) -> Sequence[Path]:
        """Return the copies that upgrades have made, by name."""
        pattern = self.backup("*")
        return sorted(pattern.parent.glob(pattern.name))


def locate(address: str | Path | None = None) -> Location:
    """Return the location of a database.

    Without an address, that in ``FAMULUS_DATABASE`` is used, or else a file in the user's data
    folder, so that every command finds the same runs from any folder.

    :raises famulus.UsageError: for an address that cannot be parsed; it quotes no password.
    """
    if address is None:
        address = os.environ.get(DATABASE_VARIABLE) or None
    if address is None:
        from platformdirs import user_data_path

        address = user_data_path("famulus") / "famulus.db"
    postgres = None if isinstance(address, Path) else postgres_address(address)
    if postgres is not None:
        return Location(postgres.url, None)
    return _file(address)


def _file(address: str | Path) -> Location:
    text = str(address)
    url = _SCHEME.fullmatch(text.strip())
    if url and url[1].lower().partition("+")[0] != "sqlite":
        # The rest may contain a password.
        raise UsageError(
            f"Famulus cannot use a database of the kind {url[1]}://…; "
            f"give the path of a file, sqlite:///PATH or {SPELLING}"
        )
    if ":memory:" in text:
        raise UsageError(
            "an in-memory database cannot be shared between processes; give the path of a file"
        )
    path = Path(url[2].removeprefix("/") if url else text).expanduser().absolute()
    if url and url[2].startswith("//"):
        path = Path(url[2][1:])
    if path.is_dir():
        raise UsageError(f"the database {path} is a folder; give the path of a file in it")
    return Location(str(path), path)
