"""Prolific's categories of rejections, and its rules on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType

#: Characters of the message to the participant.
SHORTEST_REJECTION = 100
#: Days after a requested return before a submission is rejected.
DAYS_BEFORE_REJECTION = 7
#: Days after which a submission without a verdict is approved.
APPROVES_AFTER_DAYS = 21

#: Signs of AI use are not among them: Prolific does not accept these as a reason.
CATEGORIES: Mapping[str, str] = MappingProxyType(
    {
        "TOO_QUICKLY": "Done so much faster than by others that it cannot have been read.",
        "TOO_SLOWLY": "Took far longer than allowed or sensible.",
        "FAILED_INSTRUCTIONS": "Clear instructions were not followed.",
        "INCOMP_LONGITUDINAL": "A part of a study with several parts is missing.",
        "FAILED_CHECK": "Failed fair attention checks: one in under 5 minutes, else at least two.",
        "LOW_EFFORT": "Clearly without effort, such as the same answer everywhere.",
        "MALINGERING": "Untrue statements were made to take part.",
        "NO_CODE": "No completion code was entered, and there is no work.",
        "BAD_CODE": "A wrong completion code was entered, and there is no work.",
        "NO_DATA": "No answers have arrived.",
        "UNSUPP_DEVICE": "A device was used that the study does not allow.",
        "OTHER": "Another reason, which the message has to explain.",
    }
)

RULES = (
    "Prolific lets you reject only work that is clearly not in good faith: a speed far outside of "
    "the others' (three standard deviations), skipped questions that were required, failed fair "
    "attention checks (one in a task of under 5 minutes, two or more in a longer one), or clearly "
    "no effort. Failed comprehension checks and signs that AI was used are no reasons. Ask for a "
    f"return first, and wait {DAYS_BEFORE_REJECTION} days. The number of rejections is limited, "
    f"and participants can appeal. They get the reason, of at least {SHORTEST_REJECTION} "
    "characters."
)


def paid_when(completed_on: date | None) -> str:
    """Return, in words, when Prolific approves a submission that has no verdict."""
    if completed_on is None:
        return f"after {APPROVES_AFTER_DAYS} days"
    return f"from {completed_on + timedelta(days=APPROVES_AFTER_DAYS)} on"
