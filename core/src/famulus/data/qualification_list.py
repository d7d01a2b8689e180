"""The qualifications of a database and the workers who have them, for lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import peewee
from attrs import frozen

from famulus.engine.qualifications.grants import find_qualification
from famulus.engine.qualifications.worker_handle import Grant, Worker, worker_of
from famulus.model.database import Database
from famulus.model.tables import GrantedQualificationTable, QualificationTable, WorkerTable
from famulus.names import stripped

#: Workers read at once.
_PAGE = 5000


@frozen(kw_only=True)
class QualificationSummary:
    """A qualification and the number of its workers."""

    name: str
    description: str
    created_at: datetime
    holders: int


@frozen(kw_only=True)
class QualificationHolder:
    """A worker who has a qualification."""

    worker: Worker
    grant: Grant


def list_qualifications(database: Database) -> Sequence[QualificationSummary]:
    """Return all qualifications by name; none if the database does not exist yet."""
    if not database.exists:
        return []
    counted = GrantedQualificationTable.select(
        GrantedQualificationTable.qualification.alias("qualification"),
        peewee.fn.COUNT(GrantedQualificationTable.id).alias("n"),
    ).group_by(GrantedQualificationTable.qualification)
    with database.read() as tx:
        holders = {row.qualification: int(row.n) for row in tx.rows(counted)}
        rows = tx.rows(QualificationTable.select().order_by(QualificationTable.name))
    return [
        QualificationSummary(
            name=row.name,
            description=row.description,
            created_at=row.created_at,
            holders=holders.get(row.id, 0),
        )
        for row in rows
    ]


def holders_of(
    database: Database, name: str, provider_type: str | None = None, *, value: int | None = None
) -> Iterator[QualificationHolder]:
    """Yield the workers who have a qualification, in the order in which they were first seen.

    :param provider_type: only workers of that provider.
    :param value: only workers whose qualification has this value.
    """
    name = stripped(name)
    with database.read() as tx:
        number = find_qualification(tx, name)
    last = 0
    while number is not None:
        query = (
            GrantedQualificationTable.select(
                WorkerTable.id,
                WorkerTable.name,
                WorkerTable.provider_type,
                GrantedQualificationTable.value,
                GrantedQualificationTable.granted_at,
            )
            .join(WorkerTable, on=(GrantedQualificationTable.worker == WorkerTable.id))
            .where(GrantedQualificationTable.qualification == number, WorkerTable.id > last)
            .order_by(WorkerTable.id)
            .limit(_PAGE)
        )
        if provider_type is not None:
            query = query.where(WorkerTable.provider_type == provider_type)
        if value is not None:
            query = query.where(GrantedQualificationTable.value == value)
        with database.read() as tx:
            rows = tx.rows(query)
        for row in rows:
            grant = Grant(qualification_name=name, value=row.value, granted_at=row.granted_at)
            yield QualificationHolder(worker=worker_of(database, row), grant=grant)
        if len(rows) < _PAGE:
            return
        last = rows[-1].id
