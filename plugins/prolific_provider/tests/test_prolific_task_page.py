"""What the page of a task promises to a participant."""

from __future__ import annotations

import pytest

from famulus import Database, Plugins
from famulus.testing import GatewayTransport
from famulus.testing.inprocess import ManualOperator
from famulus_prolific.fake import FakeProlific
from prolific_bench import parameters
from prolific_run import launch, prolific_plugins


@pytest.fixture
def plugins() -> Plugins:
    """The kit's plugins, and the provider."""
    return prolific_plugins()


@pytest.mark.parametrize(("submissions", "most"), [(1, 1), (0, 3)])
def test_a_participant_is_promised_no_more_units_than_submissions(
    prolific: FakeProlific,
    database: Database,
    operator: ManualOperator,
    submissions: int,
    most: int,
) -> None:
    run = launch(prolific, database, operator, submissions_per_participant=submissions)
    person = prolific.participant(1)
    _, url = person.take(person.studies()[0].id)

    page = GatewayTransport(run).open(parameters(url)).text

    assert f"Unit 1 of at most {most}<" in page
