"""The state of one call of the command line: its database, and how to name it again."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from famulus.model.database import Database


class Session:
    """The global options of the command line.

    ``famulus.commands`` of other packages get it by :data:`pass_session`.
    """

    def __init__(self, address: str | None, *, address_typed: bool, verbose: bool) -> None:
        self.address = address
        self.verbose = verbose
        self._address_typed = address_typed

    def open_database(self) -> Database:
        """Return the database, to be used with ``with``; nothing is opened or created yet."""
        from famulus.model.database import Database

        return Database(self.address)

    def open_existing(self) -> Database:
        """Return the database for a command that needs one: a file that was named must exist.

        The default file need not: it is missing until the first launch, not mistyped.

        :raises famulus.UsageError: when there is no such file.
        """
        database = self.open_database()
        if self.address and not database.exists:
            from famulus.errors import UsageError

            source = "--database" if self._address_typed else "FAMULUS_DATABASE"
            raise UsageError(
                f"there is no database at {database.location.shown}; correct {source}, or create "
                f"the database with `{self.command('launch')} CONFIG`"
            )
        return database

    def command(self, *words: str | int) -> str:
        """Return a command on the same database, for a hint that can be pasted into a shell."""
        named: list[str] = []
        if self._address_typed and self.address:
            from famulus.model.location import locate

            named = ["--database", locate(self.address).shown]
        return shlex.join([_program(), *named, *map(str, words)])


def _program() -> str:
    """Return how this program can be started again.

    By its path, where the shell would not find it or would find another one.
    """
    started = Path(sys.argv[0])
    if started.name != "famulus":
        return "famulus"
    found = shutil.which("famulus")
    if found is not None and started.exists() and Path(found).samefile(started):
        return "famulus"
    return str(started)


pass_session = click.make_pass_decorator(Session)

database_option = click.option(
    "--database",
    metavar="ADDRESS",
    envvar="FAMULUS_DATABASE",
    show_envvar=True,
    help="An SQLite file, or a PostgreSQL URL. Unless given, a file in your data folder.",
)
verbose_option = click.option(
    "-v", "--verbose", is_flag=True, help="Show tracebacks and the debug log."
)
