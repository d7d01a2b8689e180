"""What a command works with: the database, the plugins, and the conventions of output."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from famulus.cli.failures import warn
from famulus.cli.output import say, say_json
from famulus.cli.text_layout import table

if TYPE_CHECKING:
    from famulus.errors import Problem
    from famulus.model.database import Database
    from famulus.plugins import Plugins

P = ParamSpec("P")
T = TypeVar("T")

#: The beginning of a command in a message, unless :meth:`Session.command` has written it.
_COMMAND = re.compile("`famulus (?!--database )")


class Session:
    """One call of ``famulus``, as its commands and those of other packages see it.

    A command gets it from :func:`famulus.pass_session`. It raises an error instead of printing one:
    the program prints one line per problem on standard error and ends with the error's
    ``exit_code``, which is 2 for a :class:`famulus.UsageError` and 1 for any other. A number that
    the command returns is the exit status too; without one it is 0. Results go to standard output,
    as text or, with :func:`famulus.json_option`, as one JSON value.
    """

    def __init__(self, address: str | None, *, address_typed: bool, verbose: bool) -> None:
        #: the database of ``--database`` or ``FAMULUS_DATABASE``; None for the default file
        self.address = address
        #: whether ``-v`` was given
        self.verbose = verbose
        self._address_typed = address_typed

    @cached_property
    def plugins(self) -> Plugins:
        """The installed plugins, which are loaded when they are first asked for."""
        from famulus.plugins import discover

        return discover()

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

    def say(self, text: str = "") -> None:
        """Print a result, one line or several, wrapped to the terminal.

        Control characters are escaped: names and answers of workers are among the results.
        """
        say(text)

    def say_table(self, rows: Sequence[Sequence[str]]) -> None:
        """Print a table whose first row is the head; print nothing if there are no other rows."""
        for line in table(rows) if len(rows) > 1 else ():
            say(line, wrap=False)

    def say_json(self, value: Any) -> None:
        """Print the result for programs: a JSON value, the only thing on standard output.

        :raises ValueError: for NaN and infinities, which JSON does not have.
        """
        say_json(value)

    def warn(self, *warnings: str | Problem) -> None:
        """Print each warning as one line on standard error, after ``famulus: warning:``."""
        from famulus.errors import Problem

        for each in warnings:
            warn(each if isinstance(each, Problem) else Problem(each), self.located)

    def command(self, *words: str | int) -> str:
        """Return a command on the same database, for a hint that can be pasted into a shell."""
        named: list[str] = []
        if self._address_typed and self.address:
            from famulus.model.location import locate

            named = ["--database", locate(self.address).shown]
        return shlex.join([_program(), *named, *map(str, words)])

    def located(self, text: str) -> str:
        """Return a message of core or a plugin, with this session's database in its commands.

        Such a message quotes a command in backticks as ``famulus sync 3``, without naming the
        database. Errors, warnings and the log are printed like this.
        """
        from famulus.errors import UsageError

        try:
            return _COMMAND.sub(lambda _: f"`{self.command()} ", text)
        except UsageError:
            # The address is no address, which is an error of its own.
            return text


def _program() -> str:
    """Return how this program can be started again.

    It is the program's path if the shell would not find its name, or find another program.
    """
    started = Path(sys.argv[0])
    if started.name != "famulus":
        return "famulus"
    found = shutil.which("famulus")
    if found is not None and started.exists() and Path(found).samefile(started):
        return "famulus"
    return str(started)


_pass_session = click.make_pass_decorator(Session)


def pass_session(command: Callable[Concatenate[Session, P], T]) -> Callable[P, T]:
    """Decorate a click command that takes the :class:`famulus.Session` as its first argument."""
    return _pass_session(command)


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
