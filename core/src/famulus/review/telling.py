"""Telling platforms and listeners what a review has changed."""

from __future__ import annotations

from collections.abc import Iterable

from famulus.data.up_for_review import Scope
from famulus.engine.events import tell_listeners_of_ended_run
from famulus.engine.platform.outbox import Telling
from famulus.engine.platform.telling import tell_run
from famulus.errors import FamulusError
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import Outbox, TaskRun, literal
from famulus.plugins import Plugins


def tell(database: Database, plugins: Plugins, runs: Iterable[int], *, after: int) -> list[str]:
    """Tell listeners of runs that are over, and platforms, what is due; return what went wrong.
    What could not be told is told by the operator, or by the next review.

    :param after: a number of :func:`newest_telling`: of what was to be told before, nothing is
        said.
    """
    problems = []
    for run in sorted(runs):
        try:
            tell_listeners_of_ended_run(database, plugins, run)
            tell_run(database, plugins, run)
        except FamulusError as error:
            problems.append(f"run {run}: {error}")
        else:
            problems += _failures(database, run, after)
    return problems


def newest_telling(database: Database) -> int:
    """Return the number of what was written down last to be told."""
    with database.read() as tx:
        row = tx.row(Outbox.select(Outbox.id).order_by(Outbox.id.desc()).limit(1))
    return row.id if row else 0


def runs_to_tell(database: Database, scope: Scope) -> set[int]:
    """Return the runs with something that is still to be told: about them, or about the account
    that pays for them, which one run of each account is enough for.
    """
    with database.read() as tx:
        pending = tx.rows(
            Outbox.select(Outbox.run.alias("run"), Outbox.requester.alias("requester"))
            .where(Outbox.status == literal(OutboxStatus.PENDING))
            .distinct()
        )
        mine = tx.rows(
            TaskRun.select(TaskRun.id, TaskRun.requester.alias("requester"))
            .where(TaskRun.id << list(scope.runs))
            .order_by(TaskRun.id)
        )
    runs = {row.run for row in pending}
    accounts = {row.requester for row in pending if row.run is None}
    newest = {row.requester: row.id for row in mine if row.requester in accounts}
    return {row.id for row in mine if row.id in runs} | set(newest.values())


def _failures(database: Database, run: int, after: int) -> list[str]:
    # Tidying up may have to wait for somebody who is still at work on the platform, and is tried
    # again without anybody's doing.
    waits = (Outbox.kind == Telling.DISPOSE.value) & (
        Outbox.status == literal(OutboxStatus.PENDING)
    )
    query = (
        Outbox.select(Outbox.error)
        .where(Outbox.id > after, Outbox.run == run, Outbox.error != "", ~waits)
        .order_by(Outbox.id)
    )
    with database.read() as tx:
        errors = [row.error for row in tx.rows(query)]
    more = f" (and {len(errors) - 1:,} more)" if len(errors) > 1 else ""
    hint = f"`famulus payments --run {run}` shows what is open"
    return [f"run {run}: {errors[0]}{more}; {hint}"] if errors else []
