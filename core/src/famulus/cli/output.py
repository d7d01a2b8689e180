"""The one place that writes to standard output and standard error for the commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Literal, TextIO

import click

from famulus.escaping import escaped, escaped_json

Label = Literal["error", "warning"]
_COLOURS: Mapping[Label, str] = MappingProxyType({"error": "red", "warning": "yellow"})


def say(
    text: str = "",
    *,
    bold: bool = False,
    err: bool = False,
    label: Label | None = None,
    comment: str = "",
) -> None:
    """Print a line, above a live display if there is one.

    What could steer a terminal is escaped. Where nobody can read it any more (a closed pipe or
    terminal) it is dropped, and all that comes after it: a run does not end because its onlooker
    has left.

    :param label: what is printed before it, in colour on a terminal: ``famulus: error:``.
    :param comment: what is printed behind it, dimmed on a terminal.
    """
    stream = sys.stderr if err else sys.stdout
    mark = "" if label is None else f"famulus: {label}:"
    line, comment = escaped(text), escaped(comment)
    if _is_terminal(stream):
        mark = mark and click.style(mark, fg=_COLOURS[label or "error"], bold=label == "error")
        line = click.style(line, bold=True) if bold else line
        comment = comment and click.style(comment, dim=True)
    _write(stream, f"{mark}{' ' if mark else ''}{line}{comment}\n")


def say_json(value: Any) -> None:
    """Print a value as JSON, exact for a program and harmless for a terminal."""
    _write(sys.stdout, f"{escaped_json(value)}\n")


def ask(question: str, *, hidden: bool = False, optional: bool = False) -> str:
    """Ask for a text on the terminal."""
    text = click.prompt(
        escaped(question),
        hide_input=hidden,
        err=True,
        default="" if optional else None,
        show_default=False,
    )
    return str(text)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:
        return False


def _write(stream: TextIO, text: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError:
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
