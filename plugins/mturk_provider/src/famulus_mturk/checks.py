"""Checks of a plan against the limits of MTurk, without a call, and of the keys, with one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from famulus import (
    BlueprintArgs,
    FamulusError,
    OnboardingArgs,
    OnboardingRequired,
    Plan,
    Problem,
    QualificationRequirement,
    SharedTaskState,
    UsageError,
)
from famulus_mturk.question import external_question
from famulus_mturk.texts import control_character

if TYPE_CHECKING:
    from botocore.model import ServiceModel

    from famulus_mturk.calls import Mturk
    from famulus_mturk.options import MturkArgs

#: The most characters, and the control characters that are allowed. botocore's model of MTurk has
#: neither; these are from AWS's documentation.
_TEXTS = (
    ("task_title", 128, ""),
    ("task_description", 2000, "\n\r\t"),
    ("task_tags", 1000, ""),
)
_LONGEST_QUALIFICATION = 200
#: Seconds: of a HIT's life as well as of the time for one.
_SHORTEST_TIME, _LONGEST_TIME = 30, 31_536_000
_TIMES = ("assignment_duration_in_seconds", "task_lifetime_in_seconds")
#: Bytes.
_LARGEST_QUESTION = 65_535
_LEAST_REWARD = Decimal("0.01")
_MOST_REQUIREMENTS = 10
_OPTION = "provider.specific_qualifications"
_IN_PYTHON = "shared_state.mturk_specific_qualifications"


def specific_requirements(
    args: MturkArgs, state: SharedTaskState, provider_type: str
) -> Sequence[Any]:
    """Return the requirements that are passed through to MTurk.

    The requirements of the options and of a run script apply together. A script's requirements for
    ``mturk`` apply in the sandbox too, unless it has some for ``mturk_sandbox``. A value that is
    not a list is skipped, since core reports it.
    """
    return [*args.specific_qualifications, *_in_python(state, provider_type)]


def _in_python(state: SharedTaskState, provider_type: str) -> Sequence[Any]:
    given = state.specific_qualifications
    found = given.get(provider_type) or given.get("mturk")
    return found if isinstance(found, (list, tuple)) else ()


def plan_problems(plan: Plan) -> Iterator[Problem]:
    """Yield the problems with texts, times, the reward and the requirements."""
    task = plan.task
    for name, longest, allowed in _TEXTS:
        for fault in _text_faults(getattr(task, name) or "", longest, allowed):
            yield plan.problem(f"task.{name}", fault)
    for name in _TIMES:
        seconds = getattr(task, name)
        if not _SHORTEST_TIME <= seconds <= _LONGEST_TIME:
            message = (
                f"{seconds} is outside of MTurk's limits; give {_SHORTEST_TIME} to {_LONGEST_TIME}"
                " seconds"
            )
            yield plan.problem(f"task.{name}", message)
    if (task.task_reward or Decimal(0)) < _LEAST_REWARD:
        yield plan.problem(
            "task.task_reward", f"MTurk pays at least {_LEAST_REWARD} dollars; raise it"
        )
    yield from _question_problems(plan)
    yield from _name_problems(plan)
    yield from _specific_problems(plan)


def key_problems(mturk: Callable[[], Mturk], plan: Plan) -> Iterator[Problem]:
    """Yield a problem if MTurk refuses the keys, or a warning if it does not answer.

    :param mturk: returns the client that calls MTurk for the requester.
    """
    from famulus_mturk.calls import KeysError
    from famulus_mturk.money import read_balance

    option = "provider.requester_name"
    try:
        read_balance(mturk())
    except KeysError as error:
        yield plan.problem(option, str(error))
    except FamulusError as error:
        message = f"whether MTurk accepts the keys cannot be checked now: {error}"
        yield plan.problem(option, message, warning=True)


def _text_faults(text: str, longest: int, allowed: str = "") -> Iterator[str]:
    text = text.strip()
    if len(text) > longest:
        yield f"has {len(text)} characters; MTurk takes at most {longest}"
    found = control_character(text, allowed=allowed)
    if found is not None:
        yield f"has the control character U+{ord(found):04X}, which MTurk refuses; leave it out"


def _question_problems(plan: Plan) -> Iterator[Problem]:
    """Yield the problems with the question, which contains the run's address."""
    url = getattr(plan.architect.args, "public_url", None) or ""
    size = len(external_question(url, getattr(plan.provider.args, "frame_height", 0)).encode())
    if size > _LARGEST_QUESTION:
        message = f"makes a question of {size} bytes; MTurk takes at most {_LARGEST_QUESTION}"
        yield plan.problem("architect.public_url", message)


def _name_problems(plan: Plan) -> Iterator[Problem]:
    """Yield the problems with the names of qualifications, in all places where they are given."""
    for key, name in _names(plan):
        for fault in _text_faults(name, _LONGEST_QUALIFICATION):
            yield plan.problem(key, fault)


def _names(plan: Plan) -> Iterator[tuple[str, str]]:
    for key, condition in _conditions(plan):
        yield f"{key}.qualification_name", condition.qualification_name
    block, onboarding = _own_names(plan.blueprint.args)
    if block:
        yield "blueprint.block_qualification", block
    if onboarding:
        # A failed onboarding grants another qualification, whose name is longer.
        yield (
            "blueprint.onboarding_qualification",
            OnboardingRequired.get_failed_qual(onboarding.strip()),
        )


def _own_names(args: object) -> tuple[str | None, str | None]:
    """Return the qualifications that a blueprint's options name: its block and its onboarding."""
    block = args.block_qualification if isinstance(args, BlueprintArgs) else None
    return block, args.onboarding_qualification if isinstance(args, OnboardingArgs) else None


def _specific_problems(plan: Plan) -> Iterator[Problem]:
    args: MturkArgs = plan.provider.args
    in_python = _in_python(plan.shared_state, plan.provider.type)
    given = [
        (f"{key}.{index}", each)
        for key, found in ((_OPTION, args.specific_qualifications), (_IN_PYTHON, in_python))
        for index, each in enumerate(found)
    ]
    if not given:
        return
    own = _asked(plan)
    # Core counts the run's own, and those that a run script gives for this very provider.
    counted = own + len(plan.shared_state.specific_qualifications.get(plan.provider.type) or ())
    number = len(given) + own
    if number > _MOST_REQUIREMENTS >= counted:
        message = f"MTurk allows {_MOST_REQUIREMENTS} conditions, but this run has {number}"
        yield plan.problem(given[0][0].rpartition(".")[0], message)
    model = _mturk_model()
    for key, each in given:
        for fault in _faults(each, model):
            yield plan.problem(key, fault)


def _asked(plan: Plan) -> int:
    """Count the run's own conditions, including those for its block and its onboarding."""
    own = sum(map(bool, _own_names(plan.blueprint.args)))
    return own + len(list(_conditions(plan)))


def _conditions(plan: Plan) -> Iterator[tuple[str, QualificationRequirement]]:
    """Yield the conditions for this provider with their keys; core reports invalid ones."""
    given: Any = plan.shared_state.qualifications
    in_python = given if isinstance(given, (list, tuple)) else ()
    for key, asked in (
        ("task.qualifications", plan.task.qualifications),
        ("shared_state.qualifications", in_python),
    ):
        for index, each in enumerate(asked):
            condition = _typed(each)
            if condition is not None and condition.applies_to(plan.provider.type):
                yield f"{key}.{index}", condition


def _typed(given: Any) -> QualificationRequirement | None:
    if isinstance(given, QualificationRequirement):
        return given
    try:
        return QualificationRequirement(**given)
    except (TypeError, UsageError):
        return None


def _mturk_model() -> ServiceModel:
    """Read botocore's model of MTurk, which takes a while."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("mturk", "service-2"))


def _faults(requirement: object, model: ServiceModel) -> Iterator[str]:
    """Validate a requirement against botocore's model of MTurk."""
    from botocore.validate import ParamValidator

    if not isinstance(requirement, Mapping):
        yield f"has to be a mapping such as {{'QualificationTypeId': …}}, not {requirement!r}"
        return
    shape = model.shape_for("QualificationRequirement")
    report = ParamValidator().validate(dict(requirement), shape)
    if report.has_errors():
        yield from report.generate_report().splitlines()
    comparator = model.shape_for("Comparator").enum
    if requirement.get("Comparator", comparator[0]) not in comparator:
        known = ", ".join(comparator)
        yield f"{requirement['Comparator']!r} is not a Comparator; use one of {known}"
