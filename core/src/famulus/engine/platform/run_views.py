"""A run as its provider sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import Plan
from famulus.contracts.provider_views import RunView
from famulus.engine.qualifications.rules import run_rules
from famulus.engine.runs import RunRecord, operator_of
from famulus.model.database import Database
from famulus.model.states import OPEN_RUNS


def run_view(database: Database, record: RunRecord, plan: Plan, blueprint: Blueprint) -> RunView:
    """Make a provider's view of a run's record."""
    with database.read() as tx:
        is_operated = operator_of(tx, record) is not None
    return RunView(
        id=record.id,
        key=f"{database.identity}-{record.id}",
        plan=plan,
        url=record.url,
        closes_at=record.closes_at,
        requirements=run_requirements(plan, blueprint),
        is_served=is_operated and record.status in OPEN_RUNS,
    )


def run_requirements(plan: Plan, blueprint: Blueprint) -> tuple[Mapping[str, Any], ...]:
    """Return the requirements of a run that apply to the workers of its provider."""
    asked = (rule.requirement for rule in run_rules(plan, blueprint))
    return tuple(each.as_dict() for each in asked if each.applies_to(plan.provider.type))
