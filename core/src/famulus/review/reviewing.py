"""A review without a screen: decisions are recorded at once, and settled when a group is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from attrs import define, evolve, field, frozen

from famulus.contracts.views import WorkerView
from famulus.data.unit_records import UnitRecord
from famulus.data.up_for_review import (
    Scope,
    Statistics,
    count_of_worker,
    count_waiting,
    next_units,
    next_worker,
    read_statistics,
)
from famulus.engine.events import tell_listeners_of_ended_run
from famulus.engine.ledger.decisions import unsettled_units
from famulus.engine.ledger.settling import settle_decisions
from famulus.errors import ConflictError
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins, listeners_of
from famulus.review.answering import Choice, Made, make_answer, take_back
from famulus.review.telling import newest_telling, runs_to_tell, tell

#: Units of one transaction: workers' submissions come in between two.
_TOGETHER = 20

T = TypeVar("T")


@frozen(kw_only=True)
class Group:
    """The units of one worker that were up for review when the reviewer came to them."""

    worker: WorkerView
    size: int
    #: units up for review, of all workers
    waiting: int
    previous: Statistics


@frozen(kw_only=True)
class Settled:
    """What settling has come to."""

    decisions: int
    #: why platforms could not be told yet
    problems: Sequence[str] = ()


@define(kw_only=True)
class Reviewing:
    """One person's review of a task. What is decided is in the database at once: it outlives this
    object, and whoever reviews the task next settles what this one has not.
    """

    database: Database
    plugins: Plugins
    scope: Scope
    _made: list[Made] = field(factory=list, init=False)
    #: runs whose platform, and whose listeners, have not heard of something here
    _untold: set[int] = field(factory=set, init=False)

    @property
    def unsettled(self) -> int:
        """How many decisions of this review are not settled yet."""
        return sum(len(made.reviews) for made in self._made)

    def shortest_reason(self, provider_type: str) -> int:
        """Return how many characters the reason of a rejection needs at least.

        :raises famulus.PluginError: when the provider is not installed.
        """
        return max(1, self.plugins.provider(provider_type).capabilities.shortest_rejection)

    def settle_leftovers(self) -> Settled:
        """Settle what a review that was cut off has left, and tell what it has not told."""
        newest = newest_telling(self.database)
        decisions = self._settle_units(self._leftovers())
        problems = self._tell(runs_to_tell(self.database, self.scope), newest)
        for run in self.scope.runs if listeners_of(self.plugins) else ():
            tell_listeners_of_ended_run(self.database, self.plugins, run)
        return Settled(decisions=decisions, problems=problems)

    def next_group(self, *, after: int = 0) -> Group | None:
        """Return the next worker's units, after the worker of that number."""
        with self.database.read() as tx:
            worker = next_worker(tx, self.scope, after=after)
            if worker is None:
                return None
            return Group(
                worker=worker,
                size=count_of_worker(tx, self.scope, worker.id),
                waiting=count_waiting(tx, self.scope),
                previous=read_statistics(tx, self.scope, worker.id),
            )

    def count_waiting(self) -> int:
        """Return how many units are up for review."""
        with self.database.read() as tx:
            return count_waiting(tx, self.scope)

    def next_unit(self, worker: int, *, after: int = 0) -> UnitRecord | None:
        """Return a worker's next unit that is still up for review, after the agent of that
        number.
        """
        return next(iter(self._units(worker, after, 1)), None)

    def decide(self, unit: UnitRecord, choice: Choice) -> Made:
        """Record the decision on one unit.

        :raises famulus.ConflictError: when the unit has changed meanwhile.
        :raises famulus.UsageError: for a qualification or value that nothing can have.
        """
        made = self.database.write(lambda tx: make_answer(tx, [unit], choice))
        if made.refused:
            raise ConflictError(made.refused[0])
        self._made.append(made)
        self._untold |= made.runs
        return made

    def decide_rest(self, unit: UnitRecord, choice: Choice) -> Made:
        """Record one decision on a unit and all that the worker began after it."""
        whole, plain = Made(), evolve(choice, qualification=None)
        self._made.append(whole)
        units = [unit]
        while units:
            page, choice_now = units, choice if units[0] is unit else plain
            part = self.database.write(lambda tx: make_answer(tx, page, choice_now))  # noqa: B023
            self._untold |= part.runs
            whole.reviews += part.reviews
            whole.refused += part.refused
            whole.granted = whole.granted or part.granted
            units = self._units(unit.worker.id, page[-1].agent_id, _TOGETHER)
        return whole

    def undo(self) -> Made | None:
        """Take back the last answer, with what was granted; return it, or None when this review has
        none that can be undone. Units settled by others stay as they are, and are ``refused``.
        """
        while self._made and not self._made[-1].reviews:
            self._made.pop()
        if not self._made:
            return None
        made = self._made.pop()
        undone = Made()
        for page in pages(reversed(made.reviews)):
            granted = None if undone.granted else made.granted
            part = self.database.write(lambda tx: take_back(tx, page, granted))  # noqa: B023
            undone.reviews += part.reviews
            undone.refused += part.refused
            undone.granted = undone.granted or part.granted
        return undone

    def settle(self) -> Settled:
        """Have the decisions of this review told and paid; they cannot be undone after that."""
        newest = newest_telling(self.database)
        units = (unit for made in self._made for unit, _ in made.reviews)
        decisions = self._settle_units(units)
        self._made, runs, self._untold = [], self._untold, set()
        return Settled(decisions=decisions, problems=self._tell(runs, newest))

    def accept_all(self) -> Settled:
        """Accept and settle every unit that is up for review; return how many that were."""
        newest = newest_telling(self.database)
        choice, accepted, runs = Choice(decision=Decision.ACCEPTED), 0, set[int]()
        for units in self._all_units():
            made = self.database.write(lambda tx: _decide_and_settle(tx, units, choice))  # noqa: B023
            accepted += len(made.reviews)
            runs |= made.runs
        return Settled(decisions=accepted, problems=self._tell(runs, newest))

    def _tell(self, runs: Iterable[int], newest: int) -> list[str]:
        return tell(self.database, self.plugins, runs, after=newest)

    def _all_units(self) -> Iterator[list[UnitRecord]]:
        worker: WorkerView | None = None
        while True:
            with self.database.read() as tx:
                worker = next_worker(tx, self.scope, after=worker.id if worker else 0)
            if worker is None:
                return
            after = 0
            while units := self._units(worker.id, after, _TOGETHER):
                yield units
                after = units[-1].agent_id

    def _units(self, worker: int, after: int, most: int) -> list[UnitRecord]:
        with self.database.read() as tx:
            return next_units(tx, self.scope, worker, self.database.files, after=after, most=most)

    def _leftovers(self) -> Iterator[int]:
        after = 0
        while True:
            with self.database.read() as tx:
                units = unsettled_units(tx, self.scope.runs, after=after)
            yield from units
            if not units:
                return
            after = units[-1]

    def _settle_units(self, units: Iterable[int]) -> int:
        return sum(
            self.database.write(lambda tx: settle_decisions(tx, page))  # noqa: B023
            for page in pages(units)
        )


def _decide_and_settle(tx: Transaction, units: Sequence[UnitRecord], choice: Choice) -> Made:
    made = make_answer(tx, units, choice)
    settle_decisions(tx, [unit for unit, _ in made.reviews])
    return made


def pages(things: Iterable[T]) -> Iterator[list[T]]:
    """Yield things in as many as go into one transaction."""
    rest = iter(things)
    while page := list(islice(rest, _TOGETHER)):
        yield page
