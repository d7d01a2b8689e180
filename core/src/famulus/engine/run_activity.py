"""The latest activity in a run, and the reports still awaited from its platform."""

from __future__ import annotations

from datetime import datetime

import peewee

from famulus.engine.runs import RunRecord
from famulus.model.statements import Param, Statement
from famulus.model.states import VisitStatus
from famulus.model.tables import AgentTable, VisitTable, literal
from famulus.model.transaction import Row, Transaction

_NEWEST_SUBMISSION = Statement(
    AgentTable.select(AgentTable.submitted_at)
    .where(AgentTable.run == Param("run"), AgentTable.submitted_at.is_null(False))
    .order_by(AgentTable.submitted_at.desc())
    .limit(1)
)


def count_unreported(tx: Transaction, run: int) -> int:
    """Return how many visits are done here but not yet reported by the platform."""
    query = VisitTable.select(peewee.fn.COUNT(VisitTable.id).alias("n")).where(
        VisitTable.run == run,
        ((VisitTable.status == literal(VisitStatus.ACCEPTED)) & VisitTable.done_at.is_null(False))
        | ((VisitTable.status == literal(VisitStatus.UNKNOWN)) & VisitTable.done_at.is_null(False)),
    )
    row = tx.row(query)
    return int(row.n) if row is not None else 0


def last_submission(tx: Transaction, run: int) -> Row | None:
    """Return the time of a run's newest submission (``submitted_at``), or None."""
    return tx.row_of(_NEWEST_SUBMISSION, run=run)


def quiet_since(tx: Transaction, run: RunRecord) -> datetime:
    """Return when ``no_submission_patience`` began.

    It began with the newest of these: the last submission, the last opening of the run, and the end
    of the last suspension of its operator.
    """
    newest = last_submission(tx, run.id)
    moments = (run.created_at, run.opened_at, run.served_since, newest and newest.submitted_at)
    # Later moments are from before the clock was set back.
    return max((each for each in moments if each and each <= tx.now), default=tx.now)
