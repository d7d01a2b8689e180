"""How many examples of what Hypothesis chooses a test runs: more of them in ``make faults``."""

from __future__ import annotations

import os

_TIMES = "FAMULUS_TEST_EXAMPLES"


def repeated(examples: int) -> int:
    """Return a number of examples, multiplied by ``FAMULUS_TEST_EXAMPLES`` where that is set."""
    return examples * int(os.environ.get(_TIMES, "1"))
