"""Calls with many items: each item has its own result, which a crash does not lose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import pytest
from attrs import define, field

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Capabilities,
    Outcome,
    Result,
    VisitVerdict,
)
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.platform.bound_provider import deliver_run
from famulus.errors import RefusedError, UnavailableError
from famulus.model.database import Database
from famulus.model.states import Decision, OutboxStatus
from famulus.model.tables import OutboxTable, UnitTable
from famulus.model.transaction import Row, Transaction
from famulus.plugins import Plugins
from famulus.testing.fake_platform import Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock

Results: TypeAlias = Iterable[tuple[str, Result]]
WORKERS = "abcdef"
DONE, PENDING, FAILED = OutboxStatus.DONE, OutboxStatus.PENDING, OutboxStatus.FAILED


def confirm(verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
    for each in verdicts:
        yield each.key, Outcome.CONFIRMED


@define
class Bulk:
    """A platform that gets verdicts in batches, and answers as a test says."""

    answer: Callable[[Sequence[VisitVerdict]], Results] = confirm
    #: the workers of each call
    calls: list[str] = field(factory=list)

    def provider(self, batch_size: int) -> type[Provider]:
        def send(_: Provider, verdicts: Sequence[VisitVerdict]) -> Results:
            self.calls.append("".join(each.visit.worker_name for each in verdicts))
            return self.answer(verdicts)

        members = {"type": "bulk", "batch_size": batch_size, "decide": send}
        members["capabilities"] = Capabilities(pays=True)
        return type("BulkProvider", (CrowdProvider,), members)


@define
class Study:
    """A run of six units, each done by another worker and accepted; no verdict is sent yet."""

    database: Database
    platform: Bulk
    plugins: Plugins
    run: int

    def deliver(self) -> int:
        return deliver_run(self.database, self.plugins, self.run)

    def row(self, worker: str) -> Row:
        """The outbox row of a worker's verdict."""
        with self.database.read() as tx:
            rows = tx.rows(OutboxTable.select().order_by(OutboxTable.id))
        return rows[WORKERS.index(worker)]

    def states(self) -> list[tuple[OutboxStatus, str]]:
        return [(row.status, row.error) for row in map(self.row, WORKERS)]


@pytest.fixture
def begin(database: Database) -> Callable[[int], Study]:
    """A function that makes a study on a platform that takes batches of a size."""

    def make(batch_size: int) -> Study:
        platform = Bulk()
        plugins = kit_plugins(bulk=PlatformPlugin(platform.provider(batch_size)))
        with ManualOperator(database, plugins=plugins) as operator:
            gateway = operator.launch_rows([{"n": n} for n in range(6)], provider="bulk")
            for name in WORKERS:
                GatewayWorker(gateway, name).work()

        def accept(tx: Transaction) -> None:
            units = [row.id for row in tx.rows(UnitTable.select(UnitTable.id))]
            for unit in units:
                decide(tx, unit, Decision.ACCEPTED)
            apply_decisions(tx, units)

        database.write(accept)
        return Study(database, platform, plugins, gateway.run_id)

    return make


def test_a_call_has_as_many_items_as_the_platform_takes(begin: Callable[[int], Study]) -> None:
    study = begin(4)

    assert study.deliver() == 6

    assert study.platform.calls == ["abcd", "ef"]
    assert study.states() == [(DONE, "")] * 6


def test_each_item_has_its_own_result(
    begin: Callable[[int], Study], clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        a, b, c, d, _, f = (each.key for each in verdicts)
        yield f, Outcome.CONFIRMED
        yield a, UnavailableError("throttled", retry_after=60)
        yield b, RefusedError("it is too late")
        yield c, Outcome.UNKNOWN
        yield "another key", Outcome.CONFIRMED
        yield f, Outcome.FAILED
        yield d, "done"  # type: ignore[misc]

    study = begin(10)
    study.platform.answer = answer

    assert study.deliver() == 2

    assert study.platform.calls == ["abcdef"]
    assert study.states() == [
        (PENDING, "throttled"),
        (FAILED, "it is too late"),
        (PENDING, "the platform has not reported the outcome"),
        (PENDING, "the provider has returned 'done', which is not a Result"),
        (PENDING, "the provider has returned no result"),
        (DONE, ""),
    ]
    assert (study.row("a").next_attempt_at - clock()).total_seconds() == 60
    assert "'another key', which was not asked for" in caplog.text
    assert "which has a result already" in caplog.text

    study.platform.answer = confirm
    clock.advance(60)
    study.deliver()
    assert study.platform.calls[1:] == ["acde"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (UnavailableError("throttled"), (PENDING, "throttled")),
        (RefusedError("no balance"), (FAILED, "no balance")),
        (ConnectionError("reset"), (PENDING, "ConnectionError: reset")),
        (SystemExit(3), (PENDING, "SystemExit: 3")),
    ],
)
def test_an_exception_out_of_a_call_is_the_result_of_the_items_without_one(
    begin: Callable[[int], Study], error: BaseException, state: tuple[OutboxStatus, str]
) -> None:
    def answer(verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        yield verdicts[1].key, Outcome.CONFIRMED
        raise error

    study = begin(3)
    study.platform.answer = answer
    study.deliver()

    assert study.states() == [state, (DONE, ""), state] * 2


@pytest.mark.parametrize("confirmed", [0, 1, 5])
def test_results_before_a_kill_are_kept_and_the_other_items_sent_again(
    begin: Callable[[int], Study], clock: MovableClock, confirmed: int
) -> None:
    def answer(verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        yield from confirm(verdicts[:confirmed])
        raise Killed

    study = begin(6)
    study.platform.answer = answer
    with pytest.raises(Killed):
        study.deliver()
    study.platform.answer = confirm

    assert study.deliver() == 0
    clock.advance(120)
    assert study.deliver() == 6 - confirmed
    assert study.platform.calls == [WORKERS, WORKERS[confirmed:]]


def test_claims_are_extended_while_results_come(
    begin: Callable[[int], Study], clock: MovableClock
) -> None:
    def answer(verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for pair in confirm(verdicts):
            clock.advance(60)
            assert study.deliver() == 0
            yield pair

    study = begin(6)
    study.platform.answer = answer

    assert study.deliver() == 6
    assert study.platform.calls == [WORKERS]


def test_a_process_that_has_lost_its_claims_ends_its_call(
    begin: Callable[[int], Study], clock: MovableClock
) -> None:
    made: list[str] = []

    def answer(verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for pair in confirm(verdicts):
            made.append(pair[0])
            yield pair
            clock.advance(120)
            study.platform.answer = confirm
            study.deliver()

    study = begin(6)
    study.platform.answer = answer
    study.deliver()

    assert len(made) == 2
    assert study.platform.calls == [WORKERS, WORKERS[1:]]
    assert study.states() == [(DONE, "")] * 6
