"""How long things take on the platform."""

from __future__ import annotations

import math
from datetime import timedelta

#: how long a place stays reserved until the submission has to be started
RESERVATION = timedelta(minutes=10)
#: how long after being handed in an unreviewed submission is approved
AUTO_APPROVAL = timedelta(days=21)
#: how long a secure URL is valid
TOKEN_LIFE = timedelta(minutes=2)
#: how many more times a failed webhook is sent, within a day
RETRIES = 11
#: the pause before the first of them; each further one is twice as long
FIRST_RETRY = timedelta(seconds=42)
#: how long a subscription may only fail before it is switched off
DISABLED_AFTER = timedelta(days=5)


def least_allowed_time(minutes: int) -> int:
    """Return the lowest ``maximum_allowed_time`` of a study, in minutes."""
    return math.ceil(2 + 2 * minutes + 2 * math.sqrt(minutes))
