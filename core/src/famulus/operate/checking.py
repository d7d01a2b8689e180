"""Everything that is wrong with a plan, before anything exists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from attrs import frozen

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.context import Context
from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider
from famulus.errors import FamulusError, Problem, UsageError
from famulus.model.database import Database
from famulus.model.money import to_minor
from famulus.model.tables import Qualification, Requester, Task
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins
from famulus.work.eligibility import Comparator, requirement, requirement_problems

#: Conditions that nobody meets while the qualification does not exist: surely a slip of the pen.
_NEEDS_EXISTING = frozenset(Comparator) - {
    Comparator.NOT_EXIST, Comparator.NOT_EQUAL, Comparator.NOT_IN_LIST,
}


@frozen(kw_only=True)
class Stored:
    """What the database holds that a plan has to fit."""

    blueprint_type: str | None
    requesters: frozenset[str]
    qualifications: frozenset[str]


def plan_problems(
    plan: Plan, plugins: Plugins, database: Database, sound: frozenset[str]
) -> list[Problem]:
    """Ask the plugins and the database what is wrong with a plan. Nothing is written.

    :param sound: the sections of the plan that are as the user meant them; plugins of others
        have nothing to look at yet.
    """
    context = Context(database=database, clock=database.clock, shared_state=plan.shared_state)
    problems: list[Problem] = []
    finders: Sequence[tuple[str, Callable[[str], type[Any]]]] = (
        ("blueprint", plugins.blueprint),
        ("architect", plugins.architect),
        ("provider", plugins.provider),
    )
    for role, find in finders:
        if role in sound:
            chosen = getattr(plan, role)
            plugin = find(chosen.type)(chosen.args, context)
            problems += _asked(role, chosen.type, partial(plugin.problems, plan))
            if isinstance(plugin, Blueprint):
                problems += _lane_problems(plan, plugin, problems)
    provider = plugins.provider(plan.provider.type)
    problems += _address_problems(plan, provider)
    problems += _reward_problems(plan, provider)
    unsound = requirement_problems(plan.shared_state.qualifications)
    known: Stored | None = None
    if database.exists:
        with database.read() as tx:
            known = _read_stored(tx, plan)
    problems += _task_problems(plan, known)
    problems += _requester_problems(plan, provider, known)
    return problems + (unsound or _qualification_problems(plan, known))


def _asked(role: str, type_name: str, ask: Callable[[], list[Problem]]) -> list[Problem]:
    try:
        return list(ask())
    except UsageError as error:
        return list(error.problems)
    except FamulusError:
        raise
    except Exception as error:  # noqa: BLE001 - a plugin's bug is a problem of this plan alone
        message = f"the {role} {type_name!r} failed while checking: {type(error).__name__}: {error}"
        return [Problem(message)]


def _lane_problems(
    plan: Plan, blueprint: Blueprint, found: Sequence[Problem]
) -> list[Problem]:
    """Check what a blueprint itself may have forgotten to."""
    key, units = "blueprint.units_per_assignment", blueprint.units_per_assignment
    if units >= 1 or any(problem.key == key for problem in found):
        return []
    return [plan.problem(key, f"{units} is less than 1")]


def _address_problems(plan: Plan, provider: type[Provider]) -> list[Problem]:
    public = getattr(plan.architect.args, "public_url", None) or ""
    if not provider.capabilities.needs_https or public.startswith("https://"):
        return []
    message = (
        f"{plan.provider.type} only shows pages served over HTTPS; "
        "set architect.public_url to the https address that leads here"
    )
    return [plan.problem("architect.public_url", message)]


def _reward_problems(plan: Plan, provider: type[Provider]) -> list[Problem]:
    try:
        to_minor(plan.task.task_reward or Decimal(0), provider.currency)
    except UsageError as error:
        return [plan.problem("task.task_reward", each.message) for each in error.problems]
    return []


def _task_problems(plan: Plan, known: Stored | None) -> list[Problem]:
    if known is None or known.blueprint_type in (None, plan.blueprint.type):
        return []
    message = (
        f"the task {plan.task_name!r} was run with the blueprint {known.blueprint_type!r}; "
        "its runs share limits and review, so give this one another name"
    )
    return [plan.problem("task.task_name", message)]


def _requester_problems(
    plan: Plan, provider: type[Provider], known: Stored | None
) -> list[Problem]:
    if provider.default_requester is not None:
        return []
    registered = known.requesters if known else frozenset()
    name = getattr(plan.provider.args, "requester_name", None)
    key = "provider.requester_name"
    if name is not None and name not in registered:
        message = f"there is no requester {name!r} of {plan.provider.type}; register it first"
        return [plan.problem(key, message)]
    if name is None and len(registered) != 1:
        names = ", ".join(sorted(registered)) or "none is registered"
        return [plan.problem(key, f"say which requester of {plan.provider.type} pays: {names}")]
    return []


def _qualification_problems(plan: Plan, known: Stored | None) -> list[Problem]:
    """Find conditions on a qualification that is not there: an allow list lets nobody in then."""
    there = known.qualifications if known else frozenset()
    asked = [requirement(entry) for entry in plan.shared_state.qualifications]
    return [
        Problem(
            f"there is no qualification {each.name!r}, so {each.comparator} lets nobody in",
            key="qualifications",
        )
        for each in asked
        if each.comparator in _NEEDS_EXISTING and each.name not in there
    ]


def _read_stored(tx: Transaction, plan: Plan) -> Stored:
    task = tx.row(Task.select(Task.blueprint_type).where(Task.name == plan.task_name))
    requesters = tx.rows(
        Requester.select(Requester.name).where(Requester.provider_type == plan.provider.type)
    )
    qualifications = tx.rows(Qualification.select(Qualification.name))
    return Stored(
        blueprint_type=task.blueprint_type if task else None,
        requesters=frozenset(row.name for row in requesters),
        qualifications=frozenset(row.name for row in qualifications),
    )
