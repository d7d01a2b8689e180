"""Launching a run: its rows, its first data, and the undoing of a launch that fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from attrs import frozen

from famulus.contracts.context import RequesterView
from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider
from famulus.engine.ledger.charges import Quotes, unit_price
from famulus.engine.qualifications.grants import make_qualification
from famulus.engine.qualifications.rules import qualification_names
from famulus.engine.requesters import choose_requester, chosen_name, read_requesters
from famulus.engine.runs import RunRecord, find_run, lock_run
from famulus.engine.status import NewEvent, change_run, record
from famulus.errors import FamulusError, UsageError, as_plugin_error
from famulus.model.database import Database
from famulus.model.money import to_minor
from famulus.model.states import LoadingStatus, RunStatus
from famulus.model.tables import RequesterTable, TaskRunTable, TaskTable
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.operate.ending import end_stop
from famulus.operate.lease import Holder
from famulus.operate.managed_run import ManagedRun
from famulus.operate.resuming import refuse_ended
from famulus.plan import RunParts, stored_plan

_log = logging.getLogger(__name__)

#: Bytes of uploaded files that a run keeps unless its task sets another limit.
_MOST_UPLOADED = 10_000_000_000


@frozen(kw_only=True)
class Launched:
    """A run that is being served.

    ``entrances`` are addresses at which people enter; ``invitation`` says how they come in if the
    addresses alone do not say it.
    """

    run_id: int
    task_name: str
    url: str
    entrances: Sequence[str]
    invitation: str = ""


def create_run(parts: RunParts, quotes: Quotes, holder: Holder) -> RunRecord:
    """Write a new run, with its task, its requester and the qualifications it names.

    The operator ``holder`` has its lease from the start.

    :param quotes: the costs that the provider has quoted for the plan so far.
    """
    # Plugins are asked before the transaction, their properties too.
    with as_plugin_error(f"the blueprint {parts.blueprint.type!r} failed to describe the run"):
        names = qualification_names(parts.plan, parts.blueprint)
        lanes = parts.blueprint.units_per_assignment
    columns = {**_planned_columns(parts, quotes), "units_per_assignment": lanes}

    def insert(tx: Transaction) -> int:
        for name in names:
            make_qualification(tx, name)
        return _insert_run(tx, parts, columns, holder)

    return find_run(parts.database, parts.database.write(insert))


def load_first(managed: ManagedRun) -> None:
    """Load the first batch of a run's data.

    :raises famulus.UsageError: when there is no row.
    """
    loader = managed.loader
    try:
        loader.load_batch()
    except FamulusError:
        raise
    except (Exception, SystemExit) as error:
        if not loader.rows:
            raise UsageError(
                f"the data failed before the first row: {type(error).__name__}: {error}"
            ) from error
        raise
    if not loader.rows:
        raise UsageError("the data have no rows; add one for each assignment")


def open_run(tx: Transaction, run: int) -> None:
    """Open a run that has just been launched, unless it was stopped in the meantime.

    :raises famulus.ConflictError: when it was finished in the meantime.
    """
    refuse_ended(lock_run(tx, run))
    tx.execute(TaskRunTable.update(opened_at=tx.now).where(TaskRunTable.id == run))
    change_run(tx, run=run, old=RunStatus.LAUNCHING, new=RunStatus.RUNNING, cause="launch")


def fail_launch(
    database: Database,
    run: int,
    managed: ManagedRun | None,
    holder: Holder,
    error: BaseException,
) -> None:
    """Mark a launch as failed and end what it has started; never raises.

    A run that was opened or stopped in the meantime is stopped; a run that was finished or taken
    over is left as it is.
    """
    reason = str(error) or type(error).__name__

    def mark(tx: Transaction) -> None:
        stored = lock_run(tx, run)
        if not lease.is_ours(stored, holder):
            return
        if stored.status is RunStatus.LAUNCHING:
            query = TaskRunTable.update(failure=reason, ended_at=tx.now)
            tx.execute(query.where(TaskRunTable.id == run))
            change_run(tx, run=run, old=stored.status, new=RunStatus.FAILED, cause="launch")
        else:
            end_stop(tx, run, "launch failed")

    def release() -> None:
        database.write(lambda tx: lease.release(tx, run, holder))

    steps: list[Callable[[], None]] = [
        lambda: database.write(mark),
        release if managed is None else managed.shut_down,
    ]
    for step in steps:
        try:
            step()
        except (Exception, SystemExit):  # noqa: BLE001 - the launch's own error is the one to raise
            _log.exception("run %d: the failed launch could not be cleaned up", run)


def _planned_columns(parts: RunParts, quotes: Quotes) -> dict[str, Any]:
    """Return the columns of a run that follow from its plan and its plugins."""
    plan, provider = parts.plan, parts.provider_class
    task, price = plan.task, unit_price(parts, quotes)
    return {
        "blueprint_type": plan.blueprint.type,
        "architect_type": plan.architect.type,
        "provider_type": plan.provider.type,
        "sandbox": provider.capabilities.sandbox,
        "paid_outside": not provider.capabilities.pays,
        "plan": stored_plan(plan),
        "reward": price.reward,
        "currency": price.currency,
        "max_spend": to_minor(task.max_spend, price.currency),
        "unit_cost": price.cost,
        "assignment_duration_in_seconds": task.assignment_duration_in_seconds,
        "submission_timeout": task.submission_timeout,
        "no_submission_patience": task.no_submission_patience,
        "allowed_concurrent": _allowed_concurrent(task.allowed_concurrent, provider),
        "maximum_units_per_worker": task.maximum_units_per_worker,
        "max_num_concurrent_units": task.max_num_concurrent_units,
        "max_upload_bytes": _size(task.max_upload_bytes),
    }


def _insert_run(
    tx: Transaction, parts: RunParts, columns: Mapping[str, Any], holder: Holder
) -> int:
    """Insert the row of a run; return its number."""
    plan = parts.plan
    run = tx.insert(
        TaskRunTable,
        task=_make_task(tx, plan),
        requester=_make_requester(tx, plan, parts.provider_class).id,
        status=RunStatus.LAUNCHING,
        created_at=tx.now,
        closes_at=tx.now + timedelta(seconds=plan.task.task_lifetime_in_seconds),
        loading=LoadingStatus.LOADING,
        lease_holder=holder.name,
        lease_process=holder.process,
        lease_until=tx.now + timedelta(seconds=lease.LEASE_SECONDS),
        **columns,
    )
    record(
        tx,
        NewEvent(
            run=run,
            subject="run",
            subject_id=run,
            old=None,
            new=RunStatus.LAUNCHING.value,
            cause="launch",
        ),
    )
    return run


def _size(asked: int | None) -> int:
    return _MOST_UPLOADED if asked is None else asked


def _allowed_concurrent(asked: int | None, provider: type[Provider]) -> int:
    """Return how many units one worker may have at a time.

    If the platform sells places, these limit the number, and 0 means no further limit. On other
    platforms the default is 1, since a worker can come again and again by one link.
    """
    if asked is not None:
        return asked
    return 0 if provider.capabilities.sells_places else 1


def _make_task(tx: Transaction, plan: Plan) -> int:
    """Return the number of a plan's task, which is created unless its name exists."""
    tx.execute(
        TaskTable.insert(
            name=plan.task_name, blueprint_type=plan.blueprint.type, created_at=tx.now
        ).on_conflict_ignore()
    )
    row = tx.row(TaskTable.select(TaskTable.id).where(TaskTable.name == plan.task_name))
    assert row is not None
    return int(row.id)


def _make_requester(tx: Transaction, plan: Plan, provider: type[Provider]) -> RequesterView:
    """Return the requester of a plan, created if the provider allows that.

    :raises famulus.UsageError: when no requester can pay.
    """
    chosen = choose_requester(plan, provider, read_requesters(tx))
    if chosen is not None:
        return chosen
    name = str(chosen_name(plan, provider))
    number = tx.insert(
        RequesterTable, provider_type=plan.provider.type, name=name, created_at=tx.now
    )
    return RequesterView(id=number, name=name, provider_type=plan.provider.type)
