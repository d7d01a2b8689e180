"""Workers: found, made and locked."""

from __future__ import annotations

from famulus.model.database_kind import DatabaseKind
from famulus.model.statements import Param, Statement, for_update
from famulus.model.tables import WorkerTable
from famulus.model.transaction import Transaction
from famulus.names import read_name, stripped

_FIND = Statement(
    WorkerTable.select(WorkerTable.id).where(
        WorkerTable.provider_type == Param("provider"), WorkerTable.name == Param("name")
    )
)
_MAKE = Statement(
    WorkerTable.insert(
        {
            WorkerTable.provider_type: Param("provider"),
            WorkerTable.name: Param("name"),
            WorkerTable.created_at: Param("at"),
            WorkerTable.blocked: False,
        }
    ).on_conflict_ignore()
)
_LOCK = Statement(
    lambda kind: for_update(
        WorkerTable.select(WorkerTable.id).where(WorkerTable.id == Param("worker")), kind
    )
)


def find_worker(tx: Transaction, provider_type: str, name: str) -> int | None:
    """Return a worker's number, or None when they have never arrived."""
    row = tx.one(_FIND, provider=provider_type, name=stripped(name))
    return None if row is None else int(row[0])


def make_worker(tx: Transaction, provider_type: str, name: str) -> int:
    """Return a worker's number; create the worker unless another transaction has done so.

    :raises famulus.UsageError: for a name that no worker can have.
    """
    name = read_name(name, "worker")
    tx.run(_MAKE, provider=provider_type, name=name, at=tx.micros)
    worker = find_worker(tx, provider_type, name)
    assert worker is not None
    return worker


def lock_worker(tx: Transaction, worker: int) -> None:
    """Lock a worker until the commit, which keeps limits exact under concurrent requests.

    On SQLite only one transaction writes at a time.
    """
    if tx.kind is DatabaseKind.POSTGRESQL:
        tx.one(_LOCK, worker=worker)
