"""Answers from pages whose arrival was undone by a power failure, as SQLite comes back from it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pytest

from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Capabilities
from famulus.contracts.views import Form
from famulus.engine.gateway import Gateway
from famulus.engine.open_gateway import open_gateway
from famulus.engine.status import change_run
from famulus.model.database import Database
from famulus.model.states import AgentStatus, RunStatus, UnitStatus, VisitStatus
from famulus.model.tables import AgentTable, ParticipationTable, UnitTable, VisitTable, WorkerTable
from famulus.plugins import Plugins
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, kit_plugins, seen
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock
from power_cuts import Snapshot

ROWS = [{"n": n} for n in range(3)]
YES = {"answer": "yes"}


class ReportingProvider(CrowdProvider):
    """A crowd whose platform reports which visits were submitted."""

    type = "reporting"
    capabilities: ClassVar[Capabilities] = Capabilities(reports_submissions=True)
    sync_seconds = 0


class Reporting:
    """Registers it."""

    @hookimpl
    def famulus_register_providers(self) -> list[type[Provider]]:
        return [ReportingProvider]


def plugins() -> Plugins:
    return kit_plugins(reporting=Reporting())


class Cut:
    """A run on SQLite that loses what was committed after :meth:`remember`."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self.folder = folder
        self.clock = MovableClock()
        self._opened = opened
        self.database = self._open(folder / "before" / "famulus.db")
        self.gateway: Gateway
        self._kept: Snapshot | None = None

    def launch(self, rows: Sequence[Mapping[str, Any]] = ROWS, **options: Any) -> Gateway:
        """Launch a run; its operator does nothing more."""
        operator = self._opened.enter_context(ManualOperator(self.database, plugins=plugins()))
        self.gateway = operator.launch_rows(rows, **options)
        return self.gateway

    def remember(self) -> None:
        """Keep the files as a power failure would leave them that came now."""
        self._kept = Snapshot.of(self.database.location.path)

    def lose(self) -> Gateway:
        """Return to what was remembered, and open another gateway on it."""
        assert self._kept is not None
        self.database = self._open(self._kept.restore(self.folder / "after"))
        self.gateway = open_gateway(self.database, self.gateway.run_id, plugins=plugins())
        return self.gateway

    def resume(self) -> None:
        """Resume the run that came back."""
        operator = self._opened.enter_context(ManualOperator(self.database, plugins=plugins()))
        operator.resume(self.gateway.run_id)

    def _open(self, path: Path) -> Database:
        return self._opened.enter_context(Database(path, clock=self.clock))

    def rows(self, table: Any) -> list[Any]:
        """Return the rows of a table."""
        with self.database.read() as tx:
            return tx.rows(table.select().order_by(table.id))


@pytest.fixture
def cut(tmp_path: Path) -> Iterator[Cut]:
    with ExitStack() as opened:
        yield Cut(tmp_path, opened)


def lost_page(cut: Cut, name: str = "x", reference: str = "a") -> Seen:
    """Return the page of an arrival that is undone."""
    cut.remember()
    page = GatewayWorker(cut.gateway, name).arrive(reference)
    cut.lose()
    return page


def in_steps(cut: Cut, page: Seen, answer: str = "yes") -> Seen:
    gateway = cut.gateway
    form = Form(fields=[*page.hidden.items(), ("answer", answer)])
    begun = gateway.begin_submission(form, as_json=True)
    assert begun is not None
    (reply,) = gateway.answer_together([begun])
    return seen(reply or gateway.submit(form, as_json=True))


def submitted(cut: Cut, page: Seen, answer: str = "yes") -> Seen:
    return GatewayWorker(cut.gateway, "any").submit(page, answer, as_json=True)


@pytest.mark.parametrize("submit", [submitted, in_steps])
def test_the_answer_of_a_lost_arrival_completes_its_unit(cut: Cut, submit: Any) -> None:
    cut.launch()
    page = lost_page(cut)
    assert cut.rows(WorkerTable) == []

    done = submit(cut, page)

    assert done.outcome == "stored"
    (worker,), (visit,), (agent,) = map(cut.rows, (WorkerTable, VisitTable, AgentTable))
    assert (worker.name, visit.reference, visit.status) == ("x", "a", VisitStatus.SUBMITTED)
    assert visit.query == {"worker_id": "x", "assignment_id": "a"}
    assert (agent.status, agent.late, agent.answers) == (AgentStatus.COMPLETED, False, YES)
    assert cut.rows(UnitTable)[0].status is UnitStatus.COMPLETED
    (progress,) = cut.rows(ParticipationTable)
    assert (progress.open_units, progress.done_units, progress.assignments) == (0, 1, 1)


@pytest.mark.parametrize("submit", [submitted, in_steps])
def test_the_page_of_a_lost_arrival_does_not_submit_for_another_worker(
    cut: Cut, submit: Any
) -> None:
    cut.launch()
    page = lost_page(cut, "x")
    other = GatewayWorker(cut.gateway, "y").arrive("b")
    assert other.row == page.row

    assert submit(cut, page).outcome == "stored"
    assert submitted(cut, other, "other").outcome == "stored"

    theirs, late = cut.rows(AgentTable)
    assert (theirs.answers, theirs.late) == ({"answer": "other"}, False)
    assert (late.answers, late.late, late.unit_id) == (YES, True, theirs.unit_id)
    assert cut.rows(UnitTable)[0].agent_id == theirs.id


def test_an_answer_that_is_sent_again_is_acknowledged_again(cut: Cut) -> None:
    cut.launch()
    page = lost_page(cut)
    submitted(cut, page)

    again = submitted(cut, page)
    another = GatewayWorker(cut.gateway, "x").submit(
        Seen(reply=page.reply, row=None, hidden={**page.hidden, "famulus_submission": "other"}),
        as_json=True,
    )

    assert again.outcome == "stored"
    assert another.outcome == "conflict"
    assert len(cut.rows(AgentTable)) == len(cut.rows(VisitTable)) == 1


def test_a_worker_who_has_come_again_has_one_attempt_at_the_assignment(cut: Cut) -> None:
    cut.launch()
    page = lost_page(cut)
    again = GatewayWorker(cut.gateway, "x").arrive("a")
    assert again.row == page.row
    assert again.hidden["famulus_token"] != page.hidden["famulus_token"]

    assert submitted(cut, page).outcome == "stored"
    assert submitted(cut, page).outcome == "stored"
    assert submitted(cut, again).outcome == "conflict"

    (agent,) = cut.rows(AgentTable)
    assert (agent.answers, agent.late) == (YES, False)


def test_a_worker_with_another_unit_keeps_it(cut: Cut) -> None:
    cut.launch()
    page = lost_page(cut)
    GatewayWorker(cut.gateway, "y").arrive("b")
    worker = GatewayWorker(cut.gateway, "x")
    other = worker.arrive("a")
    assert other.row != page.row

    assert submitted(cut, page).outcome == "stored"

    reloaded = worker.arrive("a")
    assert (reloaded.row, reloaded.hidden["famulus_token"]) == (
        other.row,
        other.hidden["famulus_token"],
    )
    assert submitted(cut, other).outcome == "stored"
    *_, late = cut.rows(AgentTable)
    assert (late.late, late.answers) == (True, YES)


def taken_meanwhile(cut: Cut, **options: Any) -> tuple[Seen, Seen]:
    """Return the pages of a lost arrival and of another worker, who now works on its unit."""
    cut.launch(**options)
    page = lost_page(cut)
    other = GatewayWorker(cut.gateway, "y").arrive("b")
    assert other.row == page.row
    return page, other


def made_again_late(cut: Cut, page: Seen) -> bool:
    """Return whether a lost attempt is over once it is made again, and its answers are late."""
    assert GatewayWorker(cut.gateway, "x").submit(page, "invalid").status == 422
    made = cut.rows(AgentTable)[-1].status
    assert submitted(cut, page).outcome == "stored"
    return made is AgentStatus.DISCONNECT and cut.rows(AgentTable)[-1].late


@pytest.mark.parametrize(("reference", "concurrent"), [("a", 0), ("a", 2), ("again", 1)])
def test_a_worker_with_another_unit_does_not_work_on_the_lost_one_too(
    cut: Cut, reference: str, concurrent: int
) -> None:
    page, other = taken_meanwhile(cut, allowed_concurrent=concurrent)
    assert GatewayWorker(cut.gateway, "x").arrive(reference).has_form
    GatewayWorker(cut.gateway, "y").give_back(other)

    assert made_again_late(cut, page)


def test_a_worker_who_may_have_several_units_works_on_the_lost_one_too(cut: Cut) -> None:
    page, other = taken_meanwhile(cut, allowed_concurrent=2)
    assert GatewayWorker(cut.gateway, "x").arrive("again").has_form
    GatewayWorker(cut.gateway, "y").give_back(other)

    assert submitted(cut, page).outcome == "stored"
    assert not cut.rows(AgentTable)[-1].late


@pytest.mark.parametrize("provider", ["crowd", "reporting"])
def test_no_work_begins_in_a_visit_that_is_done(cut: Cut, provider: str) -> None:
    page, other = taken_meanwhile(cut, provider=provider)
    worker = GatewayWorker(cut.gateway, "x")
    assert worker.submit(worker.arrive("a"), as_json=True).outcome == "stored"
    GatewayWorker(cut.gateway, "y").give_back(other)

    assert made_again_late(cut, page)


def test_no_work_begins_in_a_run_that_is_finished(cut: Cut) -> None:
    cut.launch()
    page = lost_page(cut)
    run, old, new = cut.gateway.run_id, RunStatus.RUNNING, RunStatus.FINISHED
    cut.database.write(lambda tx: change_run(tx, run=run, old=old, new=new, cause="finish"))

    assert made_again_late(cut, page)


def test_answers_after_the_deadline_are_late_and_complete_a_free_unit(cut: Cut) -> None:
    cut.launch(assignment_duration_in_seconds=60)
    page = lost_page(cut)
    cut.clock.advance(100)

    assert submitted(cut, page).outcome == "stored"

    (agent,) = cut.rows(AgentTable)
    assert agent.late
    assert cut.rows(UnitTable)[0].status is UnitStatus.COMPLETED


@pytest.mark.parametrize(("seconds", "is_late"), [(59, False), (61, True)])
def test_a_lost_attempt_has_as_much_time_after_an_outage_as_a_new_one(
    cut: Cut, seconds: int, is_late: bool
) -> None:
    cut.launch(assignment_duration_in_seconds=60)
    page = lost_page(cut)
    cut.clock.advance(600)
    cut.resume()
    cut.clock.advance(seconds)

    assert submitted(cut, page).outcome == "stored"

    (agent,) = cut.rows(AgentTable)
    assert agent.late is is_late


def test_answers_that_are_refused_keep_the_unit_of_a_lost_arrival(cut: Cut) -> None:
    cut.launch()
    page = lost_page(cut)

    refused = GatewayWorker(cut.gateway, "x").submit(page, "invalid")

    assert refused.status == 422
    assert refused.row == page.row
    assert submitted(cut, refused).outcome == "stored"
    assert submitted(cut, page).outcome == "conflict"
    (agent,) = cut.rows(AgentTable)
    assert agent.answers == YES


def test_a_lost_unit_can_be_given_back(cut: Cut) -> None:
    cut.launch()
    page = lost_page(cut)
    worker = GatewayWorker(cut.gateway, "x")

    assert worker.give_back(page).status == 200

    (agent,) = cut.rows(AgentTable)
    assert agent.status is AgentStatus.RETURNED
    assert cut.rows(UnitTable)[0].status is UnitStatus.LAUNCHED


def test_the_view_of_a_lost_attempt_is_of_its_own_unit(cut: Cut) -> None:
    cut.launch()
    page = lost_page(cut)
    GatewayWorker(cut.gateway, "y").arrive("b")
    attempts = cut.gateway._parts.attempts

    unit = attempts.act_on(
        page.hidden["famulus_token"], lambda signed: attempts.view(signed, "en").unit
    )

    assert unit.data == page.row


def test_answers_are_read_with_the_unit_of_their_page(cut: Cut) -> None:
    """They are stored with the worker's other attempt, at another unit of the assignment."""
    page, _ = taken_meanwhile(cut, rows=ROWS[:1], blueprint={"units_per_assignment": 2})
    GatewayWorker(cut.gateway, "x").arrive("a")
    attempts = cut.gateway._parts.attempts

    attempt, view = attempts.act_on(
        page.hidden["famulus_token"],
        lambda signed: (attempts.read(signed), attempts.view(signed, "en")),
    )

    of_page, of_attempt = cut.rows(UnitTable)
    assert (attempt.unit, view.agent_id) == (of_attempt.id, attempt.agent)
    assert (view.unit.id, view.unit.index, view.unit.data) == (of_page.id, 0, page.row)
    assert view.unit.assignment_id == of_page.assignment_id


@pytest.mark.parametrize("unit", [len(ROWS) + 1, 999])
def test_a_page_whose_unit_is_not_of_its_run_is_refused(cut: Cut, unit: int) -> None:
    """An older copy came back, of before the run's data; another run or none has that number."""
    first = cut.launch()
    page = lost_page(cut)
    cut.launch()
    assert [each.run_id == first.run_id for each in cut.rows(UnitTable)] == [True] * 3 + [False] * 3
    gateway = open_gateway(cut.database, first.run_id, plugins=plugins())
    tokens = gateway._parts.tokens
    signed = tokens.read(page.hidden["famulus_token"])
    assert signed is not None
    assert signed.arrival is not None
    token = tokens.sign(signed._replace(arrival=signed.arrival._replace(unit=unit)))
    moved = Seen(reply=page.reply, row=None, hidden={**page.hidden, "famulus_token": token})

    for answer in ("yes", "invalid"):
        assert GatewayWorker(gateway, "x").submit(moved, answer).refusal == "unknown_link"
    assert not cut.rows(WorkerTable)
    assert not cut.rows(AgentTable)


def test_refused_answers_are_shown_with_the_unit_of_their_page(cut: Cut) -> None:
    page, _ = taken_meanwhile(cut, rows=ROWS[:1], blueprint={"units_per_assignment": 2})
    worker = GatewayWorker(cut.gateway, "x")
    other = worker.arrive("a")

    refused = worker.submit(page, "invalid")

    tokens = cut.gateway._parts.tokens
    first, second, again = (
        tokens.read(each.hidden["famulus_token"]) for each in (page, other, refused)
    )
    assert first is not None
    assert first.arrival is not None
    assert second is not None
    assert again is not None
    assert again.arrival is not None
    assert (again.arrival.unit, again.nonce) == (first.arrival.unit, second.nonce)
    assert submitted(cut, refused).outcome == "stored"
    (agent,) = [each for each in cut.rows(AgentTable) if each.answers is not None]
    assert (agent.answers, agent.late, agent.nonce) == (YES, False, second.nonce)


def test_files_of_an_earlier_attempt_with_the_number_of_one_made_again_stay(cut: Cut) -> None:
    """They may be all that is left of answers; what came after it was made again is a leftover."""
    cut.launch()
    page = lost_page(cut)
    made_at = cut.clock.advance(3600).timestamp()
    submitted(cut, page)
    (agent,) = cut.rows(AgentTable)
    folder = cut.database.files / str(cut.gateway.run_id) / str(agent.id)
    folder.mkdir(parents=True)
    earlier, leftover = (folder / f"{cut.database.identity[:12]}-{n}" for n in ("01", "02"))
    for file, moment in ((earlier, made_at - 60), (leftover, made_at + 60)):
        file.write_bytes(b"answer")
        os.utime(file, (moment, moment))
    cut.clock.advance(48 * 3600)

    open_gateway(cut.database, cut.gateway.run_id, plugins=plugins()).close()

    assert (earlier.exists(), leftover.exists()) == (True, False)


def test_an_architect_may_pass_a_query_that_is_not_a_dictionary(cut: Cut) -> None:
    gateway = cut.launch()
    query = MappingProxyType({"worker_id": "x", "assignment_id": "a"})

    first, again = seen(gateway.arrive(query)), seen(gateway.arrive(query))

    assert first.has_form
    assert again.row == first.row
    assert submitted(cut, again).outcome == "stored"


def test_a_page_of_before_there_were_nonces_stays_valid(cut: Cut) -> None:
    gateway = cut.launch()
    worker = GatewayWorker(gateway, "x")
    worker.arrive("a")
    cut.database.write(lambda tx: tx.sql("UPDATE agent SET nonce = NULL"))

    page = worker.arrive("a")

    assert page.hidden["famulus_token"].startswith("1.1.")
    assert submitted(cut, page).outcome == "stored"


def test_a_page_of_before_there_were_nonces_is_not_for_a_newer_attempt(cut: Cut) -> None:
    gateway = cut.launch()
    worker = GatewayWorker(gateway, "x")
    worker.arrive("a")
    nonce = cut.rows(AgentTable)[0].nonce
    cut.database.write(lambda tx: tx.sql("UPDATE agent SET nonce = NULL"))
    page = worker.arrive("a")
    cut.database.write(lambda tx: tx.sql("UPDATE agent SET nonce = ?", (nonce,)))

    assert GatewayWorker(gateway, "x").submit(page).refusal == "unknown_link"
