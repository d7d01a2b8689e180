"""One run whose processes are killed, from its launch until all workers are paid."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from attrs import define, field

from campaign.platforms import Crowd
from campaign.worker_threads import Person
from famulus import Database
from famulus.data.payments import list_payments
from famulus.model.states import OutboxStatus, PaymentStatus
from famulus.model.tables import AgentTable, OutboxTable, TaskRunTable, UnitTable
from famulus.testing.command import Command, famulus_command
from free_ports import free_port

TASK = "campaign"
_LANES = 3
_PEOPLE = 8
#: Seconds for what has to happen by itself.
_PATIENCE = 120.0
#: Seconds after the start of a command within which it is killed.
_STARTING = 1.0
_TICK = 0.002


class RoundFailedError(AssertionError):
    """A guarantee was broken; the message names it and the choices of the round."""


class Victim(StrEnum):
    """The processes that are killed while a run is operated."""

    SERVER = "server"
    OPERATOR = "operator"
    BOTH = "server and operator"


@define(kw_only=True, eq=False)
class Round:
    """One run with a database, a crowd, and choices of its own.

    ``kills`` is how many processes are killed while people work; the commands that pay, for
    ``bonuses`` of the units, are killed on top of that. ``killed`` counts both.
    """

    #: whether commands are killed, too
    kills_commands: ClassVar[bool] = True
    units_per_kill: ClassVar[int] = 30

    folder: Path
    address: str
    crowd: Crowd
    seed: str
    kills: int
    bonuses: int
    killed: int = 0
    log: list[str] = field(factory=list)
    _over: threading.Event = field(factory=threading.Event)
    chance: random.Random = field(init=False)
    port: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.port = free_port()

    def run(self) -> None:
        """Run the round.

        :raises RoundFailedError: when a promise was broken.
        """
        try:
            acknowledged = self._collect()
            self._check_answers(acknowledged)
            self._pay()
            self._check_payments()
        except AssertionError as error:
            story = "\n".join(self.log)
            raise RoundFailedError(f"round {self.seed}: {error}\n{story}") from error

    @property
    def url(self) -> str:
        """The address of the run."""
        return f"http://localhost:{self.port}/"

    @property
    def _units(self) -> int:
        rows = -(-self.kills * self.units_per_kill // _LANES)
        return rows * _LANES

    def _collect(self) -> dict[str, str]:
        """Do the whole run under kills; return the acknowledged submissions."""
        self.crowd.register(self.address)
        people: list[Person] = []
        with ExitStack() as commands:
            command = commands.enter_context(self._famulus("launch", *self._configure()))
            command.wait_for("Ctrl-C stops it")
            people += [
                Person(self.crowd, f"A{n}", self.url, self._over, self.seed) for n in range(_PEOPLE)
            ]
            for person in people:
                person.start()
            try:
                command = self._kill(commands, command, people)
                status = command.wait(_PATIENCE)
                assert status == 0, f"the run ended with {status}:\n{command.output}"
            finally:
                self._over.set()
                for person in people:
                    person.join(timeout=30)
        unexpected = [line for person in people for line in person.unexpected]
        assert not unexpected, f"workers were shown {unexpected}"
        assert not self.crowd.open_places(), "places are open after the end"
        return {key: answer for each in people for key, answer in each.acknowledged.items()}

    def _kill(self, commands: ExitStack, command: Command, people: Sequence[Person]) -> Command:
        """Kill processes while workers work; return the command that operates the run then."""
        for _ in range(self.kills):
            command = self._kill_once(commands, command, people)
        return command

    def _kill_once(
        self, commands: ExitStack, command: Command, people: Sequence[Person]
    ) -> Command:
        victim = self.chance.choice(list(Victim))
        self._wait_for_answers(command, people, self.chance.randrange(5))
        wait(self.chance.uniform(0, 0.05))
        if command.process.poll() is not None:
            return command
        self.note(f"kill {victim}")
        if victim is not Victim.OPERATOR:
            _kill(_children(command.process.pid))
        if victim is Victim.SERVER:
            return command
        command.kill()
        return self._resume(commands)

    def _resume(self, commands: ExitStack) -> Command:
        """Resume the run, sometimes after a resume that was killed, or after a sync."""
        if self.chance.random() < 0.3:
            self._sync()
            assert not self.crowd.open_places(), "places are open and not served"
        while self.chance.random() < 0.3:
            with self._famulus("resume", "1") as starting:
                wait(self.chance.uniform(0, _STARTING))
                self.note("kill a resume")
                starting.kill()
        command = commands.enter_context(self._famulus("resume", "1"))
        command.wait_for("Ctrl-C stops it")
        return command

    def _sync(self) -> None:
        with self._famulus("sync", "1") as command:
            status = command.wait(_PATIENCE)
        # The operator may have been killed between creating a place and storing its number.
        is_late = self.crowd.unlisted and self.crowd.unlisted in command.output
        assert status == (1 if is_late else 0), f"sync ended {status}: {command.output}"

    def _wait_for_answers(self, command: Command, people: Sequence[Person], more: int) -> None:
        wanted = more + sum(len(person.acknowledged) for person in people)
        _wait_until(
            lambda: (
                sum(len(person.acknowledged) for person in people) >= wanted
                or command.process.poll() is not None
            ),
            lambda: (
                f"no answer is acknowledged any more; waiting calls: {self._waiting()}\n"
                f"{command.output}"
            ),
        )

    def _pay(self) -> None:
        """Accept all work and pay some bonuses, by commands that are killed."""
        self._until_done("review", TASK, "--accept-all", kills=2)
        with self._database() as database, database.read() as tx:
            units = [
                row.id for row in tx.rows(UnitTable.select(UnitTable.id).order_by(UnitTable.id))
            ]
        for unit in self.chance.sample(units, self.bonuses):
            self._until_done(
                "bonus", str(unit), "0.50", "--reason", f"Unit {unit}.", kills=1, anyway=True
            )
        deadline = time.monotonic() + _PATIENCE
        while unpaid := self._unpaid():
            assert time.monotonic() < deadline, f"still not paid: {unpaid}"
            self._until_done("payments", "settle", kills=1, anyway=True)
            for payment, status in unpaid:
                if status is PaymentStatus.FAILED:
                    self._until_done("payments", "retry", str(payment), anyway=True)

    def _waiting(self) -> list[str]:
        """Return the outbox rows that are not delivered, for the message of a failure."""
        query = OutboxTable.select().where(OutboxTable.status != OutboxStatus.DONE)
        with self._database() as database, database.read() as tx:
            return [
                f"{row.kind} {row.payload} ({row.status}, {row.attempts} attempts: {row.error})"
                for row in tx.rows(query.order_by(OutboxTable.id))
            ]

    def _unpaid(self) -> list[tuple[int, PaymentStatus]]:
        with self._database() as database:
            return [
                (payment.id, payment.status)
                for payment in list_payments(database)
                if payment.status is not PaymentStatus.CONFIRMED
            ]

    def _check_answers(self, acknowledged: dict[str, str]) -> None:
        stored: dict[str, Any] = {}
        with self._database() as database, database.read() as tx:
            for row in tx.rows(
                AgentTable.select(AgentTable.submission_id, AgentTable.answers).where(
                    AgentTable.submission_id.is_null(False)
                )
            ):
                stored[row.submission_id] = row.answers["answer"]
            units = [row.status.value for row in tx.rows(UnitTable.select(UnitTable.status))]
            [run] = tx.rows(TaskRunTable.select(TaskRunTable.status))
        lost = {key for key, answer in acknowledged.items() if stored.get(key) != answer}
        assert acknowledged, "no answers were acknowledged"
        assert not lost, f"{len(lost)} acknowledged answers are lost: {sorted(lost)[:5]}"
        assert units == ["completed"] * self._units, f"units are {units}"
        assert run.status.value == "finished", f"the run is {run.status.value}"

    def _check_payments(self) -> None:
        with self._database() as database:
            bonuses, rewards = self.crowd.bonuses(database), self.crowd.rewards(database)
        assert list(bonuses.values()) == [1] * self.bonuses, f"bonuses were paid {bonuses}"
        assert set(rewards.values()) <= {1}, f"rewards were paid {rewards}"

    def _until_done(self, *words: str, kills: int = 0, anyway: bool = False) -> None:
        """Run a command until it ends by itself, after killing it up to ``kills`` times.

        :param anyway: whether an exit status of 1 is as good as 0.
        """
        for _ in range(self.chance.randint(0, kills) if self.kills_commands else 0):
            with self._famulus(*words) as command:
                wait(self.chance.uniform(0.1, _STARTING))
                if command.process.poll() is None:
                    self.note(f"kill {words[0]}")
                command.kill()
        with self._famulus(*words) as command:
            status = command.wait(_PATIENCE)
        assert status in ((0, 1) if anyway else (0,)), f"{words} ended {status}: {command.output}"

    def _configure(self) -> list[str]:
        (self.folder / "task.html").write_text(
            '<p>${word}</p><input name="answer" aria-label="Answer">'
        )
        words = "".join(f"word {n}\n" for n in range(self._units // _LANES))
        (self.folder / "data.csv").write_text(f"word\n{words}")
        architect, served = self._architect()
        tree = {
            "defaults": [
                {"blueprint": "static_task"},
                {"architect": architect},
                {"provider": self.crowd.provider},
            ],
            "blueprint": {
                "task_source": "task.html",
                "data_csv": "data.csv",
                "units_per_assignment": _LANES,
            },
            "architect": served,
            "task": {
                "task_name": TASK,
                "task_title": "T",
                "task_description": "D",
                "task_reward": "0.10",
                # Workers come again under another reference after a kill.
                "allowed_concurrent": 0,
            },
        }
        configuration = self.folder / "task.yaml"
        configuration.write_text(json.dumps(tree))
        options = self.crowd.options()
        return [str(configuration), *(f"{key}={value}" for key, value in options.items())]

    def _architect(self) -> tuple[str, dict[str, Any]]:
        """Return who serves the run, with its options."""
        return "local", {"port": self.port}

    def _famulus(self, *words: str) -> AbstractContextManager[Command]:
        return famulus_command(*words, database=self.address)

    def _database(self) -> Database:
        return Database(self.address)

    def note(self, what: str) -> None:
        """Log a step for the message of a failure; a kill is counted."""
        if what.startswith("kill"):
            self.killed += 1
        self.log.append(what)


def _children(process: int) -> list[int]:
    """Return the processes that a process has started, and theirs."""
    found: list[int] = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, file.read_text().split()):
            found += [child, *_children(child)]
    return found


def _kill(processes: Sequence[int]) -> None:
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def wait(seconds: float) -> None:
    """Sleep until the moment of a kill, which was chosen at random."""
    time.sleep(seconds)


def _wait_until(is_so: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, otherwise()
        wait(_TICK)
