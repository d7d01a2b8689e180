"""Hypothesis's settings for examples that take long: state machines and courses of a run."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

from repetitions import repeated


def machine_limits(examples: int, steps: int) -> settings:
    """Return the settings of a state machine, as :func:`slow_examples` does."""
    return settings(slow_examples(examples), stateful_step_count=steps)


def slow_examples(number: int) -> settings:
    """Return settings with which a failure is printed, with its steps, before the time is over.

    Hypothesis shrinks for up to five minutes, and the whole test has as many (``conftest.py``). So
    the first failure is printed as it was found, with the line that plays it again, and is kept in
    Hypothesis's database, but for CI. The next run begins with it, and shrinks it where
    ``FAMULUS_TEST_SECONDS=0`` takes the limit away.
    """
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    if os.environ.get("FAMULUS_TEST_SECONDS") == "0":
        phases.append(Phase.shrink)
    return settings(
        max_examples=repeated(number),
        suppress_health_check=list(HealthCheck),
        phases=phases,
        report_multiple_bugs=False,
        print_blob=True,
    )
