"""A worker as an object, for tests that need no browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from famulus_mturk.fake.marketplace import Group, HitPage

if TYPE_CHECKING:
    from famulus_mturk.fake.account import Account


class FakeWorker:
    """Does what a worker does on the site.

    Each method raises :class:`WorkerRefusedError` if the site would refuse.
    """

    def __init__(self, account: Account, worker_id: str) -> None:
        self._account = account
        self._market = account.marketplace
        self.id = worker_id

    def groups(self) -> list[Group]:
        """Return the groups of HITs, newest first."""
        with self._account.turn():
            return self._market.groups(self.id)

    def preview(self, group_id: str) -> HitPage:
        """Preview a HIT of a group; it counts as pending until the worker accepts or leaves."""
        with self._account.turn():
            return self._market.preview(group_id, self.id)

    def leave(self, shown: HitPage) -> None:
        """Leave a preview."""
        with self._account.turn():
            self._market.stop_looking(shown.hit_id, self.id)

    def accept(self, group_id: str) -> HitPage:
        """Accept the oldest open HIT of a group."""
        with self._account.turn():
            return self._market.accept(group_id, self.id)

    def accept_hit(self, hit_id: str) -> HitPage:
        """Accept one HIT."""
        with self._account.turn():
            return self._market.accept_hit(hit_id, self.id)

    def at_work(self) -> list[HitPage]:
        """Return the assignments that are neither submitted nor returned."""
        with self._account.turn():
            return self._market.at_work(self.id)

    def give_back(self, shown: HitPage) -> None:
        """Return a HIT."""
        with self._account.turn():
            self._market.give_back(shown.assignment_id, self.id)

    def submit(self, shown: HitPage, answers: Mapping[str, str]) -> None:
        """Submit a form, as the worker's browser does."""
        with self._account.turn():
            self._market.submit(shown.assignment_id, answers.items(), self.id)
