"""How long things take on the platform."""

from __future__ import annotations

import math
from datetime import timedelta

#: a place is reserved for that long before it has to be started
RESERVATION = timedelta(minutes=10)
#: unreviewed submissions are approved after that
AUTO_APPROVAL = timedelta(days=21)
#: a secure URL is valid for that long
TOKEN_LIFE = timedelta(minutes=2)
#: webhooks that fail are sent so many times more, within a day
RETRIES = 11
#: the pause before the first of them; each further one is twice as long
FIRST_RETRY = timedelta(seconds=42)
#: a subscription is switched off after failures only for that long
DISABLED_AFTER = timedelta(days=5)


def least_allowed_time(minutes: int) -> int:
    """Return the lowest ``maximum_allowed_time`` of a study, in minutes."""
    return math.ceil(2 + 2 * minutes + 2 * math.sqrt(minutes))
