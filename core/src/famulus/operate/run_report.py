"""The facts about a run that ``famulus status`` shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache

from attrs import frozen

from famulus.data.payments import PaymentTotal, run_totals
from famulus.data.wage import Wage, read_wage
from famulus.engine.answers import count_unanswered
from famulus.engine.places.offered_places import count_places
from famulus.engine.platform.run_views import run_view
from famulus.engine.platform.stored_parts import stored_parts
from famulus.engine.run_activity import count_unreported, last_submission
from famulus.engine.runs import RunRecord, count_replacements, operator_of, read_run, reading_run
from famulus.errors import reason
from famulus.model.database import Database
from famulus.model.states import ENDED_RUNS, LIVE_RUNS
from famulus.operate.progress import Progress, read_progress
from famulus.operate.self_approval import SelfApproval, read_self_approval
from famulus.plugins import Plugins, discover_types


@frozen(kw_only=True)
class RunReport:
    """A run, its progress, and its operator; ``operated_by`` is None if it has no operator."""

    record: RunRecord
    progress: Progress
    operated_by: str | None
    last_submission: datetime | None
    payments: Sequence[PaymentTotal]
    wage: Wage
    #: places that are open on the platform or were taken, since they were closed last
    places: int
    #: visits whose submission the platform has not reported
    unreported: int
    #: units that are offered, or were done, instead of rejected ones
    replacements: int
    #: submissions without any answer
    unanswered: int
    #: submissions that the platform approves by itself; None if they wait for a verdict
    self_approval: SelfApproval | None
    #: the addresses for workers, as far as the provider knows them
    entrances: Sequence[str]
    #: why the entrances cannot be shown; "" when they can
    entrances_problem: str
    #: how workers come in, where the addresses alone do not say it
    invitation: str
    #: what the provider says of its platform
    remarks: Sequence[str]
    database: str


def is_served(database: Database, run: int) -> bool:
    """Return whether a run is going on, operated by some process.

    :raises famulus.NotFoundError: when there is none of that number.
    """
    with reading_run(database, run) as tx:
        record = read_run(tx, run)
        return record.status in LIVE_RUNS and operator_of(tx, record) is not None


def read_report(database: Database, run: int, *, plugins: Plugins | None = None) -> RunReport:
    """Return the report of a run.

    :param plugins: plugins to use in place of the installed ones.
    :raises famulus.NotFoundError: when there is none of that number.
    """
    with reading_run(database, run) as tx:
        record = read_run(tx, run)
        find_plugins = cache(lambda: _plugins_of(record) if plugins is None else plugins)
        operated_by = operator_of(tx, record)
        newest = last_submission(tx, run)
        payments, wage = run_totals(tx, run), read_wage(tx, record)
        places, unreported = count_places(tx, run), count_unreported(tx, run)
        replacements, unanswered = count_replacements(tx, run), count_unanswered(tx, run)
        self_approval = read_self_approval(tx, record, find_plugins)
    entrances, invitation, remarks, problem = _ask_provider(database, record, find_plugins)
    return RunReport(
        record=record,
        progress=read_progress(database, run),
        operated_by=operated_by,
        last_submission=newest.submitted_at if newest else None,
        payments=payments,
        wage=wage,
        places=places,
        unreported=unreported,
        replacements=replacements,
        unanswered=unanswered,
        self_approval=self_approval,
        entrances=entrances,
        entrances_problem=problem,
        invitation=invitation,
        remarks=remarks,
        database=database.location.shown,
    )


def _plugins_of(record: RunRecord) -> Plugins:
    return discover_types(
        [
            ("blueprint", record.blueprint_type),
            ("architect", record.architect_type),
            ("provider", record.provider_type),
        ]
    )


def _ask_provider(
    database: Database, record: RunRecord, find_plugins: Callable[[], Plugins]
) -> tuple[Sequence[str], str, Sequence[str], str]:
    """Return workers' addresses, how they come in, remarks, and why any of these is unknown.

    A run that has ended has no addresses.
    """
    is_over = record.status in ENDED_RUNS
    try:
        parts = stored_parts(database, find_plugins(), record)
        provider, run = parts.provider, run_view(database, record, parts.plan, parts.blueprint)
        remarks = [*provider.remarks(run)]
        if is_over:
            return (), "", remarks, ""
        return provider.entrances(run), provider.invitation(run), remarks, ""
    except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; the rest is still shown
        why = f"{record.provider_type} cannot be asked now: {reason(error)}"
        return (), "", (), "" if is_over else f"not known, because {why}"
