"""What differs between a platform and here, or waits for somebody, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from famulus.errors import FamulusError
from famulus.model.database import Database
from famulus.model.states import (
    LIVE_RUNS,
    OutboxStatus,
    PaymentKind,
    PaymentStatus,
    RunStatus,
    VisitStatus,
)
from famulus.model.tables import (
    Outbox,
    Payment,
    Requester,
    TaskRun,
    Visit,
)
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.operate.differences import Difference, of_reviews, of_visits
from famulus.operate.doubled_names import of_names
from famulus.operate.exposed_files import of_files
from famulus.plugins import Plugins
from famulus.work.money.paying import select_visits, visit_view
from famulus.work.money.settling import REJECTED_INSTEAD
from famulus.work.platform.disposal import read_leftover
from famulus.work.platform.outbox import Telling
from famulus.work.platform.telling import contact
from famulus.work.platform.troubles import DEEDS
from famulus.work.runs import RunRecord, find_run, read_run

_MOST_ASKED = 500
#: What nobody operates is told by nobody after this time.
_PATIENCE = timedelta(minutes=1)

def read_differences(
    database: Database, plugins: Plugins, run: int | None = None
) -> list[Difference]:
    """Look for differences in one run, or in all and the requesters' accounts. Changes nothing.

    Providers are asked for what only they can see.

    :raises famulus.NotFoundError: when there is no such run.
    """
    if run is not None:
        records = [find_run(database, run)]
    elif database.exists:
        with database.read() as tx:
            numbers = [row.id for row in tx.rows(TaskRun.select(TaskRun.id).order_by(TaskRun.id))]
            records = [read_run(tx, number) for number in numbers]
    else:
        records = []
    found: list[Difference] = []
    for record in records:
        with database.read() as tx:
            found += _of_run(tx, record)
        found += _of_platform(database, plugins, record)
    if run is None and records:
        with database.read() as tx:
            found += [*_of_requesters(tx), *of_names(tx)]
    if run is None:
        found += of_files(database.location)
    return found


def _of_run(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    yield from _operator(tx, run)
    yield from _tellings(tx, run)
    yield from _payments(tx, run)
    yield from of_visits(tx, run)
    yield from of_reviews(tx, run)


def _operator(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    if run.status in LIVE_RUNS and not lease.is_held(tx, run):
        yield Difference(
            run=run.id, what=f"the run is {run.status}, and nobody operates it",
            command=("resume", run.id),
        )


def _tellings(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    """Find what the platform was not told yet. Payments have sentences of their own."""
    kinds = [kind for kind in Telling if kind is not Telling.PAY]
    rows = tx.rows(
        Outbox.select(
            Outbox.kind, Outbox.status, Outbox.error, Outbox.attempts, Outbox.created_at
        )
        .where(
            Outbox.run == run.id,
            Outbox.status != OutboxStatus.DONE,
            Outbox.kind << [kind.value for kind in kinds],
        )
        .order_by(Outbox.id)
    )
    held = lease.is_held(tx, run)
    for kind in kinds:
        mine = [row for row in rows if row.kind == kind]
        waiting = [
            row
            for row in mine
            if row.status is OutboxStatus.PENDING
            and (row.attempts or (not held and row.created_at < tx.now - _PATIENCE))
        ]
        if waiting:
            why = f": {waiting[-1].error}" if waiting[-1].error else ""
            yield Difference(
                run=run.id, what=f"the platform is still to be told: {DEEDS[kind]}"
                f"{_times(len(waiting))}{why}", command=("sync", run.id),
            )
        refused = [row for row in mine if row.status is OutboxStatus.FAILED]
        if refused and kind is not Telling.DECIDE:
            yield Difference(
                run=run.id,
                what=f"the platform has refused {DEEDS[kind]}{_times(len(refused))}: "
                f"{refused[-1].error}",
                command=("sync", run.id),
            )
    yield from _refused_verdicts(tx, run)


def _refused_verdicts(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    """Find rejections that the platform has refused; approvals are in the ledger."""
    rows = tx.rows(
        Outbox.select(Outbox.payload, Outbox.error).where(
            Outbox.run == run.id, Outbox.status == OutboxStatus.FAILED,
            Outbox.kind == Telling.DECIDE.value,
        )
    )
    refused = [row for row in rows if row.payload["verdict"] == "rejected"]
    if refused:
        yield Difference(
            run=run.id,
            what=f"the platform has refused rejections{_times(len(refused))}: {refused[-1].error}",
            command=("sync", run.id),
            advice="what it counts as approved it has paid; the reviews here stay as they are",
        )


def _payments(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    rows = tx.rows(
        Payment.select(Payment.status, Payment.kind, Payment.error)
        .where(Payment.run == run.id, Payment.status != PaymentStatus.CONFIRMED)
        .order_by(Payment.id)
    )
    unknown = [row for row in rows if row.status is PaymentStatus.UNKNOWN]
    if unknown:
        yield Difference(
            run=run.id,
            what=f"nobody knows how {_payment(len(unknown))} ended: {unknown[-1].error}",
            command=("payments", "settle", "--run", run.id),
        )
    failed = [
        row for row in rows if row.status is PaymentStatus.FAILED and row.error != REJECTED_INSTEAD
    ]
    if failed:
        yield Difference(
            run=run.id, what=f"{_payment(len(failed))} failed: {failed[-1].error}",
            command=("payments", "--run", run.id),
        )
    leftover = read_leftover(tx, run.id)
    if leftover is not None:
        yield Difference(
            run=run.id, what=leftover, command=("payments", "settle", "--run", run.id)
            if rows else ("sync", run.id),
        )
    waiting = [
        row
        for row in rows
        if row.status is PaymentStatus.PLANNED and row.kind is not PaymentKind.REWARD
    ]
    if waiting and (any(row.error for row in waiting) or not lease.is_held(tx, run)):
        yield Difference(
            run=run.id, what=f"{_payment(len(waiting))} still to be made",
            command=("payments", "settle", "--run", run.id),
        )


def _of_platform(
    database: Database, plugins: Plugins, run: RunRecord
) -> Iterator[Difference]:
    if run.status in (RunStatus.LAUNCHING, RunStatus.FAILED):
        return
    query = (
        select_visits()
        .where(
            Visit.run == run.id, Visit.done_at.is_null(False),
            Visit.status << [VisitStatus.ACCEPTED, VisitStatus.SUBMITTED, VisitStatus.UNKNOWN],
        )
        .order_by(Visit.id)
        .limit(_MOST_ASKED)
    )
    with database.read() as tx:
        visits = [visit_view(row) for row in tx.rows(query)]
    try:
        reached = contact(database, plugins, run.id)
        sentences = list(reached.provider.differences(reached.run_view(), visits))
    except FamulusError as error:
        yield Difference(run=run.id, what=f"its platform cannot be asked: {error}")
        return
    yield from (Difference(run=run.id, what=sentence) for sentence in sentences)


def _of_requesters(tx: Transaction) -> Iterator[Difference]:
    rows = tx.rows(
        Outbox.select(
            Outbox.status, Outbox.error, Requester.name, Requester.provider_type
        )
        .join(Requester, on=(Outbox.requester == Requester.id))
        .where(
            Outbox.run.is_null(),
            (Outbox.status == OutboxStatus.FAILED)
            | ((Outbox.status == OutboxStatus.PENDING) & (Outbox.attempts > 0)),
        )
    )
    for account in dict.fromkeys((row.provider_type, row.name) for row in rows):
        mine = [row for row in rows if (row.provider_type, row.name) == account]
        provider, name = account
        yield Difference(
            run=None,
            what=f"{provider} was not told of qualifications or blocks as {name}"
            f"{_times(len(mine))}: {mine[-1].error}",
            command=("sync",),
        )


def _times(number: int) -> str:
    return "" if number == 1 else f" ({number} times)"


def _payment(number: int) -> str:
    return "1 payment" if number == 1 else f"{number} payments"
