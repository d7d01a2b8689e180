"""A run on a platform that refills places by itself, and what may happen to both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

from attrs import define, field
from peewee import JOIN

from famulus.contracts.entry_form import EntryForm
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Arrival,
    Capabilities,
    Outcome,
    Preview,
    Result,
    RunView,
    VisitReport,
    VisitVerdict,
    VisitView,
)
from famulus.contracts.views import Refusal
from famulus.contracts.visit_verdict import Reject
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.errors import ConflictError, RefusedError
from famulus.model.database import Database
from famulus.model.states import OPEN_AGENTS, Decision, RunStatus, UnitStatus, VisitStatus
from famulus.model.tables import AgentTable, UnitTable, VisitTable, literals
from famulus.model.transaction import Row, Transaction
from famulus.operate.manual_sync import sync_now
from famulus.testing.fake_platform import PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, kit_plugins
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock

UNITS = 4
#: seconds after a rejection from here in which a list that shows it as undone may be outdated
LAG = 600
#: seconds that a worker has
DURATION = 600
_REFILLED = (
    VisitStatus.REJECTED,
    VisitStatus.RETURNED,
    VisitStatus.TIMED_OUT,
    VisitStatus.SCREENED_OUT,
)


@define
class Study:
    """The study of a run on a platform where its number of places only grows.

    It recruits while it is active and a place is free: one whose visit was rejected or returned is.
    A rejection makes it active again, whatever its state, and so does a return of submitted work.
    """

    total: int = 0
    is_active: bool = False
    #: by reference, in the order of arrival
    visits: dict[str, VisitStatus] = field(factory=dict)
    workers: dict[str, str] = field(factory=dict)
    #: called after each verdict, before its reply
    after_verdict: Callable[[], None] = lambda: None
    #: what it says to every rejection
    refusal: RefusedError | None = None
    #: whether it reports on single visits
    shows_visits: bool = True
    #: called before it does, and afterwards
    before_look: Callable[[], None] = lambda: None
    after_look: Callable[[], None] = lambda: None
    #: how often it was asked for them
    looks: int = 0
    #: called when a worker opens the page
    on_arrival: Callable[[], None] = lambda: None
    _numbers: count[int] = field(factory=count)

    @property
    def room(self) -> int:
        """How many places are not used; negative where an undone rejection has its place again."""
        return self.total - sum(status not in _REFILLED for status in self.visits.values())

    @property
    def offered(self) -> int:
        """How many workers could still come."""
        return max(0, self.room) if self.is_active else 0

    def recruit(self) -> tuple[str, str] | None:
        """Let a new worker take a place; return their name and the reference of their visit."""
        if self.offered <= 0:
            return None
        number = next(self._numbers)
        worker, reference = f"worker-{number}", f"visit-{number}"
        self.visits[reference], self.workers[reference] = VisitStatus.ACCEPTED, worker
        return worker, reference

    def provider(self) -> type[Provider]:
        """Return a provider's class that calls this platform."""
        return type("StudyProvider", (_StudyProvider,), {"study": self})


class _StudyProvider(CrowdProvider):
    type = "study"
    study: Study
    sync_seconds = 0
    capabilities = Capabilities(
        sells_places=True,
        pays=True,
        reports_submissions=True,
        keeps_paused_places=True,
        replaces_by_itself=True,
        requests_return=True,
    )

    def set_places(self, run: RunView, total: int) -> None:
        self.study.total = max(self.study.total, total)
        self.study.is_active = True

    def pause_places(self, run: RunView) -> None:
        self.study.is_active = False

    def count_open_places(self, run: RunView) -> int | None:
        return self.study.offered

    def sync(
        self, run: RunView, visits: Iterable[VisitView], cursor: str | None
    ) -> Iterable[VisitReport]:
        for reference, status in self.study.visits.items():
            worker = self.study.workers[reference]
            yield VisitReport(worker_name=worker, reference=reference, status=status)

    def look(self, run: RunView, visits: Sequence[VisitView]) -> Iterator[VisitReport]:
        self.study.looks += 1
        self.study.before_look()
        for visit in visits if self.study.shows_visits else ():
            yield VisitReport(
                worker_name=visit.worker_name,
                reference=visit.reference,
                status=self.study.visits[visit.reference],
            )
        self.study.after_look()

    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | EntryForm | Refusal:
        self.study.on_arrival()
        return super().arrive(query)

    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            is_rejected = isinstance(each.verdict, Reject)
            if is_rejected and self.study.refusal is not None:
                yield each.key, self.study.refusal
                continue
            status = VisitStatus.REJECTED if is_rejected else VisitStatus.APPROVED
            # The same verdict again has no effect.
            self.study.is_active |= (
                is_rejected and self.study.visits[each.visit.reference] is not status
            )
            self.study.visits[each.visit.reference] = status
            self.study.after_verdict()
            yield each.key, Outcome.CONFIRMED


@define
class Course:
    """One run, its study, and what happens to them."""

    database: Database
    clock: MovableClock
    onboarding: str | None = None
    units_per_row: int = 1
    options: Mapping[str, Any] = field(factory=dict)
    study: Study = field(factory=Study)
    #: the pages of those who have submitted nothing here, each with its worker, oldest first
    pages: list[tuple[GatewayWorker, Seen]] = field(factory=list, init=False)
    operator: ManualOperator = field(init=False)
    gateway: Gateway = field(init=False)

    def __attrs_post_init__(self) -> None:
        plugins = kit_plugins(study=PlatformPlugin(self.study.provider()))
        self.operator = ManualOperator(self.database, plugins=plugins)
        rows = [{"n": n} for n in range(UNITS)]
        blueprint: dict[str, Any] = {"units_per_assignment": self.units_per_row}
        if self.onboarding:
            blueprint["onboarding_qualification"] = self.onboarding
        self.gateway = self.operator.launch_rows(
            rows,
            provider="study",
            blueprint=blueprint,
            assignment_duration_in_seconds=DURATION,
            submission_timeout=60,
            **self.options,
        )
        self.study.after_verdict = self.check_invited

    @property
    def run(self) -> int:
        return self.gateway.run_id

    def act(self, name: str) -> None:
        """Do one thing, and let core do what is due."""
        with suppress(ConflictError):
            getattr(self, name)()
        for _ in range(3):
            self.clock.advance(1)
            self.operator.turn()
        if not self.operator.holds(self.run):
            sync_now(self.database, self.operator.plugins, self.run)

    def wait(self) -> None:
        """Let nothing happen."""

    def work(self) -> None:
        """Let a new worker submit, or return the place where there is no unit for them."""
        self._visit(submits=True)

    def stay(self) -> None:
        """Let a new worker take a unit and work on."""
        self._begin()

    def answer(self) -> None:
        """Let the first of those who have not submitted here do so, perhaps too late."""
        if self.pages:
            worker, page = self.pages.pop(0)
            worker.submit(page)

    def leave(self) -> None:
        """Let a worker who is at work return the place."""
        at_work = (
            each for each, status in self.study.visits.items() if status is VisitStatus.ACCEPTED
        )
        reference = next(at_work, None)
        if reference is not None:
            self.study.visits[reference] = VisitStatus.RETURNED

    def hand_in(self) -> None:
        """Let a new worker submit on the platform, and nothing here until their time is over."""
        reference = self._begin()
        if reference is not None:
            self.study.visits[reference] = VisitStatus.SUBMITTED
            self.clock.advance(DURATION)

    def hand_in_early(self) -> None:
        """Let a worker who is at work submit on the platform, and nothing here."""
        self._change_first(VisitStatus.ACCEPTED, VisitStatus.SUBMITTED)

    def give_back(self) -> None:
        """Let a new worker take a unit and return it."""
        self._visit(submits=False)

    def take_back(self) -> None:
        """Let a worker return what is submitted and not decided on."""
        submitted = (
            each for each, status in self.study.visits.items() if status is VisitStatus.SUBMITTED
        )
        reference = next(submitted, None)
        if reference is not None:
            self.study.visits[reference] = VisitStatus.RETURNED
            self.study.is_active = True

    def accept(self) -> None:
        self._decide(Decision.ACCEPTED)

    def reject(self) -> None:
        self._decide(Decision.REJECTED)

    def reverse(self) -> None:
        """Accept what was rejected."""
        self._decide(Decision.ACCEPTED, UnitStatus.REJECTED)

    def reject_there(self) -> None:
        """Reject a submission on the platform's own page, before it is decided on here."""
        self._change_first(VisitStatus.SUBMITTED, VisitStatus.REJECTED)
        self.study.is_active = True

    def reject_accepted_there(self) -> None:
        """Reject on the platform's own page what was approved."""
        self._change_first(VisitStatus.APPROVED, VisitStatus.REJECTED)

    def undo_there(self) -> None:
        """Undo a rejection on the platform's own page."""
        self._change_first(VisitStatus.REJECTED, VisitStatus.SUBMITTED)

    def stop(self) -> None:
        self.operator.stop(self.run, now=True)

    def resume(self) -> None:
        self.operator.resume(self.run)

    def check(self) -> None:
        """The study was asked for no more places than units, and offers as many as are free."""
        empty, doubled = self._visits_without_work(), self._doubled_units()
        assert self.study.total <= UNITS + empty.count(VisitStatus.APPROVED) + doubled
        if self.operator.progress(self.run).status is not RunStatus.RUNNING:
            assert self.study.offered == 0
        else:
            waiting = empty.count(VisitStatus.SUBMITTED) + empty.count(VisitStatus.ACCEPTED)
            free = len(self.units(UnitStatus.LAUNCHED))
            assert self.study.offered <= free
            assert self.study.room + waiting == free if self.study.is_active else not free

    def check_invited(self) -> None:
        """No more workers are invited than there are free units, at any moment of an open run."""
        if self.operator.progress(self.run).status is RunStatus.RUNNING:
            assert self.study.offered <= len(self.units(UnitStatus.LAUNCHED))

    def _begin(self) -> str | None:
        """Let a new worker take a unit; return the reference of their visit, if a place is free."""
        found = self.study.recruit()
        if found is None:
            return None
        worker = GatewayWorker(self.gateway, found[0])
        page = worker.arrive(found[1])
        if page.has_form:
            self.pages.append((worker, page))
        return found[1]

    def _visit(self, *, submits: bool) -> None:
        found = self.study.recruit()
        if found is None:
            return
        worker, reference = GatewayWorker(self.gateway, found[0]), found[1]
        page = worker.arrive(reference)
        if page.has_form and submits:
            worker.submit(page)
            self.study.visits[reference] = VisitStatus.SUBMITTED
        else:
            self.study.visits[reference] = VisitStatus.RETURNED

    def _change_first(self, old: VisitStatus, new: VisitStatus) -> None:
        reference = next((name for name, now in self.study.visits.items() if now is old), None)
        if reference is not None:
            self.study.visits[reference] = new

    def _doubled_units(self) -> int:
        """Return how many units have a place although others work, or have worked, for them."""
        rows = self.rows()
        taken = {
            (row.assignment, row.lane, row.replacement)
            for row in rows
            if row.status is not UnitStatus.EXPIRED
        }
        return sum(
            (row.assignment, row.lane, row.replacement + 1) in taken
            and row.visit_status is not VisitStatus.REJECTED
            for row in rows
            if row.visit_status is not None
        )

    def _visits_without_work(self) -> list[VisitStatus]:
        """Return the status there of each visit that has done nothing, and whose time is over."""
        at_work = AgentTable.select(AgentTable.visit).where(
            AgentTable.status << literals(*OPEN_AGENTS)
        )
        query = VisitTable.select(VisitTable.reference).where(
            VisitTable.run == self.run,
            VisitTable.done_at.is_null(False) | (VisitTable.id << at_work),
        )
        with self.database.read() as tx:
            done = {row.reference for row in tx.rows(query)}
        return [status for name, status in self.study.visits.items() if name not in done]

    def units(self, status: UnitStatus) -> list[int]:
        """Return the numbers of the units that have a status."""
        return [row.id for row in self.rows() if row.status is status]

    def rows(self) -> list[Row]:
        """Return all units, each with the status of the visit that holds it."""
        query = (
            UnitTable.select(
                UnitTable.id,
                UnitTable.assignment.alias("assignment"),
                UnitTable.lane,
                UnitTable.replacement,
                UnitTable.status,
                VisitTable.status.alias("visit_status"),
            )
            .join(AgentTable, JOIN.LEFT_OUTER, on=(UnitTable.agent_id == AgentTable.id))
            .join(VisitTable, JOIN.LEFT_OUTER, on=(AgentTable.visit == VisitTable.id))
            .where(UnitTable.run == self.run)
        )
        with self.database.read() as tx:
            return tx.rows(query.order_by(UnitTable.id))

    def _decide(self, decision: Decision, status: UnitStatus = UnitStatus.COMPLETED) -> None:
        units = self.units(status)[:1]

        def apply(tx: Transaction) -> None:
            for unit in units:
                decide(tx, unit, decision, note="A reason.", seen=status)
            apply_decisions(tx, units)

        self.database.write(apply)
