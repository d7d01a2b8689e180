"""Stored answers as a stream of records, at any time and in any state of their run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import peewee
from attrs import frozen

from famulus.data.filters import Filter, make_filter
from famulus.data.review_columns import read_review_columns
from famulus.data.unit_records import FileRecord, read_files
from famulus.data.up_for_review import find_scope
from famulus.engine.answered import holds_answer
from famulus.engine.runs import find_run
from famulus.errors import UsageError
from famulus.iso_time import iso
from famulus.model.database import Database
from famulus.model.states import UnitStatus
from famulus.model.tables import Agent, Assignment, Unit, Worker
from famulus.model.transaction import Row

#: Records of one look at the database: all that is ever held in memory.
_PAGE = 500


@frozen
class _Place:
    """Where an export of one run has come to: the submission it read last."""

    submitted_at: datetime
    agent: int


_START = _Place(datetime(1970, 1, 1, tzinfo=UTC), 0)


def export_records(
    database: Database,
    *,
    task: str | None = None,
    run: int | None = None,
    statuses: Collection[UnitStatus | str] = (),
    since: datetime | None = None,
    workers: Collection[str] = (),
) -> Iterator[dict[str, Any]]:
    """Stream the submitted answers of one run, or of all runs of a task: a JSON-able record each.

    Run by run, in the order of submission; late answers and those to units that have expired are
    among them. Whatever was submitted before the call is there; of what comes while the records are
    read, some may be. Memory does not grow with their number, and no transaction stays open between
    two of them.

    ``row`` and ``unit_index`` count from 0, times are UTC, and ``counts`` says whether it is these
    answers that completed the unit. Amounts of money are text, exact. Every file of ``files`` has
    the ``path`` its bytes lie at.

    :param statuses: only answers that have completed a unit that is ``completed``, ``accepted``,
        ``soft_rejected`` or ``rejected`` by now.
    :param since: an aware time; only what was submitted then or later.
    :param workers: only what they have submitted, by the provider's ids.
    :raises famulus.NotFoundError: when there is no such task or run, or no such worker in it.
    """
    if (task is None) == (run is None):
        raise UsageError("name a task or a run to export, one of them")
    name = str(task) if run is None else find_run(database, run).task_name
    scope = find_scope(database, name, run=run)
    wanted = make_filter(database, scope, statuses=statuses, since=since, workers=workers)
    return (record for each in scope.runs for record in _records(database, each, name, wanted))


def _records(database: Database, run: int, task: str, wanted: Filter) -> Iterator[dict[str, Any]]:
    place = _START if wanted.since is None else _Place(wanted.since, 0)
    while True:
        with database.read() as tx:
            rows = tx.rows(wanted.apply(_page(run, place)))
            files = read_files(tx, [row.agent for row in rows], database.files.absolute())
            review_columns = read_review_columns(tx, run, rows)
        for row in rows:
            yield _record(row, run, task, review_columns.columns(row), files.get(row.agent, []))
        if len(rows) < _PAGE:
            return
        place = _Place(rows[-1].submitted_at, rows[-1].agent)


def _page(run: int, after: _Place) -> peewee.ModelSelect[Agent]:
    """Select the next submissions by the index ``agent_submitted``, after the last page."""
    same_moment = (Agent.submitted_at == after.submitted_at) & (Agent.id > after.agent)
    return (
        Agent.select(
            Agent.id.alias("agent"),
            Agent.status.alias("agent_status"),
            Agent.started_at,
            Agent.submitted_at,
            Agent.late,
            Agent.answers,
            Agent.visit.alias("visit"),
            Agent.worker.alias("worker_id"),
            Unit.id.alias("unit"),
            Unit.lane,
            Unit.status.alias("unit_status"),
            Unit.agent_id.alias("holder"),
            Assignment.id.alias("assignment"),
            Assignment.number,
            Assignment.data,
            Worker.name.alias("worker"),
            Worker.provider_type.alias("provider"),
        )
        .join(Unit, on=(Agent.unit == Unit.id))
        .join(Assignment, on=(Unit.assignment == Assignment.id))
        .join(Worker, on=(Agent.worker == Worker.id))
        .where(
            Agent.run == run,
            Agent.submitted_at.is_null(False),
            Agent.submitted_at >= after.submitted_at,
            (Agent.submitted_at > after.submitted_at) | same_moment,
        )
        .order_by(Agent.submitted_at, Agent.id)
        .limit(_PAGE)
    )


def _file(file: FileRecord) -> dict[str, Any]:
    return {
        "field": file.field,
        "name": file.name,
        "size": file.size,
        "type": file.content_type,
        "sha256": file.sha256,
        "path": str(file.path),
    }


def _record(
    row: Row,
    run: int,
    task: str,
    verdict: Mapping[str, str | None],
    files: Sequence[FileRecord],
) -> dict[str, Any]:
    return {
        "run": run,
        "task": task,
        "unit": row.unit,
        "assignment": row.assignment,
        "row": row.number,
        "unit_index": row.lane,
        "unit_status": row.unit_status.value,
        "agent": row.agent,
        "agent_status": row.agent_status.value,
        "worker": row.worker,
        "provider": row.provider,
        "started_at": iso(row.started_at),
        "submitted_at": iso(row.submitted_at),
        "duration_seconds": round((row.submitted_at - row.started_at).total_seconds(), 3),
        "late": bool(row.late),
        "unanswered": not files and not holds_answer(row.answers),
        "counts": row.holder == row.agent,
        **verdict,
        "inputs": row.data,
        "outputs": row.answers,
        "files": [_file(each) for each in files],
    }
