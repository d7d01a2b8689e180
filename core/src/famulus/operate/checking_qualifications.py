"""Checking the conditions on qualifications of a plan, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import peewee

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import SPECIFIC, Plan
from famulus.engine.platform.run_views import run_requirements
from famulus.engine.qualifications.rules import onboarding_qualification
from famulus.errors import Problem, UsageError
from famulus.model.database import Database
from famulus.model.tables import GrantedQualificationTable, QualificationTable
from famulus.options.origins import located
from famulus.options.requirements import (
    Comparator,
    OnboardingRequired,
    QualificationRequirement,
    qualification_name,
    requirement,
    requirement_problems,
)
from famulus.options.suggest import did_you_mean
from famulus.plan import RunParts, check_problems
from famulus.plugins import Plugins

_TASK = "task.qualifications"
_STATE = "shared_state.qualifications"


def qualification_problems(parts: RunParts, sound: frozenset[str]) -> list[Problem]:
    """Return everything that is wrong with a plan's conditions and with the options of its checks.

    :param sound: the sections of the plan that have no problems.
    """
    plan, plugins = parts.plan, parts.plugins
    problems = requirement_problems(plan.shared_state.qualifications, key=_STATE)
    problems += _specific_problems(plan, plugins)
    if "task" in sound:
        problems += check_problems(plan, plugins)
    if problems:
        return problems
    problems += _provider_problems(plan, plugins)
    problems += _missing(plan, parts.database)
    if "blueprint" in sound:
        problems += _name_problems(plan, parts.blueprint) or _too_many(parts)
    return problems


def qualification_warnings(plan: Plan, database: Database) -> list[Problem]:
    """Return a warning for each allow list that is empty so far.

    An empty list admits no worker.
    """
    allowing = _allow_lists(plan)
    granted = _granted(database, [each.qualification_name for _, each in allowing])
    return [
        located(
            f"{key}.qualification_name",
            f"no worker has {each.qualification_name!r} yet, so {each.comparator} admits no worker "
            "until one is granted it",
            plan.origins,
        )
        for key, each in allowing
        if each.qualification_name not in granted
    ]


def _asked(plan: Plan) -> Iterator[tuple[str, QualificationRequirement]]:
    """Yield the conditions that the user has given for a plan, with their keys."""
    for index, each in enumerate(plan.task.qualifications):
        yield f"{_TASK}.{index}", each
    for index, entry in enumerate(plan.shared_state.qualifications):
        yield f"{_STATE}.{index}", requirement(entry)


def _allow_lists(plan: Plan) -> list[tuple[str, QualificationRequirement]]:
    """Return the conditions of this run that admit only workers who have a qualification."""
    return [
        (key, each)
        for key, each in _asked(plan)
        if each.comparator != Comparator.NOT_EXIST and each.applies_to(plan.provider.type)
    ]


def _name_problems(plan: Plan, blueprint: Blueprint) -> list[Problem]:
    """Check the names that the blueprint's options give."""
    names = {
        "block_qualification": blueprint.block_qualification,
        "onboarding_qualification": onboarding_qualification(blueprint),
    }
    problems = []
    if blueprint.has_onboarding and blueprint.onboarding_qualification is None:
        message = "is not set: the onboarding needs a qualification to grant"
        problems.append(plan.problem("blueprint.onboarding_qualification", message))
    for option, name in names.items():
        if name is None:
            continue
        try:
            qualification_name(OnboardingRequired.get_failed_qual(qualification_name(name)))
        except UsageError as error:
            problems += [
                plan.problem(f"blueprint.{option}", each.message) for each in error.problems
            ]
    return problems


def _provider_problems(plan: Plan, plugins: Plugins) -> list[Problem]:
    installed = _provider_types(plugins)
    return [
        located(
            f"{key}.applicable_providers",
            f"there is no provider {name!r}{did_you_mean(name, installed, otherwise='installed')}",
            plan.origins,
        )
        for key, each in _asked(plan)
        for name in each.applicable_providers or ()
        if name not in installed
    ]


def _missing(plan: Plan, database: Database) -> list[Problem]:
    """Find conditions that no worker meets because their qualification does not exist.

    Such conditions count as typing errors.
    """
    known = _known(database)
    return [
        located(
            f"{key}.qualification_name",
            f"there is no qualification {each.qualification_name!r}, so {each.comparator} admits "
            f"no worker{did_you_mean(each.qualification_name, known, otherwise='there are')}"
            "; `famulus qualifications create NAME` makes one",
            plan.origins,
        )
        for key, each in _allow_lists(plan)
        if each.qualification_name not in known
    ]


def _specific_problems(plan: Plan, plugins: Plugins) -> list[Problem]:
    installed = _provider_types(plugins)
    problems = []
    for name, given in plan.shared_state.specific_qualifications.items():
        key = f"shared_state.{name}{SPECIFIC}"
        if name not in installed:
            near = did_you_mean(name, installed, otherwise="installed")
            problems.append(Problem(f"there is no provider {name!r}{near}", key=key))
        elif not isinstance(given, (list, tuple)):
            problems.append(Problem(f"has to be a list, not {given!r}", key=key))
        elif given and name == plan.provider.type and not _has_qualifications(plan, plugins):
            message = f"{name} has no qualifications of its own; remove it"
            problems.append(Problem(message, key=key))
    return problems


def _too_many(parts: RunParts) -> list[Problem]:
    """Compare the run's conditions with the limits of its platform."""
    plan, most = parts.plan, parts.provider_class.capabilities.most_requirements
    if most is None:
        return []
    specific = plan.shared_state.specific_qualifications.get(plan.provider.type, ())
    number = len(run_requirements(plan, parts.blueprint)) + len(specific)
    if number <= most:
        return []
    message = (
        f"{plan.provider.type} takes {most} conditions on qualifications, but this run has "
        f"{number}, those for its block and its onboarding among them; leave some out"
    )
    return [Problem(message, key=_STATE)]


def _has_qualifications(plan: Plan, plugins: Plugins) -> bool:
    return plugins.provider(plan.provider.type).capabilities.qualifications


def _provider_types(plugins: Plugins) -> list[str]:
    return [provider.type for info in plugins.accepted for provider in info.providers]


def _known(database: Database) -> frozenset[str]:
    if not database.exists:
        return frozenset()
    with database.read() as tx:
        return frozenset(
            row.name for row in tx.rows(QualificationTable.select(QualificationTable.name))
        )


def _granted(database: Database, names: Sequence[str]) -> frozenset[str]:
    """Return the qualifications among the given ones that at least one worker has."""
    if not names or not database.exists:
        return frozenset()
    holder = GrantedQualificationTable.select(GrantedQualificationTable.id).where(
        GrantedQualificationTable.qualification == QualificationTable.id
    )
    query = QualificationTable.select(QualificationTable.name).where(
        QualificationTable.name << names, peewee.fn.EXISTS(holder)
    )
    with database.read() as tx:
        return frozenset(row.name for row in tx.rows(query))
