"""Differences that only the platform knows: open places and the status of visits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import peewee

from famulus.contracts.provider_views import (
    VisitReport,
    VisitView,
)
from famulus.engine.platform.bound_provider import bind_provider
from famulus.engine.runs import RunRecord, read_run
from famulus.engine.visits import select_visits, visit_view
from famulus.errors import reason
from famulus.model.database import Database
from famulus.model.states import (
    LIVE_RUNS,
    OPEN_VISITS,
    RunStatus,
    VisitStatus,
)
from famulus.model.tables import (
    IS_OPEN_AGENT,
    AgentTable,
    VisitTable,
    is_ended_visit,
    literal,
    literals,
)
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.operate.doctor.difference import Difference, named
from famulus.operate.doctor.unknown_payments import of_paid_visits
from famulus.plugins import Plugins

#: Visits of a run that its platform is asked about where all runs are looked at, of those at work
#: and of those done each. Platforms are asked visit by visit, and operators need their rates too.
_MOST_ASKED = 500


def of_platform(
    database: Database, plugins: Plugins, number: int, *, is_thorough: bool
) -> Iterator[Difference]:
    """Ask a run's platform for places that are open, and for visits whose status differs.

    :param is_thorough: whether to ask about all visits, however long it takes.
    """
    most = None if is_thorough else _MOST_ASKED
    with database.read() as tx:
        run = read_run(tx, number)
        if run.status in (RunStatus.LAUNCHING, RunStatus.FAILED):
            return
        visits = _views(tx, _visits_done(run.id).limit(most))
        at_work = _views(tx, _visits_at_work(run.id).limit(most))
        rejected = _views(tx, _visits_rejected(run.id).limit(_MOST_ASKED))
        left = _number(tx, _visits_done(run.id)) - len(visits)
        left += _number(tx, _visits_at_work(run.id)) - len(at_work)
        is_inviting = run.status is RunStatus.RUNNING and lease.is_operated(tx, run)
        # An operator follows the reports on them.
        stored = [] if is_inviting else _views(tx, _visits_unreported(run.id).limit(most))
    try:
        bound = bind_provider(database, plugins, run.id)
        view = bound.run_view()
        places = None if is_inviting else bound.provider.count_open_places(view)
        reports = list(bound.provider.look(view, at_work)) if at_work else []
        paid = [] if is_inviting else list(bound.provider.paid_visits(view))
        # An operator follows what is undone; elsewhere a list of all is one call.
        is_listed = bound.provider.capabilities.replaces_by_itself and not is_inviting
        undone = list(bound.provider.look(view, rejected)) if rejected and is_listed else []
        submitted = list(bound.provider.look(view, stored)) if stored else []
        sentences = list(bound.provider.differences(view, visits))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; the others are looked at
        yield Difference(run=run.id, what=f"its platform cannot be asked: {reason(error)}")
        return
    if places:
        yield Difference(run=run.id, what=_open_places(run, places), command=("sync", run.id))
    yield from _of_reports(run, at_work, reports)
    yield from _of_submitted(
        run, undone, "rejected here, but the rejection was undone on the platform"
    )
    yield from _of_submitted(run, submitted, "submitted on the platform, but not reported here yet")
    asked = {(visit.worker_name, visit.reference) for visit in (*at_work, *visits)}
    with database.read() as tx:
        yield from list(of_paid_visits(tx, run, bound.provider, paid, asked=asked))
    yield from (Difference(run=run.id, what=sentence) for sentence in sentences)
    if left:
        yield Difference(
            run=run.id,
            what=f"its platform was not asked about {left:,} more of its visits",
            command=("doctor", run.id),
        )


def _number(tx: Transaction, visits: Any) -> int:
    return int(tx.rows(visits.select(peewee.fn.COUNT(VisitTable.id).alias("n")).order_by())[0].n)


def _views(tx: Transaction, visits: Any) -> list[VisitView]:
    return [visit_view(row) for row in tx.rows(visits)]


def _visits_done(run: int) -> Any:
    done = VisitTable.select(VisitTable.id).where(
        VisitTable.run == run, VisitTable.done_at.is_null(False)
    )
    unreported = done.where(VisitTable.status == literal(VisitStatus.ACCEPTED))
    reported = done.where(is_ended_visit(VisitStatus.SUBMITTED, VisitStatus.UNKNOWN))
    return select_visits().where(VisitTable.id << (unreported | reported)).order_by(VisitTable.id)


def _visits_unreported(run: int) -> Any:
    return (
        select_visits()
        .where(
            VisitTable.run == run,
            VisitTable.done_at.is_null(False),
            VisitTable.status == literal(VisitStatus.ACCEPTED),
        )
        .order_by(VisitTable.id)
    )


def _visits_at_work(run: int) -> Any:
    at_work = AgentTable.select(AgentTable.visit).where(AgentTable.run == run, IS_OPEN_AGENT)
    return (
        select_visits()
        .where(VisitTable.id << at_work, VisitTable.status << literals(*OPEN_VISITS))
        .order_by(VisitTable.id)
    )


def _visits_rejected(run: int) -> Any:
    return (
        select_visits()
        .where(VisitTable.run == run, VisitTable.status == literal(VisitStatus.REJECTED))
        .order_by(VisitTable.id.desc())
    )


def _open_places(run: RunRecord, places: int) -> str:
    number = "1 place" if places == 1 else f"{places} places"
    why = "no process operates the run" if run.status in LIVE_RUNS else f"the run is {run.status}"
    return f"{number} can still be taken on the platform, and {why}"


def _of_submitted(
    run: RunRecord, reports: Sequence[VisitReport], what: str
) -> Iterator[Difference]:
    """Find visits that await a verdict on the platform, but not in the database."""
    visits = [
        (report.reference, report.worker_name)
        for report in reports
        if report.status is VisitStatus.SUBMITTED
    ]
    if visits:
        yield Difference(
            run=run.id,
            what=f"{what}: visits {named(visits)}",
            command=("sync", run.id),
        )


def _of_reports(
    run: RunRecord, at_work: Sequence[VisitView], reports: Sequence[VisitReport]
) -> Iterator[Difference]:
    """Find visits that are at work in the database, but not on the platform."""
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
