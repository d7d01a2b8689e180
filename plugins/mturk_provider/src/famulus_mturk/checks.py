"""What MTurk would refuse of a plan, found before anything is told to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from famulus import Plan, Problem, QualificationRequirement, SharedTaskState

#: The most characters.
_LONGEST = (("task_title", 128), ("task_description", 2000), ("task_tags", 1000))
_LONGEST_QUALIFICATION = 200
_SHORTEST_TASK, _LONGEST_TASK = 30, 31_536_000
_LEAST_REWARD = Decimal("0.01")
_MOST_REQUIREMENTS = 10
_SPECIFIC = "shared_state.mturk_specific_qualifications"


def specific_requirements(state: SharedTaskState, provider_type: str) -> Sequence[Any]:
    """Return the requirements that a run script gives in MTurk's own words. Those for ``mturk``
    hold in the sandbox too, unless there are some for ``mturk_sandbox``."""
    given = state.specific_qualifications
    return given.get(provider_type) or given.get("mturk") or ()


def plan_problems(plan: Plan) -> Iterator[Problem]:
    """Yield what is wrong with the texts, the times, the reward and the requirements."""
    task = plan.task
    for name, longest in _LONGEST:
        text = getattr(task, name)
        if text is not None and len(text) > longest:
            message = f"has {len(text)} characters; MTurk takes at most {longest}"
            yield plan.problem(f"task.{name}", message)
    seconds = task.assignment_duration_in_seconds
    if not _SHORTEST_TASK <= seconds <= _LONGEST_TASK:
        message = f"{seconds} is not from {_SHORTEST_TASK} to {_LONGEST_TASK}, as MTurk asks"
        yield plan.problem("task.assignment_duration_in_seconds", message)
    if (task.task_reward or Decimal(0)) < _LEAST_REWARD:
        yield plan.problem("task.task_reward", f"MTurk pays at least {_LEAST_REWARD} dollars")
    yield from _name_problems(plan)
    yield from _specific_problems(plan)


def _name_problems(plan: Plan) -> Iterator[Problem]:
    for index, each in enumerate(plan.task.qualifications):
        length = len(each.qualification_name)
        if each.applies_to(plan.provider.type) and length > _LONGEST_QUALIFICATION:
            message = f"has {length} characters; MTurk takes at most {_LONGEST_QUALIFICATION}"
            key = f"task.qualifications.{index}.qualification_name"
            yield plan.problem(key, message)


def _specific_problems(plan: Plan) -> Iterator[Problem]:
    given = specific_requirements(plan.shared_state, plan.provider.type)
    if not given or not isinstance(given, (list, tuple)):
        # Core says itself that it has to be a list.
        return
    number = len(given) + _asked(plan)
    if number > _MOST_REQUIREMENTS:
        message = f"MTurk takes {_MOST_REQUIREMENTS} conditions, and this run has {number}"
        yield Problem(message, key=_SPECIFIC)
    for index, each in enumerate(given):
        for fault in _faults(each):
            yield Problem(fault, key=f"{_SPECIFIC}.{index}")


def _asked(plan: Plan) -> int:
    """Count the conditions of the run itself, those for its block and its onboarding included."""
    written = [*plan.task.qualifications, *map(_typed, plan.shared_state.qualifications)]
    names = ("block_qualification", "onboarding_qualification")
    own = [name for name in names if getattr(plan.blueprint.args, name, None)]
    return len(own) + sum(each.applies_to(plan.provider.type) for each in written)


def _typed(given: Any) -> QualificationRequirement:
    if isinstance(given, QualificationRequirement):
        return given
    return QualificationRequirement(**given)


def _faults(requirement: object) -> Iterator[str]:
    """Compare a requirement with what botocore knows of MTurk."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel
    from botocore.validate import ParamValidator

    if not isinstance(requirement, Mapping):
        yield f"has to be a mapping such as {{'QualificationTypeId': …}}, not {requirement!r}"
        return
    model = ServiceModel(Loader().load_service_model("mturk", "service-2"))
    shape = model.shape_for("QualificationRequirement")
    report = ParamValidator().validate(dict(requirement), shape)
    if report.has_errors():
        yield from report.generate_report().splitlines()
    comparator = model.shape_for("Comparator").enum
    if requirement.get("Comparator", comparator[0]) not in comparator:
        yield f"{requirement['Comparator']!r} is no Comparator: {', '.join(comparator)}"
