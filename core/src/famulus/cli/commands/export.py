"""``famulus export``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from famulus.cli.atomic_file import folder_aside, text_on, whole_file
from famulus.cli.export_formats import Writer, write_lines, writer
from famulus.cli.output import say
from famulus.cli.session import Session
from famulus.cli.words import counted
from famulus.data.export import export_lines
from famulus.data.item_records import records_of_items

if TYPE_CHECKING:
    from famulus.data.copied_files import FileCopies

#: The most files that could not be copied that are named one by one.
_MOST_PROBLEMS = 20


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
    """Yield the result of an export, in lines."""
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
    return "no submission matches the options" if is_filtered else "there are no submissions yet"


_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}


def export(
    session: Session,
    ctx: click.Context,
    task: str | None,
    run: int | None,
    output: str,
    format_name: str | None,
    statuses: tuple[str, ...] | None,
    since: datetime | None,
    workers: tuple[str, ...],
    spreadsheet: bool,
    each: str | None,
    with_files: bool,
) -> None:
    """Write the answers to all runs of TASK, or to one run, as JSON lines or CSV."""
    if (task is None) == (run is None):
        raise click.UsageError("name a TASK, or a run with --run, to export")
    if with_files and output == "-":
        raise click.UsageError("--files puts them beside a file; name one with -o")
    chosen = format_name or _format_of(output)
    if spreadsheet and chosen != "csv":
        raise click.UsageError("--spreadsheet is for CSV only; name a file that ends in .csv")
    write = writer("spreadsheet" if spreadsheet else chosen)
    with session.open_existing() as database:
        like = database.location.shared_like
        copies = _copies(output, like) if with_files else None
        lines = export_lines(
            database, task=task, run=run, statuses=statuses or (), since=since, workers=workers
        )
        if chosen == "jsonl" and copies is None and each is None:
            number = _write(write_lines, lines, output, like)
        else:
            records = map(json.loads, lines)
            copied = records if copies is None else copies.of(records)
            found = copied if each is None else records_of_items(copied, each)
            number = _write(write, found, output, like)
    is_filtered = bool(statuses or workers or since)
    for line in outcome(number, output, since=since, is_filtered=is_filtered, copies=copies):
        say(line, err=True)
    ctx.exit(int(copies is not None and bool(copies.problems)))


def _copies(output: str, like: Path) -> FileCopies:
    from famulus.data.copied_files import FileCopies

    return FileCopies(folder_of(Path(output)), like=like)


def _write(write: Writer, records: Iterable[Any], output: str, like: Path) -> int:
    if output == "-":
        with text_on(sys.stdout.buffer) as stream:
            return write(records, stream, None)
    with whole_file(Path(output), like=like) as stream:
        return write(records, stream, folder_aside(Path(output)))


def _format_of(output: str) -> str:
    if output == "-":
        return "jsonl"
    suffix = Path(output).suffix.lower()
    if suffix not in _SUFFIXES:
        raise click.UsageError(
            f"{output!r} does not show the format; give --format jsonl or --format csv"
        )
    return _SUFFIXES[suffix]
