"""The right to operate a run: one operator at a time, kept alive by renewing it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from attrs import field, frozen

from famulus import process
from famulus.engine.runs import RunRecord, operator_of
from famulus.errors import RunBusyError
from famulus.model.fields import to_micros
from famulus.model.statements import Param, Statement
from famulus.model.tables import TaskRunTable
from famulus.model.transaction import Transaction
from famulus.process import ProcessIdentity

#: Seconds after which a lease that is not renewed is free for others.
LEASE_SECONDS = 10
#: Seconds between renewals.
RENEWAL_SECONDS = 2

_HELD = (TaskRunTable.id == Param("run"), TaskRunTable.lease_holder == Param("holder"))
_RENEW = Statement(TaskRunTable.update({TaskRunTable.lease_until: Param("until")}).where(*_HELD))
_RELEASE = Statement(
    TaskRunTable.update(
        lease_until=None, lease_holder="", lease_process="", awaited_visits=0, awaited_until=None
    ).where(*_HELD)
)


@frozen
class Holder:
    """An operator that holds leases.

    Only ``name`` identifies the holder of a lease; ``process`` shows whether the holder has died.
    """

    name: str = field(factory=lambda: secrets.token_hex(16))
    process: str = field(factory=lambda: str(ProcessIdentity.current()))


def acquire(tx: Transaction, run: int, holder: Holder) -> bool:
    """Acquire or renew the lease of a run; return whether the holder has it now."""
    query = TaskRunTable.update(
        lease_holder=holder.name,
        lease_process=holder.process,
        lease_until=tx.now + timedelta(seconds=LEASE_SECONDS),
    ).where(
        TaskRunTable.id == run,
        (TaskRunTable.lease_holder == holder.name)
        | TaskRunTable.lease_until.is_null()
        | (TaskRunTable.lease_until < tx.now),
    )
    return bool(tx.execute(query).rowcount)


def renew(tx: Transaction, run: int, holder: Holder) -> bool:
    """Renew a lease, even an expired one; return whether the holder still has it."""
    until = to_micros(tx.now + timedelta(seconds=LEASE_SECONDS))
    return bool(tx.run(_RENEW, run=run, holder=holder.name, until=until).rowcount)


def acquire_or_raise(tx: Transaction, record: RunRecord, holder: Holder) -> None:
    """Acquire the lease of a run, without waiting for its expiry if its holder has certainly died.

    :raises famulus.errors.RunBusyError: when another operator has it.
    """
    if is_dead(record):
        _release(tx, record.id, record.lease_holder)
    if not acquire(tx, record.id, holder):
        raise RunBusyError(
            f"run {record.id} is being operated by {shown(record)}; "
            f"`famulus stop {record.id}` asks it to stop"
        )


def release(tx: Transaction, run: int, holder: Holder) -> None:
    """Release a lease, so that the next operator need not wait until it expires."""
    _release(tx, run, holder.name)


def last_sign(record: RunRecord) -> datetime | None:
    """Return when a run's holder was last known to be alive; None when there is no holder."""
    if record.lease_until is None:
        return None
    return record.lease_until - timedelta(seconds=LEASE_SECONDS)


def is_operated(tx: Transaction, record: RunRecord) -> bool:
    """Return whether an operator that may be alive has the run's lease."""
    return operator_of(tx, record) is not None


def is_ours(record: RunRecord, holder: Holder) -> bool:
    """Return whether an operator still has the lease.

    An operator has it until another one takes the run over, even if the lease has expired.
    """
    return record.lease_holder == holder.name


def is_valid(tx: Transaction, record: RunRecord, holder: Holder) -> bool:
    """Return whether an operator may act on deadlines now.

    It may if it has the lease, and if since its last renewal it was not suspended and the clock was
    not set.
    """
    return (
        is_ours(record, holder)
        and record.lease_until is not None
        and tx.now <= record.lease_until <= tx.now + timedelta(seconds=LEASE_SECONDS)
    )


def is_dead(record: RunRecord) -> bool:
    """Return whether the process that holds the lease has certainly ended."""
    return process.is_dead(record.lease_process)


def shown(record: RunRecord) -> str:
    """Return the holder of a run's lease, for a message."""
    return process.describe(record.lease_process)


def _release(tx: Transaction, run: int, name: str) -> None:
    tx.run(_RELEASE, run=run, holder=name)
