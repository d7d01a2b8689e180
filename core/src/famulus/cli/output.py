"""The one place that writes to standard output and standard error for the commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Literal, TextIO

import click

from famulus.cli.text_layout import prose, text_width
from famulus.escaping import escaped, escaped_json

Label = Literal["error", "warning"]
_COLOURS: Mapping[Label, str] = MappingProxyType({"error": "red", "warning": "yellow"})


def say(
    text: str = "",
    *,
    bold: bool = False,
    err: bool = False,
    label: Label | None = None,
    hang: int = 0,
    wrap: bool = True,
) -> None:
    """Print a line, above a live display if there is one.

    The line is wrapped to the width of the terminal, or to 80 columns for a pipe. A line with a
    label is not wrapped: scripts look for errors line by line.

    Control characters are escaped. Once the pipe or terminal is closed, this line and all later
    ones are dropped: a run does not end because its reader has left.

    :param label: what is printed before it, in colour on a terminal: ``famulus: error:``.
    :param hang: spaces before the second and further lines.
    :param wrap: False for text that has its own layout.
    """
    stream = sys.stderr if err else sys.stdout
    safe = escaped(text)
    if label is not None:
        mark = f"famulus: {label}:"
        if _is_terminal(stream):
            mark = click.style(mark, fg=_COLOURS[label], bold=label == "error")
            safe = click.style(safe, bold=True) if bold else safe
        _write(stream, f"{mark} {safe}\n")
        return
    lines = safe.split("\n")
    if wrap:
        lines = [line for each in lines for line in prose(each, hang=hang)]
    for line in lines:
        is_bold = bold and _is_terminal(stream)
        _write(stream, f"{click.style(line, bold=True) if is_bold else line}\n")


def say_commented(line: str, comment: str) -> None:
    """Print a line of a file with a comment behind it, dimmed on a terminal.

    The comment is above the line if both are too wide for one line.
    """
    line, comment = escaped(line), escaped(comment)
    shown = click.style(comment, dim=True) if comment and _is_terminal(sys.stdout) else comment
    if line.strip() and len(line) + len(comment) > text_width():
        margin = line[: len(line) - len(line.lstrip())]
        _write(sys.stdout, f"{margin}{shown}\n{line.rstrip()}\n")
    else:
        _write(sys.stdout, f"{line}{shown}\n")


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
