"""The accounts, clients and HITs that most tests of the fake start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from famulus_mturk.fake import EXTERNAL, Account, FakeMTurk

Launch = Callable[..., dict[str, Any]]


@pytest.fixture
def sandbox(mturk: FakeMTurk) -> Account:
    return mturk.sandbox


@pytest.fixture
def client(sandbox: Account) -> Iterator[Any]:
    opened = sandbox.client()
    yield opened
    opened.close()


@pytest.fixture
def live_client(mturk: FakeMTurk) -> Iterator[Any]:
    opened = mturk.live.client()
    yield opened
    opened.close()


@pytest.fixture
def question() -> str:
    return (
        f'<ExternalQuestion xmlns="{EXTERNAL}"><ExternalURL>https://tasks.example/?run=7&amp;x=1'
        "</ExternalURL><FrameHeight>0</FrameHeight></ExternalQuestion>"
    )


@pytest.fixture
def launch(client: Any, question: str) -> Launch:
    """A function that creates a HIT in the sandbox: 30 cents, an hour, ten minutes a worker."""

    def create(*, via: Any = None, **changes: Any) -> dict[str, Any]:
        parameters = {
            "Title": "Label a picture",
            "Description": "What is on it?",
            "Reward": "0.30",
            "LifetimeInSeconds": 3600,
            "AssignmentDurationInSeconds": 600,
            "Question": question,
        }
        hit: dict[str, Any] = (via or client).create_hit(**parameters | changes)["HIT"]
        return hit

    return create


@pytest.fixture
def status(client: Any) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """A function that shows a HIT's status and how many are pending, available and completed."""

    def show(hit: dict[str, Any]) -> tuple[Any, ...]:
        found = client.get_hit(HITId=hit["HITId"])["HIT"]
        numbers = (found[f"NumberOfAssignments{kind}"] for kind in ("Pending", "Available"))
        return found["HITStatus"], *numbers, found["NumberOfAssignmentsCompleted"]

    return show
