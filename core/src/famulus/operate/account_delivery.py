"""Delivering changes of a requester's whole account: qualifications and blocks."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from attrs import frozen

from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.platform.bound_provider import deliver_requester
from famulus.engine.platform.redelivery import redeliver_account
from famulus.errors import FamulusError
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, RequesterTable, WorkerTable, literal
from famulus.model.transaction import Row, Transaction
from famulus.names import stripped
from famulus.plugins import Plugins

_log = logging.getLogger(__name__)

_KINDS = (OutboxKind.QUALIFY.value, OutboxKind.BLOCK.value)


@frozen(kw_only=True)
class AccountDelivery:
    """The outcome of the changes that were pending for one account when the delivery began."""

    #: changes that the platform has accepted
    delivered: int = 0
    #: the error of each change that it has refused
    refused: Sequence[str] = ()
    #: the newest error, or "", of each change that waits for another attempt
    waiting: Sequence[str] = ()
    #: changes that another process, such as the operator of a run, is delivering just now
    elsewhere: int = 0
    #: why nothing could be delivered at all
    failure: str = ""


def count_due(database: Database, requester: int) -> int:
    """Return the number of changes that are due for a requester's account."""
    with database.read() as tx:
        return len(_pending_ids(tx, requester))


def deliver_account(database: Database, plugins: Plugins, requester: int) -> AccountDelivery:
    """Deliver the changes that are due for a requester's account."""
    with database.read() as tx:
        numbers = _pending_ids(tx, requester)
    failure = ""
    try:
        deliver_requester(database, plugins, requester)
    except FamulusError as error:
        failure = str(error)
    with database.read() as tx:
        rows = _rows_of(tx, requester, numbers)
        now = tx.now
    pending = [row for row in rows if row.status is OutboxStatus.PENDING]
    waiting = [row.error for row in pending if not row.claimed_until or row.claimed_until < now]
    return AccountDelivery(
        delivered=sum(row.status is OutboxStatus.DONE for row in rows),
        refused=[row.error for row in rows if row.status is OutboxStatus.FAILED],
        waiting=waiting,
        elsewhere=len(pending) - len(waiting),
        failure=failure,
    )


def deliver_accounts(database: Database, plugins: Plugins) -> int:
    """Deliver all changes that an account's platform has not accepted yet; retry refused ones.

    Return how many rows were delivered or refused. If nothing can be delivered for one account,
    the others are still delivered.

    :raises famulus.FamulusError: the error of the first such account; further errors are logged.
    """
    if not database.exists:
        return 0
    query = (
        OutboxTable.select(OutboxTable.requester.alias("requester"))
        .where(OutboxTable.run.is_null(), OutboxTable.status != OutboxStatus.DONE)
        .distinct()
    )
    with database.read() as tx:
        requesters = sorted(row.requester for row in tx.rows(query))
    delivered = 0
    errors: list[FamulusError] = []
    for requester in requesters:
        database.write(partial(redeliver_account, requester=requester))
        try:
            delivered += deliver_requester(database, plugins, requester)
        except FamulusError as error:
            errors.append(error)
    for another in errors[1:]:
        _log.error("%s", another)
    if errors:
        raise errors[0]
    return delivered


def stored_provider_types(database: Database) -> set[str]:
    """Return the types of the providers of all stored requesters and workers."""
    if not database.exists:
        return set()
    types: set[str] = set()
    with database.read() as tx:
        for table in (RequesterTable, WorkerTable):
            query = table.select(table.provider_type).distinct()
            types |= {row.provider_type for row in tx.rows(query)}
    return types


def provider_types_of(database: Database, worker: str) -> set[str]:
    """Return the types of the providers that have a worker with that name."""
    if not database.exists:
        return set()
    query = WorkerTable.select(WorkerTable.provider_type).where(
        WorkerTable.name == stripped(worker)
    )
    with database.read() as tx:
        return {row.provider_type for row in tx.rows(query)}


def requester_numbers(database: Database, provider_type: str) -> Mapping[str, int]:
    """Return the numbers of a provider's requesters by name."""
    if not database.exists:
        return {}
    query = RequesterTable.select(RequesterTable.id, RequesterTable.name).where(
        RequesterTable.provider_type == provider_type
    )
    with database.read() as tx:
        return {row.name: int(row.id) for row in tx.rows(query.order_by(RequesterTable.name))}


def _pending_ids(tx: Transaction, requester: int) -> Sequence[int]:
    """Return the ids of the pending changes of an account, the oldest first."""
    query = OutboxTable.select(OutboxTable.id).where(
        *_of_account(requester), OutboxTable.status == literal(OutboxStatus.PENDING)
    )
    return [row.id for row in tx.rows(query.order_by(OutboxTable.id))]


def _rows_of(tx: Transaction, requester: int, ids: Sequence[int]) -> list[Row]:
    """Return the changes with these ids, in their order."""
    if not ids:
        return []
    # A statement takes a limited number of values, and there may be more ids than that.
    query = OutboxTable.select(
        OutboxTable.id, OutboxTable.status, OutboxTable.error, OutboxTable.claimed_until
    ).where(*_of_account(requester), OutboxTable.id.between(ids[0], ids[-1]))
    wanted = set(ids)
    return [row for row in tx.rows(query.order_by(OutboxTable.id)) if row.id in wanted]


def _of_account(requester: int) -> tuple[Any, ...]:
    return (
        OutboxTable.requester == requester,
        OutboxTable.run.is_null(),
        OutboxTable.kind << _KINDS,
    )
