"""The rows of a new run."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from famulus.contracts.context import RequesterView
from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider
from famulus.model.money import to_minor
from famulus.model.states import LoadingStatus, RunStatus
from famulus.model.tables import Requester, Task, TaskRun
from famulus.model.transaction import Transaction
from famulus.operate.lease import LEASE_SECONDS
from famulus.planning import stored_plan
from famulus.work.changes import record
from famulus.work.eligibility import requirement
from famulus.work.submission import make_qualification


def create_run(
    tx: Transaction,
    plan: Plan,
    provider: type[Provider],
    *,
    lanes: int,
    qualifications: list[str],
    holder: str,
) -> int:
    """Write a new run, with its task, its requester and the qualifications it names; return its
    number. The operator ``holder`` has it from the start."""
    for name in [*qualifications, *_named(plan)]:
        make_qualification(tx, name)
    task, requester = plan.task, make_requester(tx, plan, provider)
    run = tx.insert(
        TaskRun,
        task=make_task(tx, plan),
        requester=requester.id,
        status=RunStatus.LAUNCHING,
        blueprint_type=plan.blueprint.type,
        architect_type=plan.architect.type,
        provider_type=plan.provider.type,
        sandbox=provider.capabilities.sandbox,
        plan=stored_plan(plan),
        created_at=tx.now,
        closes_at=tx.now + timedelta(seconds=task.task_lifetime_in_seconds),
        reward=to_minor(task.task_reward or Decimal(0), provider.currency),
        currency=provider.currency,
        units_per_assignment=lanes,
        assignment_duration_in_seconds=task.assignment_duration_in_seconds,
        submission_timeout=task.submission_timeout,
        no_submission_patience=task.no_submission_patience,
        allowed_concurrent=task.allowed_concurrent,
        maximum_units_per_worker=task.maximum_units_per_worker,
        max_num_concurrent_units=task.max_num_concurrent_units,
        loading=LoadingStatus.LOADING,
        lease_holder=holder,
        lease_until=tx.now + timedelta(seconds=LEASE_SECONDS),
    )
    record(
        tx, run=run, subject="run", subject_id=run, old=None, new=RunStatus.LAUNCHING.value,
        cause="launch",
    )
    return run


def make_task(tx: Transaction, plan: Plan) -> int:
    """Return the number of a plan's task, made when there is none of that name."""
    tx.execute(
        Task.insert(
            name=plan.task_name, blueprint_type=plan.blueprint.type, created_at=tx.now
        ).on_conflict_ignore()
    )
    row = tx.row(Task.select(Task.id).where(Task.name == plan.task_name))
    assert row is not None
    return int(row.id)


def make_requester(tx: Transaction, plan: Plan, provider: type[Provider]) -> RequesterView:
    """Return the requester of a plan, made at need where the provider allows that."""
    name = getattr(plan.provider.args, "requester_name", None) or provider.default_requester
    query = Requester.select(Requester.id, Requester.name).where(
        Requester.provider_type == plan.provider.type
    )
    if name is not None:
        query = query.where(Requester.name == name)
    row = tx.row(query)
    if row is None:
        number = tx.insert(
            Requester, provider_type=plan.provider.type, name=name, created_at=tx.now
        )
        return RequesterView(id=number, name=str(name), provider_type=plan.provider.type)
    return RequesterView(id=row.id, name=row.name, provider_type=plan.provider.type)


def _named(plan: Plan) -> list[str]:
    return [requirement(entry).name for entry in plan.shared_state.qualifications]
