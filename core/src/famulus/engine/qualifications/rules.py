"""The qualification rules of a run, and the qualifications of a worker."""

from __future__ import annotations

from attrs import frozen

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import Plan
from famulus.contracts.views import Refusal, RefusalReason
from famulus.model.statements import Param, Statement
from famulus.model.tables import GrantedQualificationTable, QualificationTable
from famulus.model.transaction import Transaction
from famulus.names import stripped
from famulus.options.requirements import (
    Comparator,
    OnboardingRequired,
    QualificationRequirement,
    requirement,
)

_NOT_QUALIFIED = Refusal(reason=RefusalReason.NOT_QUALIFIED)


@frozen(kw_only=True)
class FailedOnboarding(Refusal):
    """The refusal of a worker who failed the onboarding or was screened out, with its own page."""

    reason: RefusalReason = RefusalReason.NOT_QUALIFIED
    is_screened_out: bool = False


_QUALIFICATIONS = Statement(
    GrantedQualificationTable.select(QualificationTable.name, GrantedQualificationTable.value)
    .join(QualificationTable, on=(GrantedQualificationTable.qualification == QualificationTable.id))
    .where(GrantedQualificationTable.worker == Param("worker"))
)


@frozen(kw_only=True)
class Rule:
    """One condition of a run, and how a worker who does not meet it is refused."""

    requirement: QualificationRequirement
    refusal: Refusal = _NOT_QUALIFIED


def run_rules(plan: Plan, blueprint: Blueprint) -> tuple[Rule, ...]:
    """Return the rules of a run for workers of any provider.

    The rules for its block qualification and its onboarding come first, then the configured ones.
    """
    rules = []
    if blueprint.block_qualification:
        block = _absent(blueprint.block_qualification)
        rules.append(Rule(requirement=block, refusal=Refusal(reason=RefusalReason.BLOCKED)))
    onboarding = onboarding_qualification(blueprint)
    if onboarding is not None:
        failed = _absent(OnboardingRequired.get_failed_qual(onboarding))
        rules.append(Rule(requirement=failed, refusal=FailedOnboarding()))
    configured = [*plan.task.qualifications, *map(requirement, plan.shared_state.qualifications)]
    return (*rules, *(Rule(requirement=each) for each in configured))


def qualification_names(plan: Plan, blueprint: Blueprint) -> list[str]:
    """Return the names of the qualifications that a run asks for or grants."""
    asked = (rule.requirement for rule in run_rules(plan, blueprint))
    names = [each.qualification_name for each in asked if each.applies_to(plan.provider.type)]
    return list(dict.fromkeys(filter(None, [_granted_by(blueprint), *names])))


def onboarding_qualification(blueprint: Blueprint) -> str | None:
    """Return the qualification that a run's onboarding grants; None if there is none."""
    return _granted_by(blueprint) if blueprint.has_onboarding else None


def read_qualifications(tx: Transaction, worker: int) -> dict[str, int]:
    """Return the values of a worker's qualifications by name."""
    return {name: value for name, value in tx.all(_QUALIFICATIONS, worker=worker)}  # noqa: C416


def _granted_by(blueprint: Blueprint) -> str | None:
    name = blueprint.onboarding_qualification
    return None if name is None else stripped(name)


def _absent(name: str) -> QualificationRequirement:
    return QualificationRequirement(qualification_name=name, comparator=Comparator.NOT_EXIST)
