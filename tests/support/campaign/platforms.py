"""The platforms of a campaign: how workers arrive and leave, what was opened and paid."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from attrs import frozen

from famulus import Database
from famulus.testing.command import famulus_command
from famulus_mock.tables import MockPayment
from famulus_mturk.fake import FakeMTurk, HitPage, Stage, WorkerRefusedError

_ENTRANCE = "https://tasks.example.org/"


@frozen(kw_only=True)
class Entrance:
    """One arrival: the parameters of the address, and what the platform showed the worker."""

    query: dict[str, str]
    shown: HitPage | None = None


class Crowd(ABC):
    """One platform as a campaign uses it."""

    #: the provider's type
    provider: ClassVar[str]
    #: what ``famulus sync`` says when the platform may have places that it does not list yet: it
    #: fails then; empty where every place is listed at once
    unlisted: ClassVar[str] = ""

    def options(self) -> dict[str, Any]:
        """Return options to launch with."""
        return {}

    @abstractmethod
    def register(self, address: str) -> None:
        """Register the account that pays, where one is needed."""

    @abstractmethod
    def enter(self, worker: str) -> Entrance | None:
        """Return an arrival for a worker; None while there is no place."""

    @abstractmethod
    def leave(self, worker: str, way: Entrance) -> None:
        """Leave without submitting."""

    @abstractmethod
    def submit(self, worker: str, way: Entrance) -> None:
        """Submit on the platform, once the answers are stored here."""

    @abstractmethod
    def open_places(self) -> int:
        """Return the number of open places."""

    @abstractmethod
    def bonuses(self, database: Database) -> Counter[str]:
        """Return how often each bonus was paid, by a key of the bonus."""

    @abstractmethod
    def rewards(self, database: Database) -> Counter[str]:
        """Return how often each submission was rewarded, if the platform reports it."""


class MockCrowd(Crowd):
    """The provider ``mock``, which has no platform of its own."""

    provider = "mock"

    def register(self, address: str) -> None:
        pass

    def enter(self, worker: str) -> Entrance | None:
        return Entrance(query={"worker_id": worker, "assignment_id": secrets.token_hex(6)})

    def leave(self, worker: str, way: Entrance) -> None:
        pass

    def submit(self, worker: str, way: Entrance) -> None:
        pass

    def open_places(self) -> int:
        return 0

    def bonuses(self, database: Database) -> Counter[str]:
        with database.read() as tx:
            return Counter(row.key for row in tx.rows(MockPayment.select(MockPayment.key)))

    def rewards(self, database: Database) -> Counter[str]:
        return Counter()


class MturkCrowd(Crowd):
    """A fake MTurk's sandbox, whose workers accept HITs on the site and submit there."""

    provider = "mturk_sandbox"
    unlisted = "MTurk may have created"

    def __init__(self, mturk: FakeMTurk) -> None:
        self._account = mturk.sandbox

    @classmethod
    @contextmanager
    def open(cls, seed: str) -> Iterator[MturkCrowd]:
        """Serve a fake MTurk of its own for the length of a ``with`` block."""
        with FakeMTurk(seed=seed) as mturk:
            yield cls(mturk)

    def options(self) -> dict[str, Any]:
        return {
            "architect.public_url": _ENTRANCE,
            "provider.worker_site": self._account.worker_url,
            "provider.requester_name": "me",
        }

    def register(self, address: str) -> None:
        where = f"endpoint_url={self._account.endpoint_url}"
        with famulus_command(
            "register", "mturk_sandbox", "name=me", where, database=address
        ) as command:
            assert command.wait() == 0, command.output

    def enter(self, worker: str) -> Entrance | None:
        person = self._account.worker(worker)
        try:
            groups = person.groups()
            shown = person.accept(groups[0].id) if groups else None
        except WorkerRefusedError:
            return None
        if shown is None or shown.url is None:
            return None
        return Entrance(query=dict(parse_qsl(urlsplit(shown.url).query)), shown=shown)

    def leave(self, worker: str, way: Entrance) -> None:
        assert way.shown is not None
        self._account.worker(worker).give_back(way.shown)

    def submit(self, worker: str, way: Entrance) -> None:
        assert way.shown is not None
        self._account.worker(worker).submit(way.shown, {"visit": "1"})

    def open_places(self) -> int:
        with self._account.turn() as state:
            return sum(state.status(hit, state.now) == "Assignable" for hit in state.hits.values())

    def bonuses(self, database: Database) -> Counter[str]:
        with self._account.turn() as state:
            return Counter(f"{each.assignment_id} {each.reason}" for each in state.bonuses)

    def rewards(self, database: Database) -> Counter[str]:
        with self._account.turn() as state:
            unpaid = Counter(
                {
                    accept.assignment_id: 0
                    for hit in state.hits.values()
                    for accept in hit.accepts
                    if accept.stage is Stage.SUBMITTED
                }
            )
            unpaid.update(
                each.assignment_id for each in state.money.ledger if each.kind == "reward"
            )
            return unpaid
