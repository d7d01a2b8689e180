"""A review without a user interface."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

from attrs import define, evolve, field, frozen

from famulus.contracts.provider_views import PartialBounds
from famulus.contracts.views import WorkerView
from famulus.data.review_queue import (
    Statistics,
    count_of_worker,
    count_waiting,
    next_units,
    next_worker,
    read_statistics,
)
from famulus.data.scope import Scope
from famulus.engine.answers import StoredAnswer
from famulus.engine.events import dispatch_events_of_ended_run
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decision_checks import check_rejectable
from famulus.engine.ledger.decision_rules import PlatformRules, Terms, Worth
from famulus.engine.ledger.recorded_decisions import (
    ActiveDecision,
    read_decisions_in_force,
    read_return_request,
    unapplied_units,
)
from famulus.engine.ledger.visit_work import read_worth
from famulus.errors import ConflictError
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins, listeners_of
from famulus.review.choices import Choice, RecordedChoice, record_choice, undo_choice
from famulus.review.deliver_changes import deliver_changes, newest_outbox_row, runs_to_deliver

#: Units of one transaction: few, so that submissions of workers get their turn in between.
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
class Applied:
    """The outcome of applying decisions."""

    decisions: int
    #: one message per run whose platform or listeners could not be reached
    problems: Sequence[str] = ()


@define(kw_only=True)
class ReviewSession:
    """One person's review of a task.

    A decision is in the database as soon as it is made. It is *applied* later: only then is the
    worker paid and the platform informed, and it cannot be undone any more. Decisions that a
    session leaves unapplied, because its process died, are applied by the next session.
    """

    database: Database
    plugins: Plugins
    scope: Scope
    _made: list[RecordedChoice] = field(factory=list, init=False)
    #: runs in which this session has changed something since changes were last delivered
    _changed_runs: set[int] = field(factory=set, init=False)

    @property
    def unapplied(self) -> int:
        """The number of this session's decisions that are not applied yet."""
        return sum(len(made.reviews) for made in self._made)

    @property
    def bounds(self) -> Mapping[str, PartialBounds | None]:
        """Which parts of a reward each installed provider can approve, by its type name."""
        providers = (cls for info in self.plugins.accepted for cls in info.providers)
        return {cls.type: cls.capabilities.partial_approvals for cls in providers}

    def rules(self, provider_type: str) -> PlatformRules:
        """Return a platform's rules for decisions.

        :raises famulus.PluginError: when the provider is not installed.
        """
        capabilities = self.plugins.provider(provider_type).capabilities
        return PlatformRules(provider_type=provider_type, capabilities=capabilities)

    def rules_for(self, choice: Choice, provider_type: str) -> PlatformRules:
        """Return the rules for a choice, like :meth:`rules`; a plain acceptance needs none."""
        return self.rules(provider_type) if choice.needs_rules else PlatformRules()

    def worth(self, unit: StoredAnswer) -> Worth:
        """Return what a unit can earn."""
        with self.database.read() as tx:
            return read_worth(tx, unit.unit, unit.visit)

    def return_request(self, unit: StoredAnswer) -> ActiveDecision | None:
        """Return the request for the return of a unit's visit, or None."""
        with self.database.read() as tx:
            return read_return_request(tx, unit.visit)

    def check_rejectable(self, unit: StoredAnswer) -> None:
        """Check that a unit's worker has had the time to return it.

        :raises famulus.ConflictError: otherwise; the message says until when they have time.
        :raises famulus.PluginError: when the provider is not installed.
        """
        terms = Terms(rules=self.rules(unit.provider))
        with self.database.read() as tx:
            before = read_decisions_in_force(tx, [unit.unit]).get(unit.unit)
            if before is not None:
                check_rejectable(tx, unit.visit, before, terms)

    def apply_leftovers(self) -> Applied:
        """Apply the decisions that earlier sessions left, and deliver their changes."""
        newest = newest_outbox_row(self.database)
        decisions = self._apply_to(self._leftovers())
        problems = self._deliver(runs_to_deliver(self.database, self.scope), newest)
        for run in self.scope.runs if listeners_of(self.plugins) else ():
            dispatch_events_of_ended_run(self.database, self.plugins, run)
        return Applied(decisions=decisions, problems=problems)

    def next_group(self, *, after: int = 0) -> Group | None:
        """Return the units of the next worker, in the order of the workers' numbers.

        :param after: the number of the previous worker.
        """
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

    def next_unit(self, worker: int, *, after: int = 0) -> StoredAnswer | None:
        """Return the next unit of a worker that is still up for review.

        :param after: the number of the attempt (``agent_id``) that was looked at before.
        """
        return next(iter(self._units(worker, after, 1)), None)

    def decide(self, unit: StoredAnswer, choice: Choice) -> RecordedChoice:
        """Record the decision on one unit.

        :raises famulus.ConflictError: when the unit has changed since it was read, or its worker
            still has time to return it before a rejection.
        :raises famulus.UsageError: for an invalid name or value of the qualification, and for a
            decision that the platform does not take.
        """
        rules = self.rules_for(choice, unit.provider)
        made = self.database.write(lambda tx: record_choice(tx, [unit], choice, rules))
        if made.refused:
            raise ConflictError(made.refused[0])
        self._made.append(made)
        self._changed_runs |= made.runs
        return made

    def decide_rest(self, unit: StoredAnswer, choice: Choice) -> RecordedChoice:
        """Record one decision on a unit and on all later attempts of its worker."""
        rules = self.rules_for(choice, unit.provider)
        whole, plain = RecordedChoice(), evolve(choice, qualification=None)
        self._made.append(whole)
        units = [unit]
        while units:
            is_rest = units[0] is not unit
            record = partial(
                record_choice,
                units=units,
                choice=plain if is_rest else choice,
                rules=rules,
                is_rest=is_rest,
            )
            part = self.database.write(record)
            self._changed_runs |= part.runs
            whole.reviews += part.reviews
            whole.refused += part.refused
            whole.granted = whole.granted or part.granted
            units = self._units(unit.worker_id, units[-1].agent, _TOGETHER)
        return whole

    def undo(self) -> RecordedChoice | None:
        """Undo the last choice with its grant; return what was undone, or None if there is nothing.

        A unit whose decision another session has applied stays as it is, and is
        ``refused``.
        """
        while self._made and not self._made[-1].reviews:
            self._made.pop()
        if not self._made:
            return None
        made = self._made.pop()
        undone = RecordedChoice()
        for page in pages(reversed(made.reviews)):
            granted = None if undone.granted else made.granted
            part = self.database.write(lambda tx: undo_choice(tx, page, granted))  # noqa: B023
            undone.reviews += part.reviews
            undone.refused += part.refused
            undone.granted = undone.granted or part.granted
        return undone

    def apply(self) -> Applied:
        """Apply the decisions of this session; they cannot be undone afterwards."""
        newest = newest_outbox_row(self.database)
        units = (unit for made in self._made for unit, _ in made.reviews)
        decisions = self._apply_to(units)
        self._made, runs, self._changed_runs = [], self._changed_runs, set()
        return Applied(decisions=decisions, problems=self._deliver(runs, newest))

    def accept_all(self) -> Applied:
        """Accept every unit that is up for review, and apply these decisions."""
        newest = newest_outbox_row(self.database)
        choice, accepted, runs = Choice(decision=Decision.ACCEPTED), 0, set[int]()
        for units in self._all_units():
            made = self.database.write(partial(_decide_and_apply, units=units, choice=choice))
            accepted += len(made.reviews)
            runs |= made.runs
        return Applied(decisions=accepted, problems=self._deliver(runs, newest))

    def _deliver(self, runs: Iterable[int], newest: int) -> list[str]:
        return deliver_changes(self.database, self.plugins, runs, after=newest)

    def _all_units(self) -> Iterator[list[StoredAnswer]]:
        worker: WorkerView | None = None
        while True:
            with self.database.read() as tx:
                worker = next_worker(tx, self.scope, after=worker.id if worker else 0)
            if worker is None:
                return
            after = 0
            while units := self._units(worker.id, after, _TOGETHER):
                yield units
                after = units[-1].agent

    def _units(self, worker: int, after: int, most: int) -> list[StoredAnswer]:
        with self.database.read() as tx:
            return next_units(tx, self.scope, worker, self.database.files, after=after, most=most)

    def _leftovers(self) -> Iterator[int]:
        after = 0
        while True:
            with self.database.read() as tx:
                units = unapplied_units(tx, self.scope.runs, after=after)
            yield from units
            if not units:
                return
            after = units[-1]

    def _apply_to(self, units: Iterable[int]) -> int:
        bounds = self.bounds
        return sum(
            self.database.write(partial(apply_decisions, units=page, bounds=bounds))
            for page in pages(units)
        )


def _decide_and_apply(
    tx: Transaction, units: Sequence[StoredAnswer], choice: Choice
) -> RecordedChoice:
    recorded = record_choice(tx, units, choice, PlatformRules())
    apply_decisions(tx, [unit for unit, _ in recorded.reviews])
    return recorded


def pages(things: Iterable[T]) -> Iterator[list[T]]:
    """Yield items in lists that are short enough for one transaction."""
    rest = iter(things)
    while page := list(islice(rest, _TOGETHER)):
        yield page
