"""A click command that reports errors as lines for people and ends with an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from famulus.cli.failures import INTERRUPTED, report, report_usage
from famulus.cli.output import say
from famulus.cli.session import Session
from famulus.escaping import escaped
from famulus.options.compat import flag_hint


class ReportingCommand(click.Command):
    """Prints one line per problem and ends with a status; a traceback only with ``--verbose``."""

    def run(self, args: Sequence[str] | None, prog_name: str | None, **extra: Any) -> int:
        """Run the program; return its status."""
        _open_missing_streams()
        try:
            status = super().main(args, prog_name, standalone_mode=False, **extra)
        except click.Abort:
            say("famulus: interrupted", err=True)
            return INTERRUPTED
        except click.NoSuchOption as error:
            hint = flag_hint(sys.argv[1:] if args is None else args)
            return report_usage(error if hint is None else click.UsageError(hint, error.ctx))
        except click.ClickException as error:
            return report_usage(error)
        return status if isinstance(status, int) else 0

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        sys.exit(self.run(args, prog_name, **extra))

    def get_help(self, ctx: click.Context) -> str:
        return escaped(super().get_help(ctx))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - the outermost place: printed, not raised
            located = ctx.obj.located if isinstance(ctx.obj, Session) else str
            ctx.exit(self.report(error, verbose=ctx.params["verbose"], located=located))

    def report(self, error: Exception, *, verbose: bool, located: Callable[[str], str]) -> int:
        """Print what went wrong; return the status."""
        return report(error, verbose=verbose, located=located)


def _open_missing_streams() -> None:
    """Open standard streams that the process was started without, which are None.

    The streams take the descriptors 0 to 2, to which other programs print: a database file must not
    get one of these.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, mode, closefd=False))
