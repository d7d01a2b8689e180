"""Errors as lines for people, and the exit status of the program."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from famulus.cli.output import say

if TYPE_CHECKING:
    from famulus.errors import Problem

#: The exit status of a program that was ended by Ctrl-C.
INTERRUPTED = 130
_HINT = "this should not happen; `famulus -v …` shows where"


def report(
    error: Exception, *, verbose: bool, hint: str = _HINT, located: Callable[[str], str] = str
) -> int:
    """Print an error, one line per problem; return the exit status.

    :param verbose: print the traceback too.
    :param located: :meth:`famulus.Session.located`, if the command has a session.
    :param hint: what to add to an error that is no :class:`~famulus.FamulusError`.
    """
    from famulus.errors import FamulusError, UsageError

    if verbose:
        say("".join(traceback.format_exception(error)).rstrip("\n"), err=True, wrap=False)
    if isinstance(error, UsageError):
        for problem in error.problems:
            _line(located(_one_line(_shortened(str(problem), problem.file))))
        return error.exit_code
    if isinstance(error, FamulusError):
        first, *more = located(str(error)).splitlines() or [type(error).__name__]
        _line(first)
        for line in more:
            say(f"  {line}", err=True, wrap=False)
        return error.exit_code
    text = _one_line(f"{type(error).__name__}: {error}")
    _line(text if verbose else f"{text} ({hint})")
    return 1


def warn(warning: Problem, located: Callable[[str], str]) -> None:
    """Print a warning in one line."""
    text = _one_line(_shortened(str(warning), warning.file))
    say(located(text), err=True, label="warning")


def report_usage(error: click.ClickException) -> int:
    """Print what is wrong with the command line, in one line; return the exit status."""
    ctx = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say(error.format_message(), err=True, wrap=False)
        return error.exit_code
    hint = f" (see `{ctx.command_path} --help`)" if ctx is not None else ""
    _line(f"{_one_line(error.format_message()).removesuffix('.')}{hint}")
    return error.exit_code


def _line(text: str) -> None:
    say(text, err=True, label="error")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _shortened(text: str, file: Path | None) -> str:
    """Replace the path of a file below the current folder by its relative path."""
    if file is None or not file.is_absolute() or not file.is_relative_to(Path.cwd()):
        return text
    return text.replace(str(file), str(file.relative_to(Path.cwd())), 1)
