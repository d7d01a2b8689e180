"""The options that a run's configuration gives to qualification checks."""

from __future__ import annotations

from typing import Any

from famulus.contracts.plan import Plan
from famulus.contracts.qualification_check import QualificationCheck
from famulus.errors import Problem, UsageError
from famulus.options.convert import structure
from famulus.options.origins import located
from famulus.options.suggest import did_you_mean
from famulus.plugins import Plugins

_KEY = "task.qualification_checks"

Check = type[QualificationCheck]


def chosen_checks(plan: Plan, plugins: Plugins) -> list[tuple[Check, Any]]:
    """Return every installed check, each with its options for a run.

    :raises famulus.UsageError: when a named check is not installed, or its options are wrong.
    """
    chosen, problems = _typed(plan, plugins)
    if problems:
        raise UsageError(problems)
    return chosen


def check_problems(plan: Plan, plugins: Plugins) -> list[Problem]:
    """Return the problems of a plan's options for checks."""
    return _typed(plan, plugins)[1]


def _typed(plan: Plan, plugins: Plugins) -> tuple[list[tuple[Check, Any]], list[Problem]]:
    given = plan.task.qualification_checks
    installed = plugins.checks()
    names = [check.type for check in installed]
    problems = [
        located(
            f"{_KEY}.{name}",
            f"there is no qualification check {name!r}"
            f"{did_you_mean(name, names, otherwise='installed')}",
            plan.origins,
        )
        for name in given
        if name not in names
    ]
    chosen = []
    for check in installed:
        args, found = structure(
            check.Args,
            given.get(check.type, {}),
            prefix=f"{_KEY}.{check.type}",
            origins=plan.origins,
            task_dir=plan.task_dir,
        )
        problems += found
        chosen.append((check, args))
    return chosen, problems
