"""A group of commands whose help loads none of them; each is imported when it is used."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from famulus.options.suggest import did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

#: The entry-point group of commands that other packages bring.
COMMANDS = "famulus.commands"
_DECLARATIONS = "famulus.cli.declarations"
_WORK = "famulus.cli.commands"
#: What a command raises on purpose.
_MEANT = (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError)


class Builtin(NamedTuple):
    """A built-in command."""

    #: ``module:object`` below ``famulus.cli.declarations``
    target: str
    #: its line in the help
    help: str


class ForeignCommand(NamedTuple):
    """A command that another package brings."""

    name: str
    distribution: str
    version: str
    #: why it cannot be used; empty when it can
    fault: str


class LazyGroup(click.Group):
    """Built-in commands, which no other package can replace, then commands of other packages."""

    def __init__(self, *args: Any, builtins: Mapping[str, Builtin], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._builtins = builtins

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._builtins, *self._others()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self._builtins:
            module, _, name = self._builtins[cmd_name].target.partition(":")
            command: click.Command = getattr(_imported(f"{_DECLARATIONS}.{module}"), name)
            return command
        entries = self._others().get(cmd_name)
        return _load(entries) if entries else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        # The entry points of all packages are only read for a command that is not built in.
        if name not in self._builtins and not name.startswith("-"):
            known = self.list_commands(ctx)
            if name not in known:
                near = did_you_mean(name, known)
                raise click.UsageError(f"there is no command {name!r}{near}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, builtin.help) for name, builtin in self._builtins.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        others = [(name, _origin(entries)) for name, entries in self._others().items()]
        if others:
            with formatter.section("Commands of other packages"):
                formatter.write_dl(others)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except _MEANT:
            raise
        except Exception as error:
            from famulus.errors import FamulusError

            entries = self._others().get(ctx.invoked_subcommand or "")
            if entries is None or isinstance(error, FamulusError):
                raise
            raise FamulusError(
                f"the command {ctx.invoked_subcommand!r} of {_origin(entries)} failed: "
                f"{type(error).__name__}: {error}"
            ) from error

    def foreign_commands(self) -> list[ForeignCommand]:
        """Return the commands of other packages; each is imported to see whether that works."""
        from famulus.errors import PluginError

        found = []
        for name, entries in _entries_by_name().items():
            fault = f"{name!r} is a command of Famulus itself" if name in self._builtins else ""
            try:
                if not fault:
                    _load(entries)
            except PluginError as error:
                fault = str(error)
            versions = [entry.dist.version for entry in entries if entry.dist]
            version = versions[0] if len(entries) == len(versions) == 1 else ""
            found.append(ForeignCommand(name, _origin(entries), version, fault))
        return found

    def _others(self) -> dict[str, list[EntryPoint]]:
        found = _entries_by_name()
        return {name: entries for name, entries in found.items() if name not in self._builtins}


def works_in(module: str) -> Callable[[Callable[[], None]], Callable[..., Any]]:
    """Decorate the declaration of a command, so that its help imports nothing it does not need.

    :param module: the module below ``famulus.cli.commands`` with the function of the same name,
        which is called with the command's arguments.
    """

    def declare(declared: Callable[[], None]) -> Callable[..., Any]:
        @functools.wraps(declared)
        def work(*args: Any, **params: Any) -> Any:
            loaded = _imported(f"{_WORK}.{module}")
            return getattr(loaded, declared.__name__)(*args, **params)

        return work

    return declare


def _imported(module: str) -> ModuleType:
    with _without_garbage_collection():
        return importlib.import_module(module)


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Switch garbage collection off in a block that makes many objects and no garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _entries_by_name() -> dict[str, list[EntryPoint]]:
    from importlib.metadata import entry_points

    found: dict[str, list[EntryPoint]] = {}
    for entry in sorted(entry_points(group=COMMANDS), key=lambda each: each.name):
        found.setdefault(entry.name, []).append(entry)
    return found


def _load(entries: Sequence[EntryPoint]) -> click.Command:
    from famulus.errors import PluginError

    entry = entries[0]
    if len(entries) > 1:
        raise PluginError(f"the command {entry.name!r} is claimed by {_origin(entries)}")
    intro = f"the command {entry.name!r} of {_origin(entries)} cannot be used: "
    try:
        with contextlib.redirect_stdout(sys.stderr):
            command = entry.load()
    except (Exception, SystemExit) as error:
        raise PluginError(f"{intro}{type(error).__name__}: {error}") from error
    if not isinstance(command, click.Command):
        raise PluginError(f"{intro}{entry.value} is not a click command")
    return command


def _origin(entries: Sequence[EntryPoint]) -> str:
    return " and ".join(entry.dist.name if entry.dist else entry.value for entry in entries)
