"""Syncing a run with its platform on request, as its operator does all the time."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import peewee
from attrs import frozen

from famulus.engine.outbox.outbox_rows import make_run_due
from famulus.engine.outbox.undelivered import UndeliveredRows, read_undelivered
from famulus.engine.places.closing import ClosingLimits
from famulus.engine.platform.bound_provider import BoundProvider, bind_provider
from famulus.engine.platform.redelivery import acknowledge_refused_verdicts, redeliver_refused
from famulus.engine.platform.visit_sync import SyncResult, sync_run
from famulus.errors import reason
from famulus.model.database import Database
from famulus.model.states import VisitStatus
from famulus.model.tables import VisitTable
from famulus.model.transaction import Transaction
from famulus.operate.ending import clean_up
from famulus.plugins import Plugins

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class SyncReport:
    """The changes that a sync has made in a run and on its platform."""

    #: whether places were open of a run that no process operates
    was_unserved: bool
    synced: SyncResult
    #: how many visits of the run have each status afterwards
    visits: Mapping[VisitStatus, int]
    #: how many outbox rows were delivered or refused
    delivered: int
    #: how many refused verdicts were acknowledged
    acknowledged: int
    #: rows that it has refused, and rows that could not be delivered
    undelivered: Sequence[UndeliveredRows]


def sync_now(
    database: Database,
    plugins: Plugins,
    run: int,
    closing_limits: ClosingLimits | None = None,
    *,
    acknowledges: bool = False,
) -> SyncReport:
    """Ask a run's platform about its visits, and deliver pending and refused changes.

    Places of a run that is not served are closed first, in case the platform stops answering during
    the sync.

    :param acknowledges: whether verdicts that the platform refuses count as delivered afterwards.
    :raises famulus.UnavailableError: when places are still open, or the platform does not answer.
    :raises famulus.PluginError: when the provider's code fails.
    """
    bound = bind_provider(database, plugins, run)
    was_unserved = clean_up(database, run, _count_open_there(bound))
    database.write(lambda tx: redeliver_refused(tx, run, bound.provider.capabilities))
    bound.close_places(closing_limits)
    synced = sync_run(database, bound.provider, bound.run_view(), from_start=True)
    database.write(lambda tx: make_run_due(tx, run))
    delivered = bound.deliver()
    acknowledged = (
        database.write(lambda tx: acknowledge_refused_verdicts(tx, run)) if acknowledges else 0
    )
    with database.read() as tx:
        undelivered = read_undelivered(tx, run, bound.record.requester_id)
        visits = _count_visits(tx, run)
    return SyncReport(
        was_unserved=was_unserved,
        synced=synced,
        visits=visits,
        delivered=delivered,
        acknowledged=acknowledged,
        undelivered=undelivered,
    )


def _count_visits(tx: Transaction, run: int) -> dict[VisitStatus, int]:
    number = peewee.fn.COUNT(VisitTable.id).alias("number")
    query = (
        VisitTable.select(VisitTable.status, number)
        .where(VisitTable.run == run)
        .group_by(VisitTable.status)
        .order_by(VisitTable.status)
    )
    return {row.status: row.number for row in tx.rows(query)}


def _count_open_there(bound: BoundProvider) -> int | None:
    try:
        return bound.provider.count_open_places(bound.run_view())
    except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; what is known is closed
        why = reason(error)
        _log.warning(
            "run %d: the platform cannot be asked for open places: %s", bound.record.id, why
        )
        return None
