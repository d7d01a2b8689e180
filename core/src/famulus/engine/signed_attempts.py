"""The attempts that the tokens in forms refer to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from attrs import frozen

from famulus.contracts.views import AttemptView, UnitView
from famulus.engine.answers import read_unit, read_unit_and_worker
from famulus.engine.arrival import RunRules
from famulus.engine.attempts import Attempt, read_attempt
from famulus.engine.failed_requests import UnsignedError
from famulus.engine.lost_arrivals import make_again
from famulus.engine.tokens import SignedAttempt, Tokens
from famulus.model.database import Database
from famulus.model.transaction import Transaction

T = TypeVar("T")


class _LostArrivalError(Exception):
    """A power failure has undone the arrival of a signed attempt."""


@frozen(eq=False)
class SignedAttempts:
    """Finds the attempts of one run, and recreates attempts that a power failure has undone."""

    database: Database
    tokens: Tokens
    rules: RunRules

    def act_on(self, token: str, act: Callable[[SignedAttempt], T]) -> T:
        """Return the result of an action on the attempt of a token.

        The action must find the attempt by :meth:`find` or :meth:`read` before it has any effect.
        If the attempt is lost, the action is repeated with the recreated attempt.

        :raises UnsignedError: for a token that was not signed for this run, or whose unit the run
            does not have.
        """
        signed = self.tokens.read(token)
        if signed is None:
            raise UnsignedError
        try:
            return act(signed)
        except _LostArrivalError:
            assert signed.arrival is not None
            again = partial(
                make_again, rules=self.rules, arrival=signed.arrival, nonce=signed.nonce
            )
            made = self.database.write(again)
            if made is None:
                raise UnsignedError from None
            return act(signed._replace(agent=made.agent, nonce=made.nonce))

    def find(self, tx: Transaction, signed: SignedAttempt, *, lock: bool = True) -> Attempt:
        """Return a signed attempt as it is stored.

        :param lock: keep others from changing it until the commit.
        """
        attempt = read_attempt(tx, signed.agent, lock=lock)
        if attempt is not None and attempt.run == self.rules.run and attempt.nonce == signed.nonce:
            return attempt
        raise UnsignedError if signed.arrival is None else _LostArrivalError

    def read(self, signed: SignedAttempt) -> Attempt:
        """Return a signed attempt as it is now."""
        with self.database.read() as tx:
            return self.find(tx, signed, lock=False)

    def read_as_shown(self, signed: SignedAttempt) -> Attempt:
        """Return a signed attempt as it is now, with the unit of its page (:meth:`view`)."""
        attempt = self.read(signed)
        return attempt if signed.arrival is None else attempt._replace(unit=signed.arrival.unit)

    def view(self, signed: SignedAttempt, tag: str) -> AttemptView:
        """Return the view of a signed attempt, for the blueprint.

        Its unit is the one that the page shows. A recreated attempt may be at another unit of the
        assignment.

        :param tag: the language tag of the page.
        """

        def unit() -> UnitView:
            with self.database.read() as tx:
                self.find(tx, signed, lock=False)
                if signed.arrival is None:
                    return read_unit_and_worker(tx, signed.agent)[0]
                return read_unit(tx, signed.arrival.unit)

        return AttemptView(
            agent_id=signed.agent, onboarding=signed.onboarding, unit=unit, language=tag
        )
