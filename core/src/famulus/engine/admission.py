"""Letting a worker in: one transaction where nobody else has a say, several where plugins do."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from attrs import evolve, frozen

from famulus.contracts.provider import Arrival
from famulus.contracts.qualification_check import QualificationCheck
from famulus.contracts.views import Refusal, RefusalReason, UnitView, WorkerView
from famulus.engine.allocation import Candidate, Share, candidates, make_share, save_share
from famulus.engine.arrival import (
    Found,
    Known,
    Onboarding,
    Rules,
    end_earlier,
    lock_worker,
    make_worker,
    recognise,
    unit_data,
)
from famulus.engine.giving import (
    Searching,
    begin_onboarding,
    end_settled,
    give_unit,
    needs_onboarding,
    nothing_for,
    read_held,
    refuse_another,
    refuse_by_limits,
    refuse_by_rules,
)
from famulus.engine.occupancy import claim_place, lock_place, note_arrival, refuse_stranger
from famulus.engine.refusals import Refusals
from famulus.model.database import Database
from famulus.model.statements import Kind
from famulus.model.transaction import Transaction

#: Units that ``worker_can_do_unit`` is asked about in one go, and at one arrival.
_ASKED_TOGETHER = 50
_ASKED_AT_MOST = 500
#: Units that are not for a worker passed over for one question to ``worker_can_do_unit``.
_PASSED_FOR_ONE = 20_000
#: Transactions that one arrival may search through units that are not for the worker.
_SEARCHES = 500

Predicate = Callable[[WorkerView, UnitView], bool]


@frozen(kw_only=True)
class Admission:
    """How workers come into one run."""

    database: Database
    rules: Rules
    checks: Sequence[QualificationCheck]
    predicate: Predicate | None
    refusals: Refusals

    def admit(self, arrival: Arrival, query: Mapping[str, str]) -> Found:
        """Give an arriving worker what is theirs: a unit, the onboarding, or the reason why not."""
        found = self._admit(arrival, query)
        if isinstance(found, Refusal) and found.note:
            self.refusals.note(arrival.worker_name, found)
        return found

    def refuse_another(self, worker_name: str) -> Refusal | None:
        """Return why a worker would get no further unit now, as far as that can be told without
        asking plugins; None where there may be one.
        """
        arrival = Arrival(worker_name=worker_name, reference="")
        with self.database.read() as tx:
            known = recognise(tx, self.rules, arrival)
            if known.worker is not None:
                known = evolve(known, held=read_held(tx, self.rules, known.worker))
            return refuse_another(tx, self.rules, known)

    def _admit(self, arrival: Arrival, query: Mapping[str, str]) -> Found:
        if self.predicate is None and not self.checks:
            return self._admit_at_once(arrival, query)
        known = self.database.write(lambda tx: self._prepare(tx, arrival, query))
        if known.found is not None:
            return known.found
        worker = self._view(known, arrival)
        for check in self.checks:
            refusal = self._ask(check, worker)
            if refusal is not None:
                return refusal
        if self.predicate is None:
            return self._admit_at_once(arrival, query)
        known = self.database.write(lambda tx: self._welcome(tx, arrival, query))
        if known.found is not None:
            return known.found
        return self._search(self.predicate, worker, arrival, known, query)

    def _ask(self, check: QualificationCheck, worker: WorkerView) -> Refusal | None:
        try:
            refusal = check.refuse(worker, self.rules.run)
            if refusal is None:
                return None
            if not isinstance(refusal, Refusal):
                raise TypeError(f"refuse returned {refusal!r}: it must return a Refusal or None")
        except Exception as error:
            error.add_note(f"In the qualification check {check.type!r}: it lets nobody in.")
            raise
        note = ": ".join(filter(None, [f"check {check.type}", refusal.note or refusal.detail]))
        return evolve(refusal, note=note)

    def _admit_at_once(self, arrival: Arrival, query: Mapping[str, str]) -> Found:
        for _ in range(_SEARCHES):
            found = self.database.write(lambda tx: self._welcome_and_give(tx, arrival, query))
            if not isinstance(found, Searching):
                return found
        return Refusal(reason=RefusalReason.NOTHING_LEFT)

    def _welcome_and_give(
        self, tx: Transaction, arrival: Arrival, query: Mapping[str, str]
    ) -> Found | Searching:
        known = self._welcome(tx, arrival, query)
        if known.found is not None:
            return known.found
        found = give_unit(tx, self.rules, arrival, known, query)
        assert found is not None
        return found

    def _welcome(self, tx: Transaction, arrival: Arrival, query: Mapping[str, str]) -> Known:
        """Find out what is known of a worker, and begin their onboarding where they need it."""
        known = self._prepare(tx, arrival, query)
        if known.found is not None:
            return known
        if not needs_onboarding(self.rules, known):
            return known
        return evolve(known, found=begin_onboarding(tx, self.rules, arrival, known, query))

    def _prepare(self, tx: Transaction, arrival: Arrival, query: Mapping[str, str]) -> Known:
        """Recognise the worker, and make them known if the door is open to them at all."""
        rules = self.rules
        known = recognise(tx, rules, arrival)
        if isinstance(known.found, Onboarding) and end_settled(tx, rules, known.found):
            known = recognise(tx, rules, arrival)
        if known.found is not None:
            note_arrival(tx, arrival, known)
            return known
        worker = known.worker
        if worker is None:
            refusal = refuse_stranger(tx, rules, arrival)
            if refusal is not None:
                return evolve(known, found=refusal)
            worker = make_worker(tx, rules.provider_type, arrival.worker_name)
        if tx.kind is Kind.POSTGRESQL:
            lock_worker(tx, worker)
            lock_place(tx, rules.run, arrival.place)
            # Another request of the same worker may have been first to the lock.
            known = recognise(tx, rules, arrival)
        end_earlier(tx, rules, known)
        note_arrival(tx, arrival, known)
        known = evolve(known, worker=worker, held=read_held(tx, rules, worker))
        known = evolve(known, found=known.found or refuse_by_rules(rules, known))
        return claim_place(tx, rules, arrival, known, query)

    def _search(
        self,
        predicate: Predicate,
        worker: WorkerView,
        arrival: Arrival,
        known: Known,
        query: Mapping[str, str],
    ) -> Found:
        """Ask the predicate about a bounded number of units, from where the last search ended.

        It is third-party code, so it is asked between transactions, and the unit it has agreed to
        is claimed only if it is still free then.
        """
        asked: set[int] = set()
        while len(asked) < _ASKED_AT_MOST:
            looked = self.database.write(lambda tx: self._look(tx, known))
            if isinstance(looked, Refusal):
                return looked
            coming = [(each, unit) for each, unit in looked if unit.id not in asked]
            if not coming:
                break
            for candidate, unit in coming:
                asked.add(unit.id)
                if not predicate(worker, unit):
                    continue
                claim = partial(
                    self._claim, arrival=arrival, known=known, query=query, only=candidate
                )
                found = self.database.write(claim)
                if found is not None:
                    return found
        return Refusal(reason=RefusalReason.NOTHING_LEFT)

    def _look(self, tx: Transaction, known: Known) -> Refusal | list[tuple[Candidate, UnitView]]:
        """Return the next units to ask about and remember where to go on; a refusal at the end."""
        assert known.worker is not None
        rules = self.rules
        lock_worker(tx, known.worker)
        share = make_share(
            tx, run=rules.run, worker=known.worker, task=rules.task, lanes=rules.lanes
        )
        refusal = refuse_by_limits(tx, rules, known.gate, known.worker, share)
        if refusal is not None:
            return refusal
        found = self._after_cursor(tx, known.worker, share)
        share.cursor = [found[-1].lane, found[-1].position] if found else None
        save_share(tx, share)
        if not found:
            return nothing_for(known.gate, share)
        return [(each, _unit_view(tx, each)) for each in found]

    def _after_cursor(self, tx: Transaction, worker: int, share: Share) -> list[Candidate]:
        for start in (share.cursor, [0, -1]):
            if start is None:
                continue
            coming = candidates(
                tx,
                run=self.rules.run,
                worker=worker,
                share=share,
                start=tuple(start),
                most_passed=_PASSED_FOR_ONE,
            )
            found = list(itertools.islice(coming, _ASKED_TOGETHER))
            if found:
                return found
        return []

    def _claim(
        self,
        tx: Transaction,
        arrival: Arrival,
        known: Known,
        query: Mapping[str, str],
        only: Candidate,
    ) -> Found | None:
        assert known.worker is not None
        lock_worker(tx, known.worker)
        lock_place(tx, self.rules.run, arrival.place)
        again = recognise(tx, self.rules, arrival)
        again = claim_place(tx, self.rules, arrival, again, query)
        if again.found is not None:
            return again.found
        found = give_unit(tx, self.rules, arrival, again, query, only)
        assert not isinstance(found, Searching)
        return found

    def _view(self, known: Known, arrival: Arrival) -> WorkerView:
        assert known.worker is not None
        return WorkerView(
            id=known.worker, name=arrival.worker_name, provider_type=self.rules.provider_type
        )


def _unit_view(tx: Transaction, candidate: Candidate) -> UnitView:
    index, data = unit_data(tx, candidate.unit)
    return UnitView(
        id=candidate.unit, assignment_id=candidate.assignment, index=index, data=json.loads(data)
    )
