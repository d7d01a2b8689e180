"""A run as its provider sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import Plan
from famulus.contracts.provider import RunView
from famulus.model.database import Database
from famulus.work.eligibility import Comparator
from famulus.work.runs import RunRecord


def run_view(
    database: Database, record: RunRecord, plan: Plan, blueprint: Blueprint
) -> RunView:
    """Return a run as it is in its record, for the provider's methods."""
    return RunView(
        id=record.id,
        key=f"{database.identity}-{record.id}",
        plan=plan,
        url=record.url,
        closes_at=record.closes_at,
        requirements=run_requirements(plan, blueprint),
    )


def run_requirements(plan: Plan, blueprint: Blueprint) -> tuple[Mapping[str, Any], ...]:
    """Return everything a run asks of its workers' qualifications."""
    asked = list(plan.shared_state.qualifications)
    if blueprint.block_qualification:
        asked.append({
            "qualification_name": blueprint.block_qualification,
            "comparator": Comparator.NOT_EXIST.value,
            "value": None,
        })
    return tuple(asked)
