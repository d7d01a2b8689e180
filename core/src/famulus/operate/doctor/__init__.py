"""Finding differences between a platform and the database, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterator

from famulus.engine.platform.sync_requests import is_sync_requested
from famulus.engine.runs import RunRecord, find_run, read_run
from famulus.model.database import Database
from famulus.model.states import LIVE_RUNS
from famulus.model.tables import TaskRunTable
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.operate.doctor.delivery_differences import (
    accepted_payments,
    of_accounts,
    of_deliveries,
    of_payments,
)
from famulus.operate.doctor.difference import Difference
from famulus.operate.doctor.file_permissions import of_files, shared_files
from famulus.operate.doctor.name_differences import of_names
from famulus.operate.doctor.platform_differences import of_platform
from famulus.operate.doctor.self_approvals import later_self_approvals, of_self_approval
from famulus.operate.doctor.work_differences import of_reviews, of_visits, of_work
from famulus.plugins import Plugins


def read_differences(
    database: Database, plugins: Plugins, run: int | None = None
) -> list[Difference]:
    """Return differences in one run, or in all runs and the requesters' accounts; change nothing.

    Providers are asked for differences that only they can see; if ``run`` is given, about all of
    its visits.

    :raises famulus.NotFoundError: when there is no such run.
    """
    numbers = _run_numbers(database) if run is None else [find_run(database, run).id]
    found: list[Difference] = []
    for number in numbers:
        with database.read() as tx:
            record = read_run(tx, number)
            found += [*_of_run(tx, record), *of_self_approval(tx, record, plugins)]
        found += of_platform(database, plugins, number, is_thorough=run is not None)
    if run is None:
        found += read_account_differences(database)
    if run is None and database.exists:
        with database.read() as tx:
            found += of_names(tx)
    if run is None:
        found += of_files(database.location)
    return found


def read_account_differences(database: Database) -> list[Difference]:
    """Find qualifications and blocks that the requesters' platforms have not accepted."""
    if not database.exists:
        return []
    with database.read() as tx:
        return [*of_accounts(tx)]


def read_remarks(database: Database, plugins: Plugins, run: int | None = None) -> list[str]:
    """Return remarks that may interest the requester but are no differences. Change nothing.

    :raises famulus.NotFoundError: when there is no such run.
    """
    numbers = _run_numbers(database) if run is None else [find_run(database, run).id]
    remarks: list[str] = []
    for number in numbers:
        with database.read() as tx:
            record = read_run(tx, number)
            remarks += later_self_approvals(tx, record, plugins)
            remarks += accepted_payments(tx, record)
    shared = shared_files(database.location) if run is None else None
    return [*remarks, shared] if shared else remarks


def _run_numbers(database: Database) -> list[int]:
    if not database.exists:
        return []
    query = TaskRunTable.select(TaskRunTable.id).order_by(TaskRunTable.id)
    with database.read() as tx:
        return [row.id for row in tx.rows(query)]


def _of_run(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    yield from _operator(tx, run)
    yield from of_deliveries(tx, run)
    yield from of_payments(tx, run)
    yield from of_visits(tx, run)
    yield from of_work(tx, run, is_operated=lease.is_operated(tx, run))
    yield from of_reviews(tx, run)


def _operator(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    if run.status in LIVE_RUNS and not lease.is_operated(tx, run):
        yield Difference(
            run=run.id,
            what=f"the run is {run.status}, and no process operates it",
            command=("resume", run.id),
        )
    elif is_sync_requested(tx, run.id) and not lease.is_operated(tx, run):
        yield Difference(
            run=run.id,
            what="its platform has announced changes that are not read yet",
            command=("sync", run.id),
        )
