"""Opening a gateway, in any process that serves a run."""

from __future__ import annotations

import os

from famulus.contracts.plan import Plan, SharedTaskState
from famulus.engine.gateway import Gateway
from famulus.engine.gateway_parts import gateway_parts
from famulus.engine.pages import TaskInfo, amount_text
from famulus.engine.qualifications.rules import run_rules
from famulus.engine.runs import RunRecord, find_run, requester_of
from famulus.engine.script_callbacks import VARIABLE, RemoteCallbacks
from famulus.model.database import Database
from famulus.model.money import from_minor
from famulus.plan import RunParts, plan_from_stored, stored_callbacks
from famulus.plugins import Plugins, discover


def open_gateway(
    database: Database,
    run: int,
    *,
    plugins: Plugins | None = None,
    shared_state: SharedTaskState | None = None,
) -> Gateway:
    """Open the gateway of a run, in any process that serves it.

    :param shared_state: has the run's callbacks if this process has them; with None, the operator
        that the environment variable ``FAMULUS_CALLBACKS`` names is called.
    :raises famulus.NotFoundError: when there is no such run.
    :raises famulus.UsageError: when the run needs callbacks that cannot be reached from here: a
        default never stands in for a missing check.
    """
    plugins = discover() if plugins is None else plugins
    record = find_run(database, run)
    remote = None
    address = os.environ.get(VARIABLE) if shared_state is None else None
    if address:
        remote = RemoteCallbacks(address)
        state_class = plugins.blueprint(record.blueprint_type).SharedState
        shared_state = remote.state(state_class, stored_callbacks(record.plan))
    plan = plan_from_stored(record.plan, plugins, shared_state, run=f"run {run}")
    parts = RunParts(
        database=database,
        plugins=plugins,
        plan=plan,
        requester=requester_of(record),
        run_id=run,
    )
    rules = run_rules(plan, parts.blueprint)
    requirements = [rule for rule in rules if rule.requirement.applies_to(record.provider_type)]
    gateway = gateway_parts(
        record, parts, requirements=requirements, info=_task_info(plan, record, parts)
    )
    return Gateway(gateway, remote)


def _task_info(plan: Plan, record: RunRecord, parts: RunParts) -> TaskInfo:
    reward = from_minor(record.reward, record.currency)
    # The default name stands for every requester who has not given one.
    named = record.requester_name != parts.provider.default_requester
    return TaskInfo(
        title=plan.task.task_title or plan.task_name,
        description=plan.task.task_description or "",
        reward=amount_text(reward, record.currency) if reward else "",
        requester=record.requester_name if named else "",
        contact=plan.task.contact or "",
        language=plan.task.page_language,
        languages=tuple(parts.blueprint.page_languages),
    )
