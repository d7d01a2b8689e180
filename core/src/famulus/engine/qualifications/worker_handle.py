"""The public API of a worker: a record with methods that grant qualifications and block."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from attrs import field, frozen

from famulus.contracts.views import WorkerView
from famulus.engine.qualifications import grants
from famulus.engine.qualifications.blocks import set_blocked
from famulus.engine.qualifications.grants import requesters_of
from famulus.engine.workers import find_worker as find_number
from famulus.engine.workers import make_worker
from famulus.errors import NotFoundError
from famulus.model.database import Database
from famulus.model.tables import GrantedQualificationTable, QualificationTable, WorkerTable
from famulus.model.transaction import Row, Transaction
from famulus.names import read_name, stripped
from famulus.options.suggest import did_you_mean
from famulus.plugins import Plugins, discover


@frozen(kw_only=True)
class Grant:
    """A qualification of a worker, and its value."""

    qualification_name: str
    value: int
    granted_at: datetime


@frozen(kw_only=True)
class Worker(WorkerView):
    """A worker of one database. Each method that changes something commits it at once.

    The change is enqueued for the worker's platform in the same transaction. The operator of a run
    or ``famulus qualifications`` delivers it, and retries until the platform has accepted it.
    """

    #: the database that the worker is stored in
    database: Database = field(repr=False, eq=False)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            known = [each for each in dir(type(self)) if not each.startswith("_")]
            raise AttributeError(f"a worker has no {name!r}{did_you_mean(name, known)}")

    def grant_qualification(self, name: str, value: int = 1) -> Grant:
        """Grant the worker a qualification, or change its value.

        A qualification that does not exist is created.

        :raises famulus.UsageError: for a name or a value that is not allowed.
        """
        self.database.write(
            lambda tx: grants.grant(tx, worker=self.id, qualification=name, value=value)
        )
        granted = self.get_granted_qualification(name)
        assert granted is not None
        return granted

    def revoke_qualification(self, name: str) -> bool:
        """Revoke a qualification of the worker; return whether they had it."""
        return self.database.write(lambda tx: grants.revoke(tx, worker=self.id, qualification=name))

    def get_granted_qualification(self, name: str) -> Grant | None:
        """Return a qualification of the worker, or None."""
        return next((each for each in self._grants(name)), None)

    def granted_qualifications(self) -> list[Grant]:
        """Return all qualifications of the worker, sorted by name."""
        return self._grants()

    def is_qualified(self, name: str) -> bool:
        """Return whether the worker has a qualification with a value other than 0."""
        granted = self.get_granted_qualification(name)
        return granted is not None and granted.value != 0

    def is_disqualified(self, name: str) -> bool:
        """Return whether the worker has a qualification with the value 0."""
        granted = self.get_granted_qualification(name)
        return granted is not None and granted.value == 0

    @property
    def is_blocked(self) -> bool:
        """Whether the worker is blocked from every task."""
        with self.database.read() as tx:
            row = tx.row(WorkerTable.select(WorkerTable.blocked).where(WorkerTable.id == self.id))
        return row is not None and bool(row.blocked)

    def block(self, reason: str, *, on_platform: bool = False) -> None:
        """Block the worker from every task of this database; a begun unit can still be submitted.

        :param on_platform: also block them on their platform, which may harm the worker's account.
        """
        self._set_blocked(True, reason, on_platform)

    def unblock(self, reason: str = "", *, on_platform: bool = False) -> None:
        """Unblock the worker."""
        self._set_blocked(False, reason, on_platform)

    def _set_blocked(self, blocked: bool, reason: str, on_platform: bool) -> None:
        def job(tx: Transaction) -> None:
            requesters = requesters_of(tx, self.id) if on_platform else ()
            set_blocked(tx, worker=self.id, blocked=blocked, reason=reason, requesters=requesters)

        self.database.write(job)

    def _grants(self, name: str | None = None) -> list[Grant]:
        query = (
            GrantedQualificationTable.select(
                QualificationTable.name.alias("qualification_name"),
                GrantedQualificationTable.value,
                GrantedQualificationTable.granted_at,
            )
            .join(
                QualificationTable,
                on=(GrantedQualificationTable.qualification == QualificationTable.id),
            )
            .where(GrantedQualificationTable.worker == self.id)
            .order_by(QualificationTable.name)
        )
        if name is not None:
            query = query.where(QualificationTable.name == stripped(name))
        with self.database.read() as tx:
            return [Grant(**vars(row)) for row in tx.rows(query)]


def find_worker(database: Database, provider_type: str, name: str) -> Worker:
    """Return a worker by the provider's id for them.

    :raises famulus.NotFoundError: when this database has no such worker.
    :raises famulus.UsageError: for a name that is not allowed.
    """
    name = read_name(name, "worker")
    number = None
    if database.exists:
        with database.read() as tx:
            number = find_number(tx, provider_type, name)
    if number is None:
        raise NotFoundError(
            f"there is no worker {name!r} of {provider_type}{_elsewhere(database, name)}"
        )
    return Worker(id=number, name=name, provider_type=provider_type, database=database)


def find_or_create_worker(
    database: Database, provider_type: str, name: str, *, plugins: Plugins | None = None
) -> Worker:
    """Return a worker by the provider's id for them; create a worker who has never come.

    This way, people can be granted qualifications, or blocked, before their first arrival.

    :raises famulus.PluginError: when there is no such provider.
    :raises famulus.UsageError: for a name that is not allowed; nothing is stored.
    """
    name = read_name(name, "worker")
    # A worker of a misspelt provider would never come, and the grant would be without effect.
    provider = (discover() if plugins is None else plugins).provider(provider_type)
    number = database.write(lambda tx: make_worker(tx, provider.type, name))
    return Worker(id=number, name=name, provider_type=provider.type, database=database)


def get_worker(database: Database, worker_id: int) -> Worker:
    """Return a worker by id, such as the ``id`` of a :class:`~famulus.WorkerView`.

    :raises famulus.NotFoundError: when there is none.
    """
    with database.read() as tx:
        row = tx.row(WorkerTable.select().where(WorkerTable.id == worker_id))
    if row is None:
        raise NotFoundError(f"there is no worker with the id {worker_id}")
    return worker_of(database, row)


def worker_of(database: Database, row: Row) -> Worker:
    """Make the handle of a row that has a worker's ``id``, ``name`` and ``provider_type``."""
    return Worker(id=row.id, name=row.name, provider_type=row.provider_type, database=database)


def find_or_create_qualification(database: Database, name: str) -> int:
    """Return the id of a qualification, which is created if there is none of that name.

    :raises famulus.UsageError: for a name that is not allowed.
    """
    return database.write(lambda tx: grants.make_qualification(tx, name))


def _elsewhere(database: Database, name: str) -> str:
    """Return a hint that names the other providers with a worker of this name."""
    if not database.exists:
        return ""
    query = WorkerTable.select(WorkerTable.provider_type).where(WorkerTable.name == name)
    with database.read() as tx:
        others = sorted(row.provider_type for row in tx.rows(query))
    return f"; there is one of {' and '.join(others)}" if others else ""
