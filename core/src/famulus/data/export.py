"""Stored answers as a stream of records, at any time and in any state of their run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import peewee
from attrs import frozen

from famulus.data.filters import Filter, make_filter
from famulus.data.review_columns import REVIEW_COLUMNS, read_review_columns
from famulus.data.scope import find_scope
from famulus.engine.answers import (
    EXPORTED,
    FileRecord,
    StoredAnswer,
    read_answers,
    select_attempts,
)
from famulus.engine.runs import find_run
from famulus.errors import UsageError
from famulus.iso_time import iso
from famulus.model.database import Database
from famulus.model.fields import EnumField, UtcField
from famulus.model.states import UnitStatus
from famulus.model.tables import AgentTable

#: Records read at once: only these are in memory.
_PAGE = 500

#: The last columns: those that hold data of any shape.
_LAST = ("inputs", "outputs", "files")
#: Columns that are not fields of :class:`StoredAnswer`, or are at another position there.
_COMPUTED: Mapping[str, Callable[[StoredAnswer], Any]] = MappingProxyType(
    {
        "duration_seconds": lambda answer: round(answer.duration.total_seconds(), 3),
        "late": lambda answer: answer.late,
        "unanswered": lambda answer: answer.unanswered,
        "counts": lambda answer: answer.counts,
        "clock_set_back": lambda answer: answer.clock_set_back,
    }
)
_STORED = tuple(name for name in EXPORTED if name not in _COMPUTED and name not in _LAST)
#: How a field is written whose value is not JSON.
_WRITERS: Mapping[type[peewee.Field], Callable[[Any], str]] = MappingProxyType(
    {EnumField: lambda member: member.value, UtcField: iso}
)
_WRITTEN = tuple(
    (name, _WRITERS[type(EXPORTED[name])]) for name in _STORED if type(EXPORTED[name]) in _WRITERS
)
#: The keys of a record in their order, without the last three.
COLUMNS = (*_STORED, *_COMPUTED, *REVIEW_COLUMNS)


@frozen
class _Position:
    """The submission that an export of one run has read last."""

    submitted_at: datetime
    agent: int


_START = _Position(datetime(1970, 1, 1, tzinfo=UTC), 0)


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

    Records come run by run, in the order of submission. Late answers are among them, and those to
    units that have expired. Everything that was submitted before the call is there; submissions
    that arrive while the records are read may be. Memory does not grow with their number, and no
    transaction stays open between two records.

    ``row`` and ``unit_index`` count from 0, times are UTC, and ``counts`` is whether these answers
    have completed the unit. Amounts of money are exact, as text. Each of ``files`` has the ``path``
    of its bytes.

    :param statuses: only answers that have completed a unit which is now ``completed``,
        ``accepted``, ``soft_rejected`` or ``rejected``.
    :param since: an aware time; only what was submitted then or later.
    :param workers: only submissions of these workers, by the provider's ids.
    :raises famulus.NotFoundError: when there is no such task or run, or no such worker in it.
    """
    if (task is None) == (run is None):
        raise UsageError("name either a task or a run to export")
    name = str(task) if run is None else find_run(database, run).task_name
    scope = find_scope(database, name, run=run)
    wanted = make_filter(database, scope, statuses=statuses, since=since, workers=workers)
    return (record for each in scope.runs for record in _records(database, each, wanted))


def _records(database: Database, run: int, wanted: Filter) -> Iterator[dict[str, Any]]:
    position = _START if wanted.since is None else _Position(wanted.since, 0)
    while True:
        with database.read() as tx:
            answers = read_answers(tx, wanted.apply(_page(run, position)), database.files)
            reviews = read_review_columns(tx, run, answers)
        for answer in answers:
            yield _record(answer, reviews.columns(answer))
        if len(answers) < _PAGE:
            return
        position = _Position(answers[-1].submitted_at, answers[-1].agent)


def _page(run: int, after: _Position) -> Any:
    """Return the query of the next submissions, which reads the index ``agent_submitted``."""
    same_moment = (AgentTable.submitted_at == after.submitted_at) & (AgentTable.id > after.agent)
    return (
        select_attempts()
        .where(
            AgentTable.run == run,
            AgentTable.submitted_at.is_null(False),
            AgentTable.submitted_at >= after.submitted_at,
            (AgentTable.submitted_at > after.submitted_at) | same_moment,
        )
        .order_by(AgentTable.submitted_at, AgentTable.id)
        .limit(_PAGE)
    )


def _record(answer: StoredAnswer, review: Mapping[str, str | None]) -> dict[str, Any]:
    values = vars(answer)
    record = {name: values[name] for name in _STORED}
    for name, write in _WRITTEN:
        record[name] = write(record[name])
    for name, compute in _COMPUTED.items():
        record[name] = compute(answer)
    record.update(review)
    record["inputs"] = answer.inputs
    record["outputs"] = answer.outputs
    record["files"] = [_file(each) for each in answer.files]
    return record


def _file(file: FileRecord) -> dict[str, Any]:
    return {
        "field": file.field,
        "name": file.name,
        "size": file.size,
        "type": file.content_type,
        "sha256": file.sha256,
        "path": str(file.path),
    }
