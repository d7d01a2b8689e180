"""Stored answers as a stream of records, at any time and in any state of their run.

The JSON of records is built column by column, one page at a time: values stored as JSON are copied,
not decoded and encoded again. Records as mappings are decoded from that JSON.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple

import peewee

from famulus.data.filters import Filter, make_filter
from famulus.data.review_columns import REVIEW_COLUMNS, read_review_columns
from famulus.data.scope import find_scope
from famulus.engine.answers import (
    EXPORTED,
    STORED,
    FileRecord,
    read_files,
    select_attempts,
)
from famulus.engine.runs import find_run
from famulus.engine.submitted_answers import holds_answer
from famulus.errors import UsageError
from famulus.iso_time import iso_texts
from famulus.model.database import Database
from famulus.model.fields import JsonField, UtcField, dump_json, to_micros
from famulus.model.statements import Compiled, Param
from famulus.model.states import UnitStatus
from famulus.model.tables import AgentTable
from famulus.model.transaction import compiled_for, run_compiled

#: Records read at once: only these are in memory.
_PAGE = 1_000

#: Columns that are computed, or are at another position than their field.
_COMPUTED = ("duration_seconds", "late", "unanswered", "counts", "clock_set_back")
#: The last columns: those that hold data of any shape.
_LAST = ("inputs", "outputs", "files")
_STORED = tuple(name for name in EXPORTED if name not in _COMPUTED and name not in _LAST)
#: The keys of a record in their order, without the last three.
COLUMNS = (*_STORED, *_COMPUTED, *REVIEW_COLUMNS)
#: A record with places for the JSON of its values.
_RECORD = ",".join(f'"{name}":%s' for name in (*COLUMNS, *_LAST)).join("{}")
#: Begins the escape of half a surrogate pair. Where there is one, ``dump_json`` escapes more.
_SURROGATE = "\\ud"
#: Begins a value of a JSON object that is a text and not blank. A quote within a text is escaped,
#: and what follows one that ends a text is excluded.
_TEXT = re.compile(r':"[^\s\\",:\]}]')
_MICROSECONDS = 1_000_000
_BOOLEANS: Mapping[bool, str] = MappingProxyType({False: "false", True: "true"})


class _Position(NamedTuple):
    """The last submission that an export of one run has read."""

    #: in microseconds since 1970
    submitted_at: int
    agent: int


def export_records(
    database: Database,
    *,
    task: str | None = None,
    run: int | None = None,
    statuses: Collection[UnitStatus | str] = (),
    since: datetime | None = None,
    workers: Collection[str] = (),
) -> Iterator[dict[str, Any]]:
    """Stream the submitted answers of one run, or of all runs of a task, as JSON-able records.

    Records come run by run, in the order of submission, including late answers and answers to
    expired units. All submissions from before the call are included; submissions that arrive
    during the iteration may be. Memory does not grow with the number of records, and no
    transaction stays open between two records.

    ``row`` and ``unit_index`` count from 0, times are UTC, and ``counts`` is whether these answers
    have completed the unit. Amounts of money are exact, as text. Each item of ``files`` has the
    ``path`` of the stored file.

    :param statuses: only answers that have completed a unit which is now ``completed``,
        ``accepted``, ``soft_rejected`` or ``rejected``.
    :param since: an aware time; only what was submitted then or later.
    :param workers: only submissions of these workers, by the provider's ids.
    :raises famulus.NotFoundError: when there is no such task or run, or no such worker in it.
    """
    lines = export_lines(
        database, task=task, run=run, statuses=statuses, since=since, workers=workers
    )
    return map(json.loads, lines)


def export_lines(
    database: Database,
    *,
    task: str | None = None,
    run: int | None = None,
    statuses: Collection[UnitStatus | str] = (),
    since: datetime | None = None,
    workers: Collection[str] = (),
) -> Iterator[str]:
    """Stream the records of :func:`export_records` as JSON in the format of ``dump_json``."""
    if (task is None) == (run is None):
        raise UsageError("name either a task or a run to export")
    name = str(task) if run is None else find_run(database, run).task_name
    scope = find_scope(database, name, run=run)
    wanted = make_filter(database, scope, statuses=statuses, since=since, workers=workers)
    pages = (page for each in scope.runs for page in _pages(database, each, wanted))
    return chain.from_iterable(pages)


def _pages(database: Database, run: int, wanted: Filter) -> Iterator[Sequence[str]]:
    position = _Position(0 if wanted.since is None else to_micros(wanted.since), 0)
    root = database.files.absolute()
    query: Compiled | None = None
    while True:
        with database.read() as tx:
            # Compiling it takes a twentieth of the time of a page.
            query = query or compiled_for(tx, wanted.apply(_page(run)))
            rows = run_compiled(
                tx, query, at=position.submitted_at, agent=position.agent
            ).fetchall()
            page = dict(zip(STORED, zip(*rows, strict=True), strict=True)) if rows else {}
            files = read_files(tx, page["agent"], root) if rows else {}
            reviews = read_review_columns(tx, run, page) if rows else {}
        if not rows:
            return
        yield _records(page, files, reviews)
        if len(rows) < _PAGE:
            return
        position = _Position(page["submitted_at"][-1], page["agent"][-1])


def _page(run: int) -> Any:
    """Return the query for submissions after a position; it reads the index ``agent_submitted``."""
    same_moment = (AgentTable.submitted_at == Param("at")) & (AgentTable.id > Param("agent"))
    return (
        select_attempts()
        .where(
            AgentTable.run == run,
            AgentTable.submitted_at.is_null(False),
            AgentTable.submitted_at >= Param("at"),
            (AgentTable.submitted_at > Param("at")) | same_moment,
        )
        .order_by(AgentTable.submitted_at, AgentTable.id)
        .limit(_PAGE)
    )


def _records(
    page: Mapping[str, Sequence[Any]],
    files: Mapping[int, Sequence[FileRecord]],
    reviews: Mapping[str, Sequence[str]],
) -> Sequence[str]:
    """Return each record of a page as JSON, from the page's columns of stored values."""
    columns = {name: _json(STORED[name], page[name]) for name in EXPORTED}
    begun, ended = page["started_at"], page["submitted_at"]
    listed = [files.get(agent, ()) for agent in page["agent"]]
    columns["duration_seconds"] = [
        repr(round(micros / _MICROSECONDS, 3)) if micros > 0 else "0.0"
        for micros in map(operator.sub, ended, begun)
    ]
    columns["clock_set_back"] = _booleans(map(operator.lt, ended, begun))
    columns["counts"] = _booleans(map(operator.eq, page["holder"], page["agent"]))
    columns["unanswered"] = _booleans(
        not (some or _TEXT.search(outputs)) and not holds_answer(json.loads(outputs))
        for some, outputs in zip(listed, columns["outputs"], strict=True)
    )
    columns["files"] = [dump_json(list(map(_file, some))) if some else "[]" for some in listed]
    columns.update(reviews)
    values = zip(*(columns[name] for name in (*COLUMNS, *_LAST)), strict=True)
    return [
        dump_json(json.loads(record)) if _SURROGATE in record else record
        for record in map(_RECORD.__mod__, values)
    ]


def _json(field: peewee.Field, values: Sequence[Any]) -> Sequence[Any]:
    """Return the stored values of a column as JSON, or as what is written as such."""
    if isinstance(field, JsonField):
        return ["null" if value is None else value for value in values]
    if isinstance(field, UtcField):
        return [f'"{text}"' for text in iso_texts(values)]
    if isinstance(field, peewee.IntegerField):
        return values
    if isinstance(field, peewee.BooleanField):
        return _booleans(values)
    # What repeats: the run, names, statuses.
    written = {value: dump_json(value) for value in set(values)}
    return list(map(written.__getitem__, values))


def _booleans(values: Iterable[Any]) -> Sequence[str]:
    """Return truth values as JSON; SQLite stores them as 0 and 1, which are the same keys."""
    return list(map(_BOOLEANS.__getitem__, values))


def _file(file: FileRecord) -> dict[str, Any]:
    return {
        "field": file.field,
        "name": file.name,
        "size": file.size,
        "type": file.content_type,
        "sha256": file.sha256,
        "path": str(file.path),
    }
