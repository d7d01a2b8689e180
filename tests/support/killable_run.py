"""A run on a fake platform with the real engine, whose process can be killed at any call."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import define

from famulus import (
    ConflictError,
    Database,
    FamulusError,
    Form,
    RunStatus,
    SharedTaskState,
    UnavailableError,
)
from famulus.clock import Waiting
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decision_rules import NO_TERMS, Terms
from famulus.engine.ledger.decisions import decide
from famulus.engine.places.closing import ClosingLimits, PlacesOpenError
from famulus.engine.platform.bound_provider import bind_provider
from famulus.engine.platform.visit_sync import sync_run
from famulus.engine.runs import find_run
from famulus.model.states import Decision, PaymentKind, PaymentStatus, UnitStatus
from famulus.model.tables import PaymentTable, RequesterTable, UnitTable
from famulus.operate.doctor import read_differences
from famulus.operate.lease import LEASE_SECONDS
from famulus.plugins import Plugins
from famulus.review.payment_actions import pay_bonus, retry_payment
from famulus.testing.inprocess import ManualOperator, Seen, seen
from famulus.testing.movable_clock import MovableClock


class Killed(BaseException):
    """The process is killed here; the code that catches it starts another one."""


@define
class KillPlan:
    """After how many calls to a platform the process is killed: before the next one, or after."""

    calls: int | None = None
    after: bool = False
    #: how many calls were counted so far
    counted: int = 0

    def check(self, *, after: bool) -> None:
        """Kill the process, if this is the call."""
        if self.calls == 0 and after == self.after:
            self.calls = None
            raise Killed
        if after and self.calls is not None:
            self.calls -= 1
            self.counted += 1

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """Kill nothing in this block, and count no calls."""
        left, self.calls = self.calls, None
        try:
            yield
        finally:
            self.calls = left


class ClockWaiting(Waiting):
    """Waiting that moves the clock instead: no other process ends a call that is under way."""

    def __init__(self, clock: MovableClock) -> None:
        self._clock = clock

    def monotonic(self) -> float:
        return self._clock().timestamp()

    def pause(self, seconds: float) -> None:
        self._clock.advance(seconds)


class UnhurriedOperator(ManualOperator):
    """An operator that waits without taking time."""

    def __init__(self, database: Database, clock: MovableClock, *, plugins: Plugins) -> None:
        super().__init__(database, plugins=plugins)
        self._closing_limits = ClosingLimits(
            pauses=(0.0, 0.0, 0.0), poll_interval=5.0, waiting=ClockWaiting(clock)
        )


class KillableRun:
    """A requester with one run, workers and a clock; everything goes through the engine.

    A subclass launches the run, sets ``gateway`` and ``run``, and has the workers' actions on its
    platform.
    """

    gateway: Gateway
    run: int
    #: the note of each decision
    reason = "A reason."

    def __init__(
        self,
        folder: Path,
        plugins: Plugins,
        clock: MovableClock,
        kills: KillPlan,
        *,
        address: str | None,
    ) -> None:
        self.folder = folder
        self.clock = clock
        #: what the provider's calls check
        self.kills = kills
        self.plugins = plugins
        self.database = Database(address or folder / "study.db", clock=clock)
        self.database.prepare(plugins.schemas())
        self.operator = self._new_operator()
        #: what a run is resumed with, whose task has functions
        self.shared_state: SharedTaskState | None = None
        #: what a worker saw last, by a key of the worker and their place
        self.pages: dict[str, Seen] = {}

    def _new_operator(self) -> UnhurriedOperator:
        return UnhurriedOperator(self.database, self.clock, plugins=self.plugins)

    def add_requester(self, provider: str) -> None:
        """Register the requester ``me``, without a call to the platform."""
        self.database.write(
            lambda tx: tx.insert(
                RequesterTable, provider_type=provider, name="me", created_at=tx.now
            )
        )

    def clear_faults(self) -> None:
        """Remove the platform's faults."""
        raise NotImplementedError

    def turn(self) -> None:
        """Let the operator do one round; a killed operator is replaced."""
        try:
            self.operator.turn()
        except Killed:
            self.restart()

    def restart(self) -> None:
        """Lose the operator, as in a crash, and resume the run with another."""
        self.kills.calls = None
        self.clock.advance(LEASE_SECONDS + 1)
        self.operator = self._new_operator()
        self.resume()

    def resume(self) -> None:
        """Resume the run, unless it is finished or being operated."""
        status = find_run(self.database, self.run).status
        if self.operator.holds(self.run) or status is RunStatus.FINISHED:
            return
        while True:
            try:
                self.operator.resume(self.run, shared_state=self.shared_state)
                return
            except Killed:
                self.kills.calls = None
                self.clock.advance(LEASE_SECONDS + 1)
                self.operator = self._new_operator()

    def stop(self) -> None:
        """Stop the run now."""
        if self.operator.holds(self.run):
            try:
                self.operator.stop(self.run, now=True)
            except Killed:
                self.restart()

    def finish(self) -> None:
        """Finish the run. Places that may be open, by a reply that was lost, are closed later."""
        if find_run(self.database, self.run).status is not RunStatus.FINISHED:
            try:
                with contextlib.suppress(PlacesOpenError):
                    self.operator.finish(self.run)
            except Killed:
                self.kills.calls = None
                self.operator = self._new_operator()

    def open_page(self, key: str, query: Mapping[str, str]) -> Seen:
        """Open a page, or load it again. Only operators are killed, no servers."""
        with self.kills.suspended():
            page = self.arrive(query)
        self.pages[key] = page
        return page

    def arrive(self, query: Mapping[str, str]) -> Seen:
        """Open any address."""
        return seen(self.gateway.arrive(query))

    def answer_page(self, key: str, answer: str = "yes") -> Seen | None:
        """Submit a page to us, if it has a form; return the reply, whose form is the next one."""
        page = self.pages[key]
        if not page.has_form:
            return None
        reply = seen(self.gateway.submit(Form(fields=[*page.hidden.items(), ("answer", answer)])))
        if reply.has_form:
            self.pages[key] = reply
        return reply

    def review(
        self,
        decision: Decision,
        terms: Terms = NO_TERMS,
        *,
        most: int | None = None,
        status: UnitStatus = UnitStatus.COMPLETED,
    ) -> None:
        """Decide on the units of a status, or the first of them, and apply the decisions."""
        units = self._units(status)[:most]
        for unit in units:
            self.decide(unit, decision, terms, seen=status)
        self.database.write(lambda tx: apply_decisions(tx, units))

    def decide(
        self,
        unit: int,
        decision: Decision,
        terms: Terms,
        *,
        seen: UnitStatus = UnitStatus.COMPLETED,
    ) -> None:
        """Record a decision on one unit."""
        self.database.write(
            lambda tx: decide(tx, unit, decision, note=self.reason, terms=terms, seen=seen)
        )

    def give_bonus(self, amount: str = "0.10", *, again: bool = False) -> None:
        """Pay a bonus for each accepted unit, once unless it is to be ``again``."""
        for unit in self._units(UnitStatus.ACCEPTED):
            try:
                pay_bonus(
                    self.database,
                    unit,
                    amount,
                    reason="Thank you.",
                    again=again,
                    plugins=self.plugins,
                )
            except Killed:
                self.restart()
            except (UnavailableError, ConflictError):
                # It is not in the ledger: its price cannot be asked for now, or the work was
                # returned since the units were read.
                pass

    def _units(self, status: UnitStatus) -> list[int]:
        query = (
            UnitTable.select(UnitTable.id)
            .where(UnitTable.run == self.run, UnitTable.status == status)
            .order_by(UnitTable.id)
        )
        with self.database.read() as tx:
            return [row.id for row in tx.rows(query)]

    def retry(self) -> None:
        """Retry failed bonuses."""
        query = PaymentTable.select(PaymentTable.id).where(
            PaymentTable.kind == PaymentKind.BONUS, PaymentTable.status == PaymentStatus.FAILED
        )
        with self.database.read() as tx:
            failed = [row.id for row in tx.rows(query)]
        for payment in failed:
            try:
                retry_payment(self.database, payment, plugins=self.plugins)
            except Killed:
                self.restart()

    def sync(self) -> None:
        """Do what `famulus sync RUN` does."""
        try:
            bound = bind_provider(self.database, self.plugins, self.run)
            sync_run(self.database, bound.provider, bound.run_view())
            bound.delivery().deliver_all()
        except Killed:
            self.restart()
        except FamulusError:
            pass  # a planned fault; a later sync succeeds

    def settle_down(self, seconds: Sequence[float] = (900.0,) * 12) -> None:
        """Remove all faults, and let time pass until nothing changes any more.

        :param seconds: between two looks at the platform.
        """
        self.clear_faults()
        self.kills.calls = None
        for pause in seconds:
            self.clock.advance(pause)
            self.turn()
            self.sync()
            self.review(Decision.ACCEPTED)

    @property
    def doctor(self) -> str:
        """The output of `famulus doctor`."""
        found = read_differences(self.database, self.plugins, self.run)
        return "\n".join(each.what for each in found)
