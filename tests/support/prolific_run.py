"""A run of core on Prolific in one process: launched, and worked on by participants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import famulus_prolific
from famulus import Database, Plugins, register_requester
from famulus.engine.gateway import Gateway
from famulus.testing import GatewayTransport, ScriptedWorker
from famulus.testing.inprocess import ManualOperator, kit_plugins
from famulus_prolific.fake import FakeProlific, Submission
from prolific_bench import parameters


def prolific_plugins() -> Plugins:
    """Return the kit's plugins, and the provider."""
    return kit_plugins(prolific=famulus_prolific)


def launch(
    prolific: FakeProlific,
    database: Database,
    operator: ManualOperator,
    registration: Mapping[str, Any] | None = None,
    **options: Any,
) -> Gateway:
    """Launch a run with three units and options of the provider; return its gateway.

    :param registration: more options of registering the account.
    """
    given = {"api_url": prolific.api_url, **(registration or {})}
    register_requester(database, "prolific", "lab", plugins=operator.plugins, **given)
    return operator.launch_rows(
        [{"n": number} for number in range(3)],
        provider="prolific",
        provider_options={"site_url": prolific.site_url, **options},
        public_url="https://tasks.example/",
        estimated_minutes=1,
        task_reward="1.00",
    )


def have_done(
    prolific: FakeProlific, run: Gateway, operator: ManualOperator, number: int
) -> Submission:
    """Have a participant work and hand in."""
    person = prolific.participant(number)
    submission, url = person.take(person.studies()[0].id)
    worker = ScriptedWorker(GatewayTransport(run), person.id, query=lambda *_: parameters(url))
    answer = worker.submit(worker.open(submission.id))
    person.complete(submission, answer.text.partition("complete?cc=")[2][:12])
    operator.turn()
    return submission
