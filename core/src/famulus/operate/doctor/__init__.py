"""Finding differences between a platform and the database, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from famulus.contracts.provider import VisitReport, VisitView
from famulus.engine.ledger.rewards import REJECTED_INSTEAD
from famulus.engine.platform.outbox import OutboxKind
from famulus.engine.platform.undelivered import UndeliveredRows
from famulus.engine.platform.visit_views import select_visits, visit_view
from famulus.engine.providers.bound_provider import bind_provider
from famulus.engine.providers.cleanup import read_pending_cleanup
from famulus.engine.runs import RunRecord, find_run, read_run
from famulus.errors import FamulusError
from famulus.model.database import Database
from famulus.model.states import (
    LIVE_RUNS,
    OPEN_AGENTS,
    OPEN_VISITS,
    OutboxStatus,
    PaymentKind,
    PaymentStatus,
    RunStatus,
    VisitStatus,
)
from famulus.model.tables import (
    Agent,
    Outbox,
    Payment,
    Requester,
    TaskRun,
    Visit,
    literals,
)
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.operate.doctor.difference import Difference, named
from famulus.operate.doctor.file_permissions import of_files
from famulus.operate.doctor.name_differences import of_names
from famulus.operate.doctor.work_differences import of_reviews, of_visits, of_work
from famulus.plugins import Plugins

_MOST_ASKED = 500
#: Rows of a run without an operator count as undelivered after this time.
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
    if run is None and database.exists:
        with database.read() as tx:
            found += [*_of_requesters(tx), *of_names(tx)]
    if run is None:
        found += of_files(database.location)
    return found


def _of_run(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    yield from _operator(tx, run)
    yield from _undelivered(tx, run)
    yield from _payments(tx, run)
    yield from of_visits(tx, run)
    yield from of_work(tx, run, is_held=lease.is_held(tx, run))
    yield from of_reviews(tx, run)


def _operator(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    if run.status in LIVE_RUNS and not lease.is_held(tx, run):
        yield Difference(
            run=run.id,
            what=f"the run is {run.status}, and nobody operates it",
            command=("resume", run.id),
        )


def _undelivered(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    """Find outbox rows that are not delivered. Payments have sentences of their own."""
    kinds = [kind for kind in OutboxKind if kind is not OutboxKind.PAY]
    rows = tx.rows(
        Outbox.select(Outbox.kind, Outbox.status, Outbox.error, Outbox.attempts, Outbox.created_at)
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
        refused = [
            row
            for row in mine
            if row.status is OutboxStatus.FAILED and kind is not OutboxKind.DECIDE
        ]
        for is_refused, found in ((False, waiting), (True, refused)):
            if found:
                trouble = UndeliveredRows(
                    kind=kind, is_refused=is_refused, rows=len(found), error=found[-1].error
                )
                yield Difference(run=run.id, what=str(trouble), command=("sync", run.id))
    yield from _refused_verdicts(tx, run)


def _refused_verdicts(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    """Find rejections that the platform has refused; approvals are in the ledger."""
    rows = tx.rows(
        Outbox.select(Outbox.payload, Outbox.error).where(
            Outbox.run == run.id,
            Outbox.status == OutboxStatus.FAILED,
            Outbox.kind == OutboxKind.DECIDE.value,
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
            what=f"the outcome of {_payment(len(unknown))} is unknown: {unknown[-1].error}",
            command=("payments", "settle", "--run", run.id),
        )
    failed = [
        row for row in rows if row.status is PaymentStatus.FAILED and row.error != REJECTED_INSTEAD
    ]
    if failed:
        yield Difference(
            run=run.id,
            what=f"{_payment(len(failed))} failed: {failed[-1].error}",
            command=("payments", "--run", run.id),
        )
    leftover = read_pending_cleanup(tx, run.id)
    if leftover is not None:
        yield Difference(
            run=run.id,
            what=leftover,
            command=("payments", "settle", "--run", run.id) if rows else ("sync", run.id),
        )
    waiting = [
        row
        for row in rows
        if row.status is PaymentStatus.PLANNED and row.kind is not PaymentKind.REWARD
    ]
    if waiting and (any(row.error for row in waiting) or not lease.is_held(tx, run)):
        yield Difference(
            run=run.id,
            what=f"{_payment(len(waiting))} still to be made",
            command=("payments", "settle", "--run", run.id),
        )


def _of_platform(database: Database, plugins: Plugins, run: RunRecord) -> Iterator[Difference]:
    if run.status in (RunStatus.LAUNCHING, RunStatus.FAILED):
        return
    query = (
        select_visits()
        .where(
            Visit.run == run.id,
            Visit.done_at.is_null(False),
            Visit.status << [VisitStatus.ACCEPTED, VisitStatus.SUBMITTED, VisitStatus.UNKNOWN],
        )
        .order_by(Visit.id)
        .limit(_MOST_ASKED)
    )
    with database.read() as tx:
        visits = [visit_view(row) for row in tx.rows(query)]
        at_work = [visit_view(row) for row in tx.rows(_visits_at_work(run.id))]
        is_inviting = run.status is RunStatus.RUNNING and lease.is_held(tx, run)
    try:
        bound = bind_provider(database, plugins, run.id)
        view = bound.run_view()
        places = None if is_inviting else bound.provider.count_open_places(view)
        reports = list(bound.provider.look(view, at_work)) if at_work else []
        sentences = list(bound.provider.differences(view, visits))
    except Exception as error:  # noqa: BLE001 - third-party code; the other runs are looked at
        why = error if isinstance(error, FamulusError) else f"{type(error).__name__}: {error}"
        yield Difference(run=run.id, what=f"its platform cannot be asked: {why}")
        return
    if places:
        yield Difference(run=run.id, what=_open_places(run, places), command=("sync", run.id))
    yield from _of_reports(run, at_work, reports)
    yield from (Difference(run=run.id, what=sentence) for sentence in sentences)


def _visits_at_work(run: int) -> Any:
    at_work = Agent.select(Agent.visit).where(
        Agent.run == run, Agent.status << literals(*OPEN_AGENTS)
    )
    return (
        select_visits()
        .where(Visit.id << at_work, Visit.status << literals(*OPEN_VISITS))
        .order_by(Visit.id)
        .limit(_MOST_ASKED)
    )


def _open_places(run: RunRecord, places: int) -> str:
    number = "1 place" if places == 1 else f"{places} places"
    why = "nobody operates the run" if run.status in LIVE_RUNS else f"the run is {run.status}"
    return f"{number} can still be taken on the platform, and {why}"


def _of_reports(
    run: RunRecord, at_work: Sequence[VisitView], reports: Sequence[VisitReport]
) -> Iterator[Difference]:
    """Find visits that are at work here, and not on the platform."""
    here = {(visit.worker_name, visit.reference) for visit in at_work}
    for status in dict.fromkeys(report.status for report in reports):
        visits = [
            (report.reference, report.worker_name)
            for report in reports
            if report.status is status and (report.worker_name, report.reference) in here
        ]
        if visits and status not in OPEN_VISITS:
            yield Difference(
                run=run.id,
                what=f"at work here, and {status} on the platform: visits {named(visits)}",
                command=("sync", run.id),
            )


def _of_requesters(tx: Transaction) -> Iterator[Difference]:
    rows = tx.rows(
        Outbox.select(Outbox.status, Outbox.error, Requester.name, Requester.provider_type)
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
            what=f"qualifications or blocks could not be sent to {provider} as {name}"
            f"{_times(len(mine))}: {mine[-1].error}",
            command=("sync",),
        )


def _times(number: int) -> str:
    return "" if number == 1 else f" ({number} times)"


def _payment(number: int) -> str:
    return "1 payment" if number == 1 else f"{number} payments"
