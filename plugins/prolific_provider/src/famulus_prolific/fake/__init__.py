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

from famulus_prolific.fake.errors import ParticipantRefusedError
from famulus_prolific.fake.facts import Facts
from famulus_prolific.fake.faults import COMPLETION, Fault, Faults, Gate
from famulus_prolific.fake.participant import Participant
from famulus_prolific.fake.records import (
    Call,
    Entry,
    Event,
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
    "Entry",
    "Event",
    "Facts",
    "FakeProlific",
    "Fault",
    "Faults",
    "Gate",
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
