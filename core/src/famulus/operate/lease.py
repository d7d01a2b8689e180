"""The right to operate a run: one operator at a time, kept alive by renewing it."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime, timedelta

from famulus.errors import RunBusyError
from famulus.model.tables import TaskRun
from famulus.model.transaction import Transaction
from famulus.work.runs import RunRecord

#: Seconds after which an operator that no longer renews its lease is taken to be dead.
LEASE_SECONDS = 10
#: Seconds between renewals.
RENEWAL_SECONDS = 2


def new_holder() -> str:
    """Return a name for an operator that nobody else has, telling where it runs."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"


def renew(tx: Transaction, run: int, holder: str) -> bool:
    """Take or keep the lease of a run; say whether it is ours now."""
    query = TaskRun.update(
        lease_holder=holder, lease_until=tx.now + timedelta(seconds=LEASE_SECONDS)
    ).where(
        TaskRun.id == run,
        (TaskRun.lease_holder == holder)
        | TaskRun.lease_until.is_null()
        | (TaskRun.lease_until < tx.now),
    )
    return bool(tx.execute(query).rowcount)


def take(tx: Transaction, record: RunRecord, holder: str) -> None:
    """Take the lease of a run, at once where its holder is a dead process of this machine.

    :raises famulus.errors.RunBusyError: when another operator holds it.
    """
    if is_dead(record):
        drop(tx, record.id, record.lease_holder)
    if not renew(tx, record.id, holder):
        raise RunBusyError(
            f"run {record.id} is being operated by {shown(record.lease_holder)}; "
            f"`famulus stop {record.id}` asks it to stop"
        )


def drop(tx: Transaction, run: int, holder: str) -> None:
    """Give a lease back, so that the next operator need not wait until it ends."""
    query = TaskRun.update(lease_until=None, lease_holder="").where(
        TaskRun.id == run, TaskRun.lease_holder == holder
    )
    tx.execute(query)


def last_sign(record: RunRecord) -> datetime | None:
    """Return when a run's holder was alive for sure; None when nobody holds it."""
    if record.lease_until is None:
        return None
    return record.lease_until - timedelta(seconds=LEASE_SECONDS)


def is_held(tx: Transaction, record: RunRecord) -> bool:
    """Say whether an operator that may be alive holds the run."""
    return (
        record.lease_until is not None and record.lease_until >= tx.now and not is_dead(record)
    )


def is_dead(record: RunRecord) -> bool:
    """Say whether the holder was a process of this machine that is gone."""
    host, _, rest = record.lease_holder.partition(":")
    pid = rest.partition(":")[0]
    if not pid.isdigit() or host != socket.gethostname()[:30]:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def shown(holder: str) -> str:
    """Return who holds a lease, for a message."""
    host, _, rest = holder.partition(":")
    return f"process {rest.partition(':')[0]} on {host}" if rest else "another operator"
