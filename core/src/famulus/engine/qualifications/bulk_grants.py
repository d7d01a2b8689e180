"""Granting qualifications to many workers at once, in batches: for lists of thousands."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import attrs
from attrs import field, frozen

from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.qualifications.grants import grant_outbox_key
from famulus.engine.status import NewEvent, record
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.fields import dump_json, to_micros
from famulus.model.statements import Param, Statement
from famulus.model.states import OutboxStatus
from famulus.model.tables import GrantedQualificationTable, OutboxTable, WorkerTable
from famulus.model.transaction import Row, Transaction
from famulus.names import read_name

#: Grants of one transaction, which is short enough not to delay submissions.
_BATCH = 1000

_NEW_WORKER = Statement(
    WorkerTable.insert(
        {
            WorkerTable.provider_type: Param("provider"),
            WorkerTable.name: Param("name"),
            WorkerTable.created_at: Param("at"),
            WorkerTable.blocked: Param("blocked"),
        }
    ).on_conflict_ignore()
)
_GRANT = Statement(
    GrantedQualificationTable.insert(
        {
            GrantedQualificationTable.worker: Param("worker"),
            GrantedQualificationTable.qualification: Param("qualification"),
            GrantedQualificationTable.value: Param("value"),
            GrantedQualificationTable.granted_at: Param("at"),
        }
    ).on_conflict(
        conflict_target=[GrantedQualificationTable.worker, GrantedQualificationTable.qualification],
        preserve=[GrantedQualificationTable.value, GrantedQualificationTable.granted_at],
    )
)
_ENQUEUE = Statement(
    OutboxTable.insert(
        {
            OutboxTable.run: Param("run"),
            OutboxTable.requester: Param("requester"),
            OutboxTable.key: Param("key"),
            OutboxTable.kind: Param("kind"),
            OutboxTable.payload: Param("payload"),
            OutboxTable.status: Param("status"),
            OutboxTable.attempts: Param("attempts"),
            OutboxTable.next_attempt_at: Param("next"),
            OutboxTable.error: Param("error"),
            OutboxTable.created_at: Param("created"),
            OutboxTable.claimed_by: Param("claimed_by"),
        }
    ).on_conflict_ignore()
)
#: A join instead of a long IN: without statistics of a table that has just been filled, PostgreSQL
#: compares each stored name with each one of the list (measured: 0.5 s for a thousand).
_IDS = (
    "SELECT worker.name, worker.id FROM unnest(%s::text[]) AS listed (name)"
    " JOIN worker ON worker.name = listed.name AND worker.provider_type = %s"
)


def _worker_name(name: str) -> str:
    return read_name(name, "worker")


@frozen
class ListedGrant:
    """One grant of a list."""

    worker_name: str = field(converter=_worker_name)
    #: the id of the qualification
    qualification: int
    value: int


@frozen(kw_only=True)
class Granted:
    """Counts of the changes that a list of grants has made."""

    #: new grants, and grants with a new value
    changed: int = 0
    #: grants that were stored already
    unchanged: int = 0
    #: workers that were not stored yet
    new_workers: int = 0

    def __add__(self, other: Granted) -> Granted:
        return Granted(
            **{name: number + getattr(other, name) for name, number in attrs.asdict(self).items()}
        )


def grant_all(
    database: Database,
    listed: Iterable[ListedGrant],
    *,
    provider_type: str,
    requesters: Sequence[int],
) -> Granted:
    """Grant a list, and store workers that are new. The same list again changes nothing.

    Each batch is a transaction of its own: when one fails, those before it stay.

    :param requesters: the accounts whose platform gets the grants.
    """
    done = Granted()
    grants = iter(listed)
    while batch := list(itertools.islice(grants, _BATCH)):
        done += database.write(
            partial(_grant, batch=batch, provider_type=provider_type, requesters=requesters)
        )
    return done


def make_workers(
    tx: Transaction, provider_type: str, names: Iterable[str]
) -> tuple[dict[str, int], int]:
    """Return the ids of workers by name, and how many of them were stored by this call.

    :raises famulus.UsageError: for a name that is not allowed.
    """
    # Sorted, so that two batches that store the same workers cannot deadlock.
    wanted = sorted({read_name(name, "worker") for name in names})
    known = _ids(tx, provider_type, wanted)
    new = [name for name in wanted if name not in known]
    if new:
        at = tx.micros
        tx.many(_NEW_WORKER, [(provider_type, name, at, False) for name in new])
        known |= _ids(tx, provider_type, new)
    return known, len(new)


def _ids(tx: Transaction, provider_type: str, names: Sequence[str]) -> dict[str, int]:
    if tx.kind is DatabaseKind.POSTGRESQL:
        return dict(tx.sql(_IDS, (list(names), provider_type)).fetchall())
    query = WorkerTable.select(WorkerTable.name, WorkerTable.id).where(
        WorkerTable.provider_type == provider_type, WorkerTable.name << names
    )
    return {row.name: int(row.id) for row in tx.rows(query)} if names else {}


def _grant(
    tx: Transaction,
    batch: Sequence[ListedGrant],
    provider_type: str,
    requesters: Sequence[int],
) -> Granted:
    workers, new = make_workers(tx, provider_type, (each.worker_name for each in batch))
    wanted = {(workers[each.worker_name], each.qualification): each.value for each in batch}
    before = _read_grants(tx, wanted)
    changed = {
        pair: value
        for pair, value in wanted.items()
        if pair not in before or before[pair].value != value
    }
    now = tx.micros
    if changed:
        tx.many(_GRANT, [(*pair, value, now) for pair, value in sorted(changed.items())])
        record(
            tx,
            NewEvent(
                run=None,
                subject="worker",
                subject_id=None,
                old=None,
                new="granted",
                cause="import",
                count=len(changed),
                detail={"qualifications": sorted({pair[1] for pair in changed})},
            ),
        )
    if requesters:
        unchanged = {
            pair: to_micros(row.granted_at) for pair, row in before.items() if pair not in changed
        }
        _enqueue(tx, wanted, unchanged, requesters)
    return Granted(changed=len(changed), unchanged=len(wanted) - len(changed), new_workers=new)


def _read_grants(
    tx: Transaction, wanted: Mapping[tuple[int, int], int]
) -> dict[tuple[int, int], Row]:
    """Return the stored grants, keyed by worker and qualification."""
    query = GrantedQualificationTable.select(
        GrantedQualificationTable.worker.alias("worker"),
        GrantedQualificationTable.qualification.alias("qualification"),
        GrantedQualificationTable.value,
        GrantedQualificationTable.granted_at,
    ).where(
        GrantedQualificationTable.worker << sorted({worker for worker, _ in wanted}),
        GrantedQualificationTable.qualification << sorted({number for _, number in wanted}),
    )
    return {(row.worker, row.qualification): row for row in tx.rows(query)}


def _enqueue(
    tx: Transaction,
    wanted: Mapping[tuple[int, int], int],
    unchanged: Mapping[tuple[int, int], int],
    requesters: Sequence[int],
) -> None:
    """Enqueue grants for platforms.

    :param unchanged: the times of grants that this list does not change; their outbox rows keep
        their keys.
    """
    now = tx.micros
    rows = []
    for (worker, number), value in sorted(wanted.items()):
        payload = dump_json({"worker": worker, "qualification": number})
        change = f"{unchanged.get((worker, number), now)}-{value}"
        rows += [
            (
                None,
                requester,
                grant_outbox_key(requester, worker, number, change),
                OutboxKind.QUALIFY.value,
                payload,
                OutboxStatus.PENDING.value,
                0,
                now,
                "",
                now,
                "",
            )
            for requester in requesters
        ]
    tx.many(_ENQUEUE, rows)
