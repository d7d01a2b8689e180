"""Submissions that a platform approves by itself unless a decision is made in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import peewee
from attrs import frozen

from famulus.engine.runs import RunRecord
from famulus.errors import PluginError
from famulus.model.fields import from_micros
from famulus.model.statements import Param, Statement
from famulus.model.states import VisitStatus
from famulus.model.tables import (
    VisitTable,
    literal,
)
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins

#: A visit that was only reported has no answers here, and arrived when it was stored.
_SUBMITTED_AT = peewee.fn.COALESCE(VisitTable.done_at, VisitTable.arrived_at)
_UNDECIDED = Statement(
    VisitTable.select(peewee.fn.COUNT(VisitTable.id), peewee.fn.MIN(_SUBMITTED_AT)).where(
        VisitTable.run == Param("run"), VisitTable.status == literal(VisitStatus.SUBMITTED)
    )
)


@frozen(kw_only=True)
class SelfApproval:
    """The submissions of a run that the platform will approve by itself, and when that begins."""

    visits: int
    #: for the one that was submitted first
    first_at: datetime

    def __str__(self) -> str:
        """Return the facts as part of a sentence."""
        number = "1 submission" if self.visits == 1 else f"{self.visits:,} submissions"
        return (
            f"{number} without a verdict: the platform approves the first by itself from "
            f"{self.first_at:%Y-%m-%d %H:%M} UTC on"
        )


def read_self_approval(
    tx: Transaction, run: RunRecord, plugins: Callable[[], Plugins]
) -> SelfApproval | None:
    """Return the submissions that the platform will approve by itself; None if there are none.

    :param plugins: returns the installed plugins. The function is only called if there is a
        submission; the run's provider need not be among them.
    """
    visits, first = tx.one(_UNDECIDED, run=run.id) or (0, None)
    if not visits:
        return None
    try:
        days = plugins().provider(run.provider_type).capabilities.approves_after_days
    except PluginError:
        return None
    if days is None:
        return None
    return SelfApproval(visits=int(visits), first_at=from_micros(first) + timedelta(days=days))
