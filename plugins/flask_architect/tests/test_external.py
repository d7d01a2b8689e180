"""The architect external, which starts nothing and ends nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from famulus import Context, Deployed, Deployment, ServerHealth, SharedTaskState, system_clock
from famulus_flask.external import ExternalArchitect, ExternalArgs

_DEPLOYMENT = Deployment(run_id=7, instance="x", environment={})


@pytest.fixture
def make() -> Callable[[str], ExternalArchitect]:
    database = cast("Any", None)
    context = Context(database=database, clock=system_clock, shared_state=SharedTaskState())
    return lambda url: ExternalArchitect(ExternalArgs(public_url=url), context)


@pytest.mark.parametrize("url", ["https://example.org/words", "https://example.org/words/"])
def test_address_is_the_one_that_was_given(
    make: Callable[[str], ExternalArchitect], url: str
) -> None:
    assert make(url).deploy(_DEPLOYMENT) == Deployed("https://example.org/words/", None)


def test_program_that_serves_is_never_gone(make: Callable[[str], ExternalArchitect]) -> None:
    architect = make("https://example.org/")
    before = architect.health()
    architect.shutdown()

    assert {before, architect.health()} == {ServerHealth.SERVING}
