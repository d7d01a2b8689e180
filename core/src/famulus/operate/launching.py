"""The rows of a new run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from famulus.contracts.context import RequesterView
from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider
from famulus.engine.platform.requesters import choose_requester, chosen_name, read_requesters
from famulus.engine.qualifications.grants import make_qualification
from famulus.engine.status import NewEvent, record
from famulus.model.money import to_minor, to_minor_up
from famulus.model.states import LoadingStatus, RunStatus
from famulus.model.tables import Requester, Task, TaskRun
from famulus.model.transaction import Transaction
from famulus.operate.lease import LEASE_SECONDS, Holder
from famulus.plan import stored_plan

#: bytes of the files of a run whose task says nothing of them
_MOST_UPLOADED = 10_000_000_000


def create_run(
    tx: Transaction,
    plan: Plan,
    provider: type[Provider],
    *,
    lanes: int,
    fee: Decimal,
    qualifications: Iterable[str],
    holder: Holder,
) -> int:
    """Write a new run, with its task, its requester and the qualifications it names; return its
    number. The operator ``holder`` has it from the start.

    :param fee: the platform's, on top of one unit's reward.
    """
    for name in qualifications:
        make_qualification(tx, name)
    task, requester = plan.task, make_requester(tx, plan, provider)
    reward, currency = task.task_reward or Decimal(0), provider.currency
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
        reward=to_minor(reward, currency),
        currency=currency,
        max_spend=to_minor(task.max_spend, currency),
        unit_cost=to_minor_up(reward + fee, currency),
        units_per_assignment=lanes,
        assignment_duration_in_seconds=task.assignment_duration_in_seconds,
        submission_timeout=task.submission_timeout,
        no_submission_patience=task.no_submission_patience,
        allowed_concurrent=_allowed_concurrent(task.allowed_concurrent, provider),
        maximum_units_per_worker=task.maximum_units_per_worker,
        max_num_concurrent_units=task.max_num_concurrent_units,
        max_upload_bytes=_size(task.max_upload_bytes),
        loading=LoadingStatus.LOADING,
        lease_holder=holder.name,
        lease_process=holder.process,
        lease_until=tx.now + timedelta(seconds=LEASE_SECONDS),
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
    """Return how many units one worker may hold. Where a platform sells places, those limit it;
    elsewhere one link is enough to come again and again.
    """
    if asked is not None:
        return asked
    return 0 if provider.capabilities.sells_places else 1


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
    """Return the requester of a plan, made at need where the provider allows that.

    :raises famulus.UsageError: when nobody can be told to pay.
    """
    chosen = choose_requester(plan, provider, read_requesters(tx))
    if chosen is not None:
        return chosen
    name = str(chosen_name(plan, provider))
    number = tx.insert(Requester, provider_type=plan.provider.type, name=name, created_at=tx.now)
    return RequesterView(id=number, name=name, provider_type=plan.provider.type)
