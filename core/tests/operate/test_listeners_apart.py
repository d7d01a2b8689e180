"""A listener that hangs, is slow or raises anything delays no other, no worker and no shutdown."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from famulus.contracts.hookspecs import RunEvent, hookimpl
from famulus.contracts.views import SubmittedUnit
from famulus.engine import events
from famulus.model.database import Database
from famulus.operate.operator import Operator
from famulus.testing.inprocess import (
    GatewayWorker,
    ManualOperator,
    kit_plugins,
    rows_configuration,
)
from famulus.testing.kinds import RowsState
from famulus.testing.waiting import wait_until

ROWS = [{"n": n} for n in range(3)]


class Listener:
    """Records its events, and acts on the first submission."""

    def __init__(self, act: Callable[[SubmittedUnit], object] = lambda unit: None) -> None:
        self.calls: list[Any] = []
        self._act = act

    @hookimpl
    def famulus_run_launched(self, event: RunEvent) -> None:
        self.calls.append("launched")

    @hookimpl
    def famulus_unit_submitted(self, unit: SubmittedUnit) -> None:
        self.calls.append((unit.data["n"], unit.answers["answer"]))
        if len(self.calls) == 2:
            self._act(unit)

    @hookimpl
    def famulus_run_finished(self, event: RunEvent) -> None:
        self.calls.append("finished")


STORY = ["launched", (0, "a"), (1, "b"), (2, "c"), "finished"]


@pytest.fixture
def hanging() -> Iterator[Callable[[SubmittedUnit], object]]:
    over = threading.Event()
    yield lambda unit: over.wait()
    over.set()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_CALL_SECONDS", 0.2)
    monkeypatch.setattr(events, "_SLOW_SECONDS", 0.1)


def raising(error: BaseException) -> Callable[[SubmittedUnit], object]:
    def act(unit: SubmittedUnit) -> None:
        raise error

    return act


def do_all(operator: Operator, run: int) -> None:
    gateway = operator.gateway(run)
    for answer in "abc":
        GatewayWorker(gateway, "x").work(answer)


def launch(operator: Operator, **shared: Any) -> int:
    state = RowsState(rows=ROWS, **shared)
    return operator.launch(rows_configuration(), shared_state=state).run_id


@pytest.mark.parametrize(
    "error",
    [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), BaseException(), ZeroDivisionError()],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_of_a_listener_does_not_stop_later_events(
    error: BaseException, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = Listener(raising(error)), Listener()
    with Operator(database, plugins=kit_plugins(first=first, second=second)) as operator:
        run = launch(operator, on_unit_submitted=raising(error))
        do_all(operator, run)
        assert operator.wait(run, timeout=60).status == "finished"

    assert first.calls == second.calls == STORY
    assert "plugin 'first' failed in famulus_unit_submitted" in caplog.text
    assert "on_unit_submitted failed in famulus_unit_submitted" in caplog.text


def test_a_listener_that_hangs_is_named_and_gets_the_rest_later(
    database: Database,
    hanging: Callable[[SubmittedUnit], object],
    impatient: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stuck, other = Listener(hanging), Listener()
    with Operator(database, plugins=kit_plugins(stuck=stuck, other=other)) as operator:
        run = launch(operator)
        do_all(operator, run)
        assert operator.wait(run, timeout=60).status == "finished"

    assert other.calls == STORY
    assert stuck.calls == STORY[:2]
    assert "plugin 'stuck' has not returned from famulus_unit_submitted for" in caplog.text
    assert "abandoned" in caplog.text

    again, other = Listener(), Listener()
    events.dispatch_events_of_ended_run(database, kit_plugins(stuck=again, other=other), run)
    assert again.calls == STORY[1:]
    assert other.calls == []


@pytest.mark.parametrize("kind", ["plugin", "callback"])
def test_the_operators_block_ends_although_a_listener_hangs(
    kind: str,
    database: Database,
    hanging: Callable[[SubmittedUnit], object],
    impatient: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plugins = kit_plugins(stuck=Listener(hanging)) if kind == "plugin" else kit_plugins()
    shared = {"on_unit_submitted": hanging} if kind == "callback" else {}
    label = "on_unit_submitted" if kind == "callback" else "plugin 'stuck'"

    with Operator(database, plugins=plugins) as operator:
        run = launch(operator, **shared)
        GatewayWorker(operator.gateway(run), "x").work("a")
        wait_until(
            lambda: f"{label} has not returned" in caplog.text,
            "the log names the listener that hangs",
        )
        started = time.monotonic()

    assert time.monotonic() - started < 20
    assert f"{label} has not returned from famulus_unit_submitted" in caplog.text


def test_changes_of_a_listener_are_invisible_to_others(database: Database) -> None:
    def spoil(unit: SubmittedUnit) -> None:
        assert isinstance(unit.data, dict)
        unit.data["n"] = unit.answers["answer"] = "spoilt"

    own: list[SubmittedUnit] = []
    first, second = Listener(spoil), Listener()
    plugins = kit_plugins(first=first, second=second)
    with ManualOperator(database, plugins=plugins) as operator:
        assert isinstance(operator, ManualOperator)
        run = operator.launch_rows(ROWS, shared={"on_unit_submitted": own.append}).run_id
        do_all(operator, run)
        operator.turn()

    assert first.calls == second.calls == STORY
    assert [unit.answers["answer"] for unit in own] == ["a", "b", "c"]


def test_a_plugin_that_comes_later_begins_where_the_others_are(database: Database) -> None:
    first, late = Listener(), Listener()
    with ManualOperator(database, plugins=kit_plugins(first=first)) as operator:
        assert isinstance(operator, ManualOperator)
        run = operator.launch_rows(ROWS).run_id
        GatewayWorker(operator.gateway(run), "x").work("a")
        operator.turn()

    with ManualOperator(database, plugins=kit_plugins(first=first, late=late)) as operator:
        assert isinstance(operator, ManualOperator)
        operator.resume(run, shared_state=RowsState(rows=ROWS))
        GatewayWorker(operator.gateway(run), "x").work("b")
        operator.turn()

    assert late.calls == ["launched", (1, "b")]
    assert first.calls == [*STORY[:2], *late.calls]


KILLED = """
import os, signal, sys, threading
from pathlib import Path
from famulus import Database, hookimpl
from famulus.operate.operator import Operator
from famulus.testing.inprocess import GatewayWorker, kit_plugins, rows_configuration
from famulus.engine.events import dispatch_events_of_ended_run
from famulus.engine.runs import find_run
address, folder, fatal = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
# A worker who is cut off would hold a unit until its time is over.
all_submitted = threading.Event()

class Listener:
    def __init__(self, name, fatal):
        self.file, self.fatal = folder / name, fatal

    @hookimpl
    def famulus_unit_submitted(self, unit):
        all_submitted.wait()
        with self.file.open("a") as lines:
            print(unit.data["n"], file=lines)
        if unit.data["n"] == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

plugins = kit_plugins(one=Listener("one", fatal), two=Listener("two", None))
with Database(address) as database, Operator(database, plugins=plugins) as operator:
    if Path(address).exists() and find_run(database, 1).status == "finished":
        all_submitted.set()
        dispatch_events_of_ended_run(database, plugins, 1)
        sys.exit()
    if fatal == 3:
        rows = {"rows_file": str(folder / "rows.jsonl")}
        run = operator.launch(rows_configuration(blueprint=rows)).run_id
    else:
        run = operator.resume(1).run_id
    gateway = operator.gateway(run)
    while GatewayWorker(gateway, "x").work().refusal is None:
        pass
    all_submitted.set()
    operator.wait(run)
"""


def test_after_a_kill_each_listener_gets_the_rest_in_order(tmp_path: Path) -> None:
    rows = "".join(f'{{"n": {n}}}\n' for n in range(10))
    (tmp_path / "rows.jsonl").write_text(rows)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "f.db"), str(tmp_path)]

    for fatal in (3, 6):
        assert subprocess.run([*command, str(fatal)], check=False).returncode == -signal.SIGKILL
    assert subprocess.run([*command, "-1"], check=False).returncode == 0

    for name in ("one", "two"):
        calls = list(map(int, (tmp_path / name).read_text().split()))
        # Each resumes at or before the first event that it has not received.
        assert all(new <= max(calls[:n], default=-1) + 1 for n, new in enumerate(calls))
        assert sorted(set(calls)) == list(range(10))
