"""Units with answers, the newest first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice

from famulus.data.scope import Scope
from famulus.engine.answers import COUNTS, StoredAnswer, read_answers, select_attempts
from famulus.model.database import Database
from famulus.model.states import DONE_UNITS
from famulus.model.tables import AgentTable, UnitTable

#: Records read at once.
_PAGE = 50


def newest_units(
    database: Database, scope: Scope, start: int = 0, end: int | None = None
) -> Iterator[StoredAnswer]:
    """Stream the answers that have completed units, the newest first.

    :param start: how many of the newest to leave out.
    :param end: the position, also counted from the newest, at which to stop.
    """
    merged = heapq.merge(
        *(_newest_of_run(database, run) for run in scope.runs),
        key=lambda answer: (answer.submitted_at, answer.agent),
        reverse=True,
    )
    return islice(merged, start, end)


def _newest_of_run(database: Database, run: int) -> Iterator[StoredAnswer]:
    query = (
        select_attempts()
        .where(
            AgentTable.run == run,
            AgentTable.submitted_at.is_null(False),
            COUNTS,
            UnitTable.status << list(DONE_UNITS),
        )
        .order_by(AgentTable.submitted_at.desc(), AgentTable.id.desc())
        .limit(_PAGE)
    )
    page = query
    while True:
        with database.read() as tx:
            answers = read_answers(tx, page, database.files)
        yield from answers
        if len(answers) < _PAGE:
            return
        last = answers[-1]
        same_moment = (AgentTable.submitted_at == last.submitted_at) & (AgentTable.id < last.agent)
        page = query.where(
            AgentTable.submitted_at <= last.submitted_at,
            (AgentTable.submitted_at < last.submitted_at) | same_moment,
        )
