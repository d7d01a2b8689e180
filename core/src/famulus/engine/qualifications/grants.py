"""Granting qualifications: the local change, its event, and what platforms must be told of it are
written together.
"""

from __future__ import annotations

from collections.abc import Sequence

from famulus.engine.platform.outbox import OutboxKind, enqueue
from famulus.engine.qualifications.rules import read_qualifications
from famulus.engine.status import NewEvent, record
from famulus.engine.workers import lock_worker
from famulus.model.fields import to_micros
from famulus.model.statements import Param, Statement
from famulus.model.tables import GrantedQualification, Qualification, Requester, Worker
from famulus.model.transaction import Transaction
from famulus.names import stripped
from famulus.options.requirements import OnboardingRequired, check_value, qualification_name

_NUMBER = Statement(
    Qualification.select(Qualification.id).where(Qualification.name == Param("name"))
)
_HELD = Statement(
    GrantedQualification.select(GrantedQualification.value, GrantedQualification.granted_at).where(
        GrantedQualification.worker == Param("worker"),
        GrantedQualification.qualification == Param("qualification"),
    )
)


def find_qualification(tx: Transaction, name: str) -> int | None:
    """Return a qualification's number, or None when there is none of that name."""
    row = tx.one(_NUMBER, name=stripped(name))
    return None if row is None else int(row[0])


def make_qualification(tx: Transaction, name: str, description: str = "") -> int:
    """Return a qualification's number, made when there is none of that name.

    :raises famulus.UsageError: for a name that nothing can have.
    """
    name = qualification_name(name)
    number = find_qualification(tx, name)
    if number is not None:
        return number
    query = Qualification.insert(name=name, description=description, created_at=tx.now)
    tx.execute(query.on_conflict_ignore())
    number = find_qualification(tx, name)
    assert number is not None
    return number


def granted_value(tx: Transaction, *, worker: int, qualification: str) -> int | None:
    """Return the value of a qualification that a worker holds, or None."""
    number = find_qualification(tx, qualification)
    held = None if number is None else tx.one(_HELD, worker=worker, qualification=number)
    return None if held is None else int(held[0])


def grant(
    tx: Transaction,
    *,
    worker: int,
    qualification: str,
    value: int = 1,
    cause: str = "grant",
    run: int | None = None,
    requesters: Sequence[int] | None = None,
) -> bool:
    """Give a worker a qualification, made at need, or change the value they hold; say whether that
    changed anything. The same grant again has no second effect.

    :param requesters: whose platform is to be told; those of the worker's provider unless given,
        and nobody where the platform is known to have no qualifications.
    :raises famulus.UsageError: for a name or a value that nothing can have.
    """
    check_value(value)
    qualification = qualification_name(qualification)
    number = make_qualification(tx, qualification)
    lock_worker(tx, worker)
    held = tx.one(_HELD, worker=worker, qualification=number)
    at = to_micros(tx.now)
    changed = held is None or held[0] != value
    if held is not None and not changed:
        at = int(held[1])
    else:
        _store(tx, worker, number, value)
        record(
            tx,
            NewEvent(
                run=run,
                subject="worker",
                subject_id=worker,
                old=None if held is None else str(held[0]),
                new=str(value),
                cause=cause,
                detail={"qualification": qualification},
            ),
        )
    _tell(tx, worker, number, f"{at}-{value}", requesters)
    return changed


def revoke(
    tx: Transaction,
    *,
    worker: int,
    qualification: str,
    cause: str = "revoke",
    run: int | None = None,
    requesters: Sequence[int] | None = None,
) -> bool:
    """Take a qualification from a worker; say whether they held it.

    :param requesters: whose platform is to be told, as in :func:`grant`.
    """
    qualification = stripped(qualification)
    number = find_qualification(tx, qualification)
    if number is None:
        return False
    lock_worker(tx, worker)
    held = tx.one(_HELD, worker=worker, qualification=number)
    if held is None:
        return False
    tx.execute(
        GrantedQualification.delete().where(
            GrantedQualification.worker == worker, GrantedQualification.qualification == number
        )
    )
    record(
        tx,
        NewEvent(
            run=run,
            subject="worker",
            subject_id=worker,
            old=str(held[0]),
            new="revoked",
            cause=cause,
            detail={"qualification": qualification},
        ),
    )
    _tell(tx, worker, number, f"{to_micros(tx.now)}-revoked", requesters)
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
    """Grant what the answers to an onboarding lead to: 1 for passed; 0, and the failed one's own
    qualification besides, for failed.

    The first outcome stands, whichever run or tab it came from: nobody gets a second try.
    """
    qualification = stripped(qualification)
    failed = OnboardingRequired.get_failed_qual(qualification)
    lock_worker(tx, worker)
    if {qualification, failed} & read_qualifications(tx, worker).keys():
        return
    for name in (qualification,) if passed else (qualification, failed):
        grant(
            tx,
            worker=worker,
            qualification=name,
            value=int(passed),
            cause="onboarding",
            run=run,
            requesters=requesters,
        )


def reset_onboarding(
    tx: Transaction,
    *,
    worker: int,
    qualification: str,
    requesters: Sequence[int] | None = None,
) -> bool:
    """Forget that a worker has passed or failed an onboarding, so that their next visit begins it
    anew; say whether there was anything to forget.
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
    """Return the accounts that a worker's provider knows: each has a list of its own there."""
    query = (
        Requester.select(Requester.id)
        .join(Worker, on=(Worker.provider_type == Requester.provider_type))
        .where(Worker.id == worker)
        .order_by(Requester.id)
    )
    return [int(row.id) for row in tx.rows(query)]


def telling_key(requester: int, worker: int, qualification: int, change: str) -> str:
    """Return the key under which a platform is told of a grant.

    :param change: tells it from other changes of the same grant: when, and to what.
    """
    return f"qualify-{requester}-{worker}-{qualification}-{change}"


def _store(tx: Transaction, worker: int, qualification: int, value: int) -> None:
    query = GrantedQualification.insert(
        worker=worker, qualification=qualification, value=value, granted_at=tx.now
    ).on_conflict(
        conflict_target=[GrantedQualification.worker, GrantedQualification.qualification],
        update={GrantedQualification.value: value, GrantedQualification.granted_at: tx.now},
    )
    tx.execute(query)


def _tell(
    tx: Transaction,
    worker: int,
    qualification: int,
    change: str,
    requesters: Sequence[int] | None,
) -> None:
    """Write down that platforms must hear of a change."""
    for requester in requesters_of(tx, worker) if requesters is None else requesters:
        enqueue(
            tx,
            kind=OutboxKind.QUALIFY,
            key=telling_key(requester, worker, qualification, change),
            payload={"worker": worker, "qualification": qualification},
            requester=requester,
        )
