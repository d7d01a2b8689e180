"""Units with answers, the newest first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice

from famulus.data.unit_records import UnitRecord, select_records, unit_records
from famulus.data.up_for_review import Scope
from famulus.model.database import Database
from famulus.model.states import DONE_UNITS
from famulus.model.tables import Agent, Unit

#: Records of one look at the database.
_PAGE = 50


def newest_units(
    database: Database, scope: Scope, start: int = 0, end: int | None = None
) -> Iterator[UnitRecord]:
    """Stream the units that are done, by the time of their answers, the newest first.

    :param start: how many of the newest to leave out; ``end`` is where to stop, counted likewise.
    """
    merged = heapq.merge(
        *(_newest_of_run(database, run) for run in scope.runs),
        key=lambda unit: (unit.submitted_at, unit.agent_id),
        reverse=True,
    )
    return islice(merged, start, end)


def _newest_of_run(database: Database, run: int) -> Iterator[UnitRecord]:
    query = (
        select_records()
        .where(Agent.run == run, Agent.submitted_at.is_null(False), Unit.status << list(DONE_UNITS))
        .order_by(Agent.submitted_at.desc(), Agent.id.desc())
        .limit(_PAGE)
    )
    page = query
    while True:
        with database.read() as tx:
            units = unit_records(tx, tx.rows(page), database.files)
        yield from units
        if len(units) < _PAGE:
            return
        last = units[-1]
        same_moment = (Agent.submitted_at == last.submitted_at) & (Agent.id < last.agent_id)
        page = query.where(
            Agent.submitted_at <= last.submitted_at,
            (Agent.submitted_at < last.submitted_at) | same_moment,
        )
