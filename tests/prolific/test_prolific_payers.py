"""Processes that pay as one account at the same time: Prolific sees one payment after the other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from famulus.testing import HttpTransport, ScriptedWorker
from famulus.testing.waiting import wait_until
from prolific_bench import parameters
from prolific_launch import EXAMPLE, ProlificLaunch, prolific_launch

pytestmark = pytest.mark.slow

PAYERS = 4
PAY = "pay-bonus-payments"
#: Pays a bonus for one unit once its input has a line.
PAYER = """
import sys
from famulus import Database, pay_bonus

with Database() as database:
    print("ready", flush=True)
    sys.stdin.readline()
    print(pay_bonus(database, int(sys.argv[1]), "0.25", reason="Well done.").status)
"""


def work_all(launch: ProlificLaunch, people: int) -> None:
    """Launch a run whose units are all done by people."""
    options = [f"blueprint.units_per_assignment={people // 2}"]
    with launch.launched(EXAMPLE / "conf/example.yaml", *options) as command:
        for _ in range(people):
            person = launch.prolific.participant(launch.participant_id())
            submission, url = person.take(launch.study.id)
            transport = HttpTransport(f"http://127.0.0.1:{launch.port}/")
            worker = ScriptedWorker(transport, person.id, query=lambda *_, url=url: parameters(url))
            answer = worker.submit(worker.open(submission.id))
            person.complete(submission, answer.text.partition("complete?cc=")[2][:12])
        launch.famulus("sync", "1")
        assert command.wait(60) == 0, command.output


@contextmanager
def payers_of(launch: ProlificLaunch) -> Iterator[list[subprocess.Popen[str]]]:
    """Start a process for each unit, each of which pays when its input has a line."""
    work_all(launch, PAYERS)
    environment = {**os.environ, "FAMULUS_DATABASE": str(launch.database)}
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", PAYER, str(unit)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    env=environment,
                )
            )
            for unit in range(1, PAYERS + 1)
        ]
        for each in started:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        yield started


def begin(payer: subprocess.Popen[str]) -> None:
    """Have a process pay."""
    assert payer.stdin is not None
    payer.stdin.write("go\n")
    payer.stdin.flush()


def test_processes_that_pay_at_the_same_time_take_turns(tmp_path: Path) -> None:
    with prolific_launch(tmp_path) as launch, payers_of(launch) as payers:
        facts = launch.prolific.facts
        facts.bonuses_take, facts.paying_takes = timedelta(0), timedelta(hours=1)
        with launch.prolific.faults.holding(PAY, after=True) as gate:
            begin(payers[0])
            assert gate.reached.wait(30)
            for each in payers[1:]:
                begin(each)
            wait_until(lambda: all(each.poll() == 0 for each in payers[1:]), "the others")
            with launch.prolific.turn() as state:
                assert sum(len(bulk.paid_at) for bulk in state.bulks.values()) == 1
            facts.paying_takes = timedelta(0)
        first, *others = (each.communicate(timeout=60)[0] for each in payers)
        launch.famulus("sync", "1")

    assert first.endswith("confirmed\n")
    assert "another process pays bonuses of the account" in "".join(others)
    assert {call.outcome for call in launch.prolific.called(PAY)} == {"200"}
    bonuses = [each for each in launch.prolific.state.money.ledger if each.kind == "bonus"]
    assert len({each.submission_id for each in bonuses}) == len(bonuses) == PAYERS
