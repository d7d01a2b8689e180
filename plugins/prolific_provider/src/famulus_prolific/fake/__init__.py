"""A fake of Prolific that keeps state, served over real HTTP.

    with FakeProlific(clock) as prolific:
        ...                                      # the API is at prolific.api_url
        person = prolific.participant(1)         # or in a browser: prolific.site_url
        submission, url = person.take(study_id)
        person.complete(submission, "CODE")

It follows the public description of the API. Open questions of that description are switches in
``prolific.facts``. The fake shares no code with the provider, so that both can be checked against
each other.
"""

from __future__ import annotations

import warnings
from typing import Any

from famulus_prolific.fake.errors import ParticipantRefusedError
from famulus_prolific.fake.facts import Facts
from famulus_prolific.fake.faults import COMPLETION, Fault, Faults, Gate
from famulus_prolific.fake.participant import Participant
from famulus_prolific.fake.records import (
    Call,
    Event,
    LedgerEntry,
    Message,
    ParticipantGroup,
    Study,
    StudyStatus,
    Submission,
    SubmissionStatus,
    Subscription,
)
from famulus_prolific.fake.service import TOKEN, FakeProlific, Ports
from famulus_prolific.fake.state import FEATURES, State

__all__ = [
    "COMPLETION",
    "FEATURES",
    "TOKEN",
    "Call",
    "Event",
    "Facts",
    "FakeProlific",
    "Fault",
    "Faults",
    "Gate",
    "LedgerEntry",
    "Message",
    "Participant",
    "ParticipantGroup",
    "ParticipantRefusedError",
    "Ports",
    "State",
    "Study",
    "StudyStatus",
    "Submission",
    "SubmissionStatus",
    "Subscription",
]


def __getattr__(name: str) -> Any:
    if name != "Entry":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    message = (
        f"Entry of {__name__} is deprecated since 0.1 and will be removed in 1.0: use LedgerEntry"
    )
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return LedgerEntry
