"""Granting and revoking qualifications.

The local change, its event and the outbox rows for the platforms are written together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from attrs import frozen

from famulus.engine.outbox.outbox_rows import OutboxKind, enqueue
from famulus.engine.qualifications.rules import read_qualifications
from famulus.engine.status import NewEvent, record
from famulus.engine.workers import lock_worker
from famulus.model.statements import Param, Statement
from famulus.model.tables import (
    GrantedQualificationTable,
    QualificationTable,
    RequesterTable,
    WorkerTable,
)
from famulus.model.transaction import Transaction
from famulus.names import check_text, stripped
from famulus.options.requirements import OnboardingRequired, check_value, qualification_name


class _GrantRow(NamedTuple):
    value: int
    granted_at: int


@frozen
class _Cause:
    text: str
    run: int | None = None


_ID = Statement(
    QualificationTable.select(QualificationTable.id).where(QualificationTable.name == Param("name"))
)
_GRANT = Statement(
    GrantedQualificationTable.select(
        GrantedQualificationTable.value, GrantedQualificationTable.granted_at
    ).where(
        GrantedQualificationTable.worker == Param("worker"),
        GrantedQualificationTable.qualification == Param("qualification"),
    ),
    _GrantRow,
)


def find_qualification(tx: Transaction, name: str) -> int | None:
    """Return the id of a qualification, or None if there is none of that name."""
    row = tx.one(_ID, name=stripped(name))
    return None if row is None else int(row[0])


def make_qualification(tx: Transaction, name: str, description: str = "") -> int:
    """Return the id of a qualification, which is created if there is none of that name.

    :raises famulus.UsageError: for a name that is not allowed, or a description that cannot be
        stored.
    """
    name = qualification_name(name)
    check_text(description, "description")
    qualification = find_qualification(tx, name)
    if qualification is not None:
        return qualification
    query = QualificationTable.insert(name=name, description=description, created_at=tx.now)
    tx.execute(query.on_conflict_ignore())
    qualification = find_qualification(tx, name)
    assert qualification is not None
    return qualification


def granted_value(tx: Transaction, *, worker: int, qualification: str) -> int | None:
    """Return the value of a worker's qualification, or None."""
    number = find_qualification(tx, qualification)
    granted = None if number is None else tx.one(_GRANT, worker=worker, qualification=number)
    return None if granted is None else granted.value


def grant(
    tx: Transaction,
    *,
    worker: int,
    qualification: str,
    value: int = 1,
    cause: str = "grant",
    requesters: Sequence[int] | None = None,
) -> bool:
    """Grant a worker a qualification, or change its value; return whether anything changed.

    A qualification that does not exist is created. The same grant again has no second effect.

    :param requesters: the accounts whose platform gets the change; None for all accounts of the
        worker's provider, an empty sequence for a platform without qualifications.
    :raises famulus.UsageError: for a name or a value that is not allowed.
    """
    return _grant(tx, worker, qualification, value, _Cause(cause), requesters)


def revoke(
    tx: Transaction,
    *,
    worker: int,
    qualification: str,
    cause: str = "revoke",
    requesters: Sequence[int] | None = None,
) -> bool:
    """Revoke a worker's qualification; return whether they had it.

    :param requesters: as for :func:`grant`.
    """
    qualification = stripped(qualification)
    number = find_qualification(tx, qualification)
    if number is None:
        return False
    lock_worker(tx, worker)
    granted = tx.one(_GRANT, worker=worker, qualification=number)
    if granted is None:
        return False
    tx.execute(
        GrantedQualificationTable.delete().where(
            GrantedQualificationTable.worker == worker,
            GrantedQualificationTable.qualification == number,
        )
    )
    record(
        tx,
        NewEvent(
            run=None,
            subject="worker",
            subject_id=worker,
            old=str(granted.value),
            new="revoked",
            cause=cause,
            detail={"qualification": qualification},
        ),
    )
    _enqueue(tx, worker, number, f"{tx.micros}-revoked", requesters)
    return True


def record_onboarding(
    tx: Transaction,
    *,
    worker: int,
    qualification: str,
    passed: bool,
    run: int,
    requesters: Sequence[int] | None,
) -> None:
    """Grant the result of an onboarding.

    The qualification is 1 for passed and 0 for failed; a failed onboarding also grants the
    qualification that marks the failure. The first result is kept, even if another run or tab sends
    a second one.
    """
    qualification = stripped(qualification)
    failed = OnboardingRequired.get_failed_qual(qualification)
    lock_worker(tx, worker)
    if {qualification, failed} & read_qualifications(tx, worker).keys():
        return
    for name in (qualification,) if passed else (qualification, failed):
        _grant(tx, worker, name, int(passed), _Cause("onboarding", run), requesters)


def reset_onboarding(
    tx: Transaction,
    *,
    worker: int,
    qualification: str,
    requesters: Sequence[int] | None = None,
) -> bool:
    """Revoke the result of a worker's onboarding, so that their next visit begins with it again.

    Return whether there was a result.
    """
    names = (qualification, OnboardingRequired.get_failed_qual(stripped(qualification)))
    revoked = [
        revoke(
            tx, worker=worker, qualification=name, cause="reset onboarding", requesters=requesters
        )
        for name in names
    ]
    return any(revoked)


def requesters_of(tx: Transaction, worker: int) -> list[int]:
    """Return the ids of all accounts of a worker's provider: each has qualifications of its own."""
    query = (
        RequesterTable.select(RequesterTable.id)
        .join(WorkerTable, on=(WorkerTable.provider_type == RequesterTable.provider_type))
        .where(WorkerTable.id == worker)
        .order_by(RequesterTable.id)
    )
    return [int(row.id) for row in tx.rows(query)]


def grant_outbox_key(requester: int, worker: int, qualification: int, change: str) -> str:
    """Return the key of the outbox row of a grant.

    :param change: time and value, which distinguish this change of the grant from others.
    """
    return f"qualify-{requester}-{worker}-{qualification}-{change}"


def _grant(
    tx: Transaction,
    worker: int,
    qualification: str,
    value: int,
    cause: _Cause,
    requesters: Sequence[int] | None,
) -> bool:
    check_value(value)
    qualification = qualification_name(qualification)
    number = make_qualification(tx, qualification)
    lock_worker(tx, worker)
    before = tx.one(_GRANT, worker=worker, qualification=number)
    changed = before is None or before.value != value
    granted_at = tx.micros
    if before is not None and not changed:
        granted_at = before.granted_at
    else:
        _store(tx, worker, number, value)
        record(
            tx,
            NewEvent(
                run=cause.run,
                subject="worker",
                subject_id=worker,
                old=None if before is None else str(before.value),
                new=str(value),
                cause=cause.text,
                detail={"qualification": qualification},
            ),
        )
    _enqueue(tx, worker, number, f"{granted_at}-{value}", requesters)
    return changed


def _store(tx: Transaction, worker: int, qualification: int, value: int) -> None:
    query = GrantedQualificationTable.insert(
        worker=worker, qualification=qualification, value=value, granted_at=tx.now
    ).on_conflict(
        conflict_target=[GrantedQualificationTable.worker, GrantedQualificationTable.qualification],
        update={
            GrantedQualificationTable.value: value,
            GrantedQualificationTable.granted_at: tx.now,
        },
    )
    tx.execute(query)


def _enqueue(
    tx: Transaction,
    worker: int,
    qualification: int,
    change: str,
    requesters: Sequence[int] | None,
) -> None:
    for requester in requesters_of(tx, worker) if requesters is None else requesters:
        enqueue(
            tx,
            kind=OutboxKind.QUALIFY,
            key=grant_outbox_key(requester, worker, qualification, change),
            payload={"worker": worker, "qualification": qualification},
            requester=requester,
        )
