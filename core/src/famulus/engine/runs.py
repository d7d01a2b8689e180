"""Runs: read as records, locked, counted."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from types import MappingProxyType
from typing import Any

import peewee
from attrs import frozen

from famulus import process
from famulus.contracts.context import RequesterView
from famulus.errors import NotFoundError
from famulus.model.database import Database
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import (
    AgentStatus,
    LoadingStatus,
    RunStatus,
    UnitStatus,
)
from famulus.model.tables import (
    IS_ENDED_UNIT,
    IS_OPEN_AGENT,
    AgentTable,
    RequesterTable,
    TaskRunTable,
    TaskTable,
    UnitTable,
    literal,
)
from famulus.model.transaction import Row, Transaction


@frozen(kw_only=True)
class RunRecord:
    """A snapshot of a run.

    ``plan`` is what was launched, without secrets; ``handle`` is only for the run's architect.
    """

    id: int
    task_id: int
    task_name: str
    requester_id: int
    requester_name: str
    requester_settings: Mapping[str, Any]
    status: RunStatus
    blueprint_type: str
    architect_type: str
    provider_type: str
    sandbox: bool
    plan: Mapping[str, Any]
    url: str
    handle: Any
    created_at: datetime
    opened_at: datetime | None
    served_since: datetime | None
    closes_at: datetime
    ended_at: datetime | None
    failure: str
    reward: int
    currency: str
    units_per_assignment: int
    assignment_duration_in_seconds: int
    submission_timeout: int
    no_submission_patience: int
    allowed_concurrent: int
    maximum_units_per_worker: int
    max_num_concurrent_units: int
    max_spend: int
    #: whether its provider does not pay, so that the requester owes rewards and bonuses
    paid_outside: bool
    #: whether it is stopping, and to be finished once no worker is at work
    is_finishing: bool
    max_upload_bytes: int
    loading: LoadingStatus
    loading_error: str
    rows_loaded: int
    source_hash: str
    lease_holder: str
    lease_process: str
    lease_until: datetime | None
    instance: str
    #: visits open on the platform for which the server of the finished run stays
    awaited_visits: int
    #: until when it stays for them at most; None if it does not
    awaited_until: datetime | None


_COLUMNS = {
    name: getattr(TaskRunTable, name)
    for name in RunRecord.__annotations__
    if name not in {"task_id", "task_name", "requester_id", "requester_name", "requester_settings"}
}


def select_runs() -> Any:
    """Return the query whose rows :func:`run_record` converts."""
    return (
        TaskRunTable.select(
            *_COLUMNS.values(),
            TaskRunTable.task.alias("task_id"),
            TaskTable.name.alias("task_name"),
            TaskRunTable.requester.alias("requester_id"),
            RequesterTable.name.alias("requester_name"),
            RequesterTable.settings.alias("requester_settings"),
        )
        .join(TaskTable, on=(TaskRunTable.task == TaskTable.id))
        .switch(TaskRunTable)
        .join(RequesterTable, on=(TaskRunTable.requester == RequesterTable.id))
    )


_RUN = Statement(select_runs().where(TaskRunTable.id == Param("run")))
_LOCK = Statement(
    lambda kind: for_update(
        TaskRunTable.select(TaskRunTable.id).where(TaskRunTable.id == Param("run")), kind
    )
)
_AT_WORK = Statement(
    AgentTable.select(
        peewee.fn.COUNT(AgentTable.id).alias("n"), peewee.fn.MAX(AgentTable.deadline).alias("until")
    ).where(AgentTable.run == Param("run"), IS_OPEN_AGENT)
)
#: The attempts at the units that are assigned: one at each.
_HAS_UNIT = AgentTable.status == literal(AgentStatus.IN_TASK)
_ASSIGNED = Statement(
    AgentTable.select(peewee.fn.COUNT(AgentTable.id)).where(
        AgentTable.run == Param("run"), _HAS_UNIT
    )
)
_ANY_UNIT = MappingProxyType(
    {
        UnitStatus.ASSIGNED: Statement(
            AgentTable.select(peewee.SQL("1"))
            .where(AgentTable.run == Param("run"), _HAS_UNIT)
            .limit(1)
        ),
        **{
            status: Statement(
                UnitTable.select(peewee.SQL("1"))
                .where(UnitTable.run == Param("run"), UnitTable.status == literal(status))
                .limit(1)
            )
            for status in (UnitStatus.CREATED, UnitStatus.LAUNCHED)
        },
    }
)
_COUNT = peewee.SQL("COUNT(*)").alias("n")


def run_record(row: Row) -> RunRecord:
    """Make a record from a row of :func:`select_runs`."""
    return RunRecord(**vars(row))


def requester_of(record: RunRecord) -> RequesterView:
    """Return the account that pays for a run."""
    return RequesterView(
        id=record.requester_id,
        name=record.requester_name,
        provider_type=record.provider_type,
        settings=record.requester_settings,
    )


def operator_of(tx: Transaction, record: RunRecord) -> str | None:
    """Return, for messages, the process that may be operating a run; None if there is none.

    There is none once the run's lease has expired, or its holder has certainly ended.

    :param record: the run, read in this transaction: its lease is renewed every few seconds.
    """
    if record.lease_until is None or record.lease_until < tx.now:
        return None
    is_dead = process.is_dead(record.lease_process)
    return None if is_dead else process.describe(record.lease_process)


def read_run(tx: Transaction, run: int) -> RunRecord:
    """Return a run.

    :raises famulus.NotFoundError: when there is none of that number.
    """
    row = tx.row_of(_RUN, run=TaskRunTable.id.adapt(run))
    if row is None:
        raise NotFoundError(f"there is no run {run}; `famulus runs` lists them")
    return run_record(row)


def lock_run(tx: Transaction, run: int) -> RunRecord:
    """Lock a run until the commit and return it. Raises like :func:`read_run`."""
    tx.run(_LOCK, run=TaskRunTable.id.adapt(run))
    return read_run(tx, run)


def reading_run(database: Database, run: int) -> AbstractContextManager[Transaction]:
    """Return a transaction that reads a run and what belongs to it.

    :raises famulus.NotFoundError: when the database does not exist yet: reading would create it.
    """
    if not database.exists:
        raise NotFoundError(
            f"there is no run {run}: the database {database.location.shown} does not exist yet"
        )
    return database.read()


def find_run(database: Database, run: int) -> RunRecord:
    """Return a run of a database; raises like :func:`read_run`."""
    with reading_run(database, run) as tx:
        return read_run(tx, run)


def unit_counts(tx: Transaction, run: int) -> Mapping[UnitStatus, int]:
    """Return how many units have each status; a status without units is left out."""
    return _count_units(tx, UnitTable.run == run, AgentTable.run == run).get(run, {})


def unit_counts_of_all(tx: Transaction) -> Mapping[int, Mapping[UnitStatus, int]]:
    """Return :func:`unit_counts` of each run that has units, by its number."""
    return _count_units(tx)


def count_assigned(tx: Transaction, run: int) -> int:
    """Return how many units of a run are assigned."""
    row = tx.one(_ASSIGNED, run=run)
    return 0 if row is None else int(row[0])


def is_any_unit(tx: Transaction, run: int, status: UnitStatus) -> bool:
    """Return whether a run has a unit with ``status``, which is created, launched or assigned."""
    return tx.one(_ANY_UNIT[status], run=run) is not None


def _count_units(tx: Transaction, *which: Any) -> dict[int, dict[UnitStatus, int]]:
    """Count units by status with the partial indexes, each of which covers some of the statuses."""
    found: dict[int, dict[UnitStatus, int]] = {}
    ended = (
        UnitTable.select(UnitTable.run.alias("run"), UnitTable.status, _COUNT)
        .where(IS_ENDED_UNIT, *which[:1])
        .group_by(UnitTable.run, UnitTable.status)
        .order_by(UnitTable.run, UnitTable.status)
    )
    for row in tx.rows(ended):
        found.setdefault(row.run, {})[row.status] = int(row.n)
    for status in (UnitStatus.CREATED, UnitStatus.LAUNCHED):
        query = UnitTable.select(UnitTable.run.alias("run"), _COUNT).group_by(UnitTable.run)
        query = query.where(UnitTable.status == literal(status), *which[:1])
        for row in tx.rows(query.order_by(UnitTable.run)):
            found.setdefault(row.run, {})[status] = int(row.n)
    assigned = AgentTable.select(AgentTable.run.alias("run"), _COUNT).group_by(AgentTable.run)
    for row in tx.rows(assigned.where(_HAS_UNIT, *which[1:]).order_by(AgentTable.run)):
        found.setdefault(row.run, {})[UnitStatus.ASSIGNED] = int(row.n)
    return found


def count_replacements(tx: Transaction, run: int) -> int:
    """Return how many units of a run replace rejected units and have not expired."""
    query = UnitTable.select(peewee.fn.COUNT(UnitTable.id).alias("n")).where(
        UnitTable.run == run,
        UnitTable.replacement > peewee.SQL("0"),
        UnitTable.status != literal(UnitStatus.EXPIRED),
    )
    row = tx.row(query)
    return 0 if row is None else int(row.n)


def agents_at_work(tx: Transaction, run: int) -> tuple[int, datetime | None]:
    """Return how many workers are at work on a run, and the last of their deadlines."""
    row = tx.row_of(_AT_WORK, run=run)
    if row is None or not row.n:
        return 0, None
    return int(row.n), AgentTable.deadline.python_value(row.until)
