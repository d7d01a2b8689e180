"""What ``famulus sync`` does in a run: whatever an operator would have done by now."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from attrs import frozen

from famulus.engine.ledger.settling import tell_refused_again
from famulus.engine.platform.closing import Patience
from famulus.engine.platform.outbox import hasten_run
from famulus.engine.platform.sync import Synced, sync_run
from famulus.engine.platform.telling import BoundProvider, contact
from famulus.engine.platform.troubles import Trouble, read_troubles
from famulus.model.database import Database
from famulus.operate.ending import tidy_up
from famulus.plugins import Plugins

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class SyncReport:
    """What a run and its platform have learnt of each other."""

    #: whether places were open of a run that nobody operates
    was_unserved: bool
    synced: Synced
    #: how many things the platform was told, or has refused
    told: int
    #: what it has refused, or could not be told
    troubles: Sequence[Trouble]


def sync_now(
    database: Database, plugins: Plugins, run: int, patience: Patience | None = None
) -> SyncReport:
    """Ask the platform of a run about its visits, and tell it what is due, refused or not.

    Places that nobody serves are closed first of all: the platform may not answer for long.

    :raises famulus.UnavailableError: when they are still open, or the platform does not answer.
    """
    reached = contact(database, plugins, run)
    was_unserved = tidy_up(database, run, _count_open_there(reached))
    database.write(lambda tx: tell_refused_again(tx, run))
    reached.close_places(patience)
    synced = sync_run(database, reached.provider, reached.run_view())
    database.write(lambda tx: hasten_run(tx, run))
    told = reached.tell()
    with database.read() as tx:
        troubles = read_troubles(tx, run)
    return SyncReport(was_unserved=was_unserved, synced=synced, told=told, troubles=troubles)


def _count_open_there(reached: BoundProvider) -> int | None:
    try:
        return reached.provider.count_open_places(reached.run_view())
    except Exception as error:  # noqa: BLE001 - third-party code; what is known here is closed
        _log.warning(
            "run %d: the platform cannot be asked for open places: %s", reached.record.id, error
        )
        return None
