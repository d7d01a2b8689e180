"""The options of every task, independent of its blueprint, architect and provider."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import frozen

from famulus.names import name_fault, stripped_name
from famulus.options.declare import option
from famulus.options.requirements import QualificationRequirement
from famulus.translation import BROWSER, LocalizedText, find_language, unknown_language

if TYPE_CHECKING:
    from attrs import Attribute

#: The options that may be mappings of languages.
TRANSLATED = ("task_title", "task_description", "contact")
_LONGEST_NAME = 200
_LONGEST_CONTACT = 300
_LARGEST_REWARD = 10**9
_LARGEST_SPEND = 10**12
_LARGEST_SIZE = 10**18
_SHORTEST_MINUTES, _LONGEST_MINUTES = Decimal("0.01"), 100_000
#: what a 32-bit column and a date can hold: 68 years in seconds
_LARGEST_NUMBER = 2**31 - 1


def _is_name(_: object, _field: Attribute[Any], value: str | None) -> None:
    if value is None:
        return
    if not value:
        raise ValueError("is empty; write a name, or leave it out to have the blueprint's type")
    fault = name_fault(value, _LONGEST_NAME)
    if fault is not None:
        raise ValueError(fault)


def _is_filled(_: object, _field: Attribute[Any], value: str | None) -> None:
    if value is not None and not value.strip():
        raise ValueError("is empty; workers read it before they decide to take part")


def _stripped_contact(value: Any) -> Any:
    if isinstance(value, LocalizedText):
        return LocalizedText({tag: text.strip() for tag, text in value.texts.items()})
    return stripped_name(value)


def _is_contact(_: object, _field: Attribute[Any], value: str | None) -> None:
    if value is None:
        return
    if not value:
        raise ValueError("is empty; write a mail address, a web address or a sentence")
    texts = value.texts if isinstance(value, LocalizedText) else {"": value}
    for tag, text in texts.items():
        if len(text) > _LONGEST_CONTACT or not text.isprintable():
            where = f" in {tag}" if tag else ""
            raise ValueError(f"is not one line of at most {_LONGEST_CONTACT} characters{where}")


def _is_language(_: object, _field: Attribute[Any], value: str | None) -> None:
    if value is None or value == BROWSER or find_language(value) is not None:
        return
    raise ValueError(f"{unknown_language(value)}, or {BROWSER} to follow each worker's browser")


def _is_reward(_: object, _field: Attribute[Any], value: Decimal | None) -> None:
    if value is None:
        return
    if value < 0:
        raise ValueError(f"{value} is negative; give 0 or more")
    if value >= _LARGEST_REWARD:
        raise ValueError(f"{value} is more than any worker is paid for a unit")
    if value != round(value, 2):
        raise ValueError(f"{value} is not a whole number of cents; write at most two decimals")


def _is_estimate(_: object, _field: Attribute[Any], value: Decimal | None) -> None:
    if value is not None and not _SHORTEST_MINUTES <= value <= _LONGEST_MINUTES:
        raise ValueError(
            f"{value} is not a number of minutes from {_SHORTEST_MINUTES} to {_LONGEST_MINUTES}"
        )


def _is_spend(_: object, _field: Attribute[Any], value: Decimal) -> None:
    if not 0 <= value < _LARGEST_SPEND:
        raise ValueError(f"{value} is not from 0 (no limit) to {_LARGEST_SPEND}")
    if value != round(value, 2):
        raise ValueError(f"{value} is not a whole number of cents; write at most two decimals")


def _is_duration(_: object, _field: Attribute[Any], value: int) -> None:
    if not 0 < value <= _LARGEST_NUMBER:
        raise ValueError(f"{value} is not a number of seconds from 1 to {_LARGEST_NUMBER}")


def _is_limit(_: object, _field: Attribute[Any], value: int) -> None:
    if not 0 <= value <= _LARGEST_NUMBER:
        raise ValueError(f"{value} is not from 0 (no limit) to {_LARGEST_NUMBER}")


def _is_concurrent(_: object, _field: Attribute[Any], value: int | None) -> None:
    if value is not None:
        _is_limit(_, _field, value)


def _is_size(_: object, _field: Attribute[Any], value: int | None) -> None:
    if value is not None and not 0 <= value <= _LARGEST_SIZE:
        raise ValueError(f"{value} is not from 0 (no limit) to {_LARGEST_SIZE}")


@frozen(kw_only=True)
class TaskArgs:
    """The texts for workers, their pay, and the limits of a run."""

    task_name: str | None = option(
        help="Name under which runs share limits, workers' history and review; "
        "the blueprint's type when unset.",
        converter=stripped_name,
        validator=_is_name,
    )
    task_title: str | None = option(
        help="Title that workers see.", required=True, translatable=True, validator=_is_filled
    )
    task_description: str | None = option(
        help="Description that workers see before they accept.",
        required=True,
        translatable=True,
        validator=_is_filled,
    )
    task_reward: Decimal | None = option(
        help="Reward for one unit, in the currency of the requester's account (0.30 is thirty "
        "cents). 0 is unpaid work, as it is to leave it out where the provider does not pay.",
        validator=_is_reward,
    )
    estimated_minutes: Decimal | None = option(
        help="Minutes that one unit is expected to take (0.5 is half a minute), for the hourly "
        "wage that a quote, a launch and the run's status show.",
        validator=_is_estimate,
    )
    max_spend: Decimal = option(
        help="What the run may cost at most with the provider's fees, with taxes and with bonuses, "
        "in the currency of the requester's account: units that would cost more wait; 0 means no "
        "limit.",
        default=Decimal(0),
        validator=_is_spend,
    )
    contact: str | None = option(
        help="How workers reach the requester: a mail address, a web address or a sentence, which "
        "the task's pages show.",
        translatable=True,
        converter=_stripped_contact,
        validator=_is_contact,
    )
    language: str | None = option(
        help="Language of the frame around the task, and of all pages: ar, de, en, es, fr or "
        "zh-Hans. `browser`, or unset, is the language that each worker's browser asks for.",
        converter=stripped_name,
        validator=_is_language,
    )
    task_tags: str | None = option(help="Keywords for the task, separated by commas.")
    task_lifetime_in_seconds: int = option(
        help="Seconds after the launch until no new workers are admitted; those at work may "
        "finish.",
        default=2678400,
        validator=_is_duration,
    )
    assignment_duration_in_seconds: int = option(
        help="Seconds a worker has for one unit; then it is offered to another worker.",
        default=1800,
        validator=_is_duration,
    )
    submission_timeout: int = option(
        help="Seconds to wait, once a worker's answers are stored here, for the platform to report "
        "the submission; then the visit is marked unknown for a person to look at.",
        default=600,
        validator=_is_duration,
    )
    no_submission_patience: int = option(
        help="Seconds without any submission after which the run is finished and its open units "
        "expire.",
        default=43200,
        validator=_is_duration,
    )
    allowed_concurrent: int | None = option(
        help="Units of this run that one worker may have open at once; 0 means no limit. Unless "
        "set, 1 where the provider sells no places, so that a worker cannot block a run, else no "
        "limit.",
        validator=_is_concurrent,
    )
    maximum_units_per_worker: int = option(
        help="Units one worker may do over all runs of the same task name; 0 means no limit.",
        default=0,
        validator=_is_limit,
    )
    max_num_concurrent_units: int = option(
        help="Units that are open to workers at the same time; 0 means no limit.",
        default=0,
        validator=_is_limit,
    )
    max_upload_bytes: int | None = option(
        help="Size of all files of the run together; a submission with more is refused. 0 means no "
        "limit; 10 GB unless set.",
        validator=_is_size,
    )
    qualifications: list[QualificationRequirement] = option(
        help="Conditions that workers have to meet, each a mapping of qualification_name, "
        "comparator, value and applicable_providers.",
        factory=list,
    )
    qualification_checks: dict[str, dict[str, Any]] = option(
        help="Options of the installed qualification checks, each under the check's type.",
        factory=dict,
    )

    def __attrs_post_init__(self) -> None:
        """Prefer the language of the run's pages in texts that have several languages."""
        for name in TRANSLATED:
            text = getattr(self, name)
            if isinstance(text, LocalizedText):
                preferring = LocalizedText(text.texts, self.page_language)
                object.__setattr__(self, name, preferring)

    @property
    def page_language(self) -> str:
        """The tag of the language of all pages; empty if the browser decides."""
        chosen = None if self.language in (None, BROWSER) else find_language(self.language or "")
        return "" if chosen is None else chosen.tag
