"""What ``famulus export`` is asked for in words, and says in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from famulus.cli.texts.words import counted

if TYPE_CHECKING:
    from famulus.data.copied_files import FileCopies

#: Files that could not be copied that are named one by one.
_MOST_PROBLEMS = 20


def comma_separated(text: str) -> tuple[str, ...]:
    """Read ``accepted,rejected``."""
    words = tuple(filter(None, (word.strip() for word in text.split(","))))
    if not words:
        raise click.BadParameter("it is empty; leave the option out to have everything")
    return words


def aware_time(text: str) -> datetime:
    """Read a date or a time; it is in UTC unless it names another zone. Return it in UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no date or time such as 2030-01-31 or 2030-01-31T18:00"
        ) from None


def folder_of(output: Path) -> Path:
    """Return where the files of an export are copied to: ``answers_files`` for ``answers.csv``."""
    return output.with_name(f"{output.stem}_files")


def outcome(
    number: int,
    output: str,
    *,
    since: datetime | None,
    is_filtered: bool,
    copies: FileCopies | None,
) -> Iterator[str]:
    """Yield what has come of an export, in lines."""
    problems = copies.problems if copies else []
    yield from problems[:_MOST_PROBLEMS]
    if len(problems) > _MOST_PROBLEMS:
        yield f"and {counted(len(problems) - _MOST_PROBLEMS, 'file')} more"
    target = "" if output == "-" else f" to {output}"
    begun = f", submitted since {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
    hint = "" if number else f"; {_why_none(is_filtered)}"
    yield f"Wrote {counted(number, 'record')}{target}{begun}{hint}."
    if copies and copies.number:
        yield f"Copied {counted(copies.number, 'file')} into {copies.folder}."


def _why_none(is_filtered: bool) -> str:
    return "nothing fits the options" if is_filtered else "nobody has submitted anything yet"
