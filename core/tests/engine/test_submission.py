"""Answers come in: stored once, never overwritten, late ones marked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from famulus.contracts.views import Form
from famulus.engine.status import Change, change_unit, end_agent
from famulus.model.database import Database
from famulus.model.states import AgentStatus, UnitStatus
from famulus.model.tables import AgentTable, AssignmentTable, UnitTable
from famulus.model.transaction import Row, Transaction
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, seen
from famulus.testing.movable_clock import MovableClock

LATE = "after the time for this one was over"


def agents(database: Database) -> list[Row]:
    query = AgentTable.select(
        AgentTable.id,
        AgentTable.run.alias("run"),
        AgentTable.unit.alias("unit"),
        AgentTable.status,
        AgentTable.answers,
        AgentTable.late,
        AgentTable.submission_id,
        AgentTable.submitted_at,
    ).order_by(AgentTable.id)
    with database.read() as tx:
        return tx.rows(query)


def units(database: Database) -> list[Row]:
    with database.read() as tx:
        return tx.rows(
            UnitTable.select(UnitTable.id, UnitTable.status, UnitTable.agent_id).order_by(
                UnitTable.id
            )
        )


def time_is_over(operator: ManualOperator, clock: MovableClock) -> None:
    clock.advance(1800)
    operator.turn()


def test_answers_are_stored_as_they_were_sent(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}]), "x")

    worker.submit(worker.arrive(), "ja \ud83d\0", comment="<b>")

    (agent,) = agents(database)
    assert agent.status is AgentStatus.COMPLETED
    assert agent.answers == {"answer": "ja \ud83d\0", "comment": "<b>"}
    assert agent.submitted_at == clock()
    assert not agent.late
    (unit,) = units(database)
    assert (unit.status, unit.agent_id) == (UnitStatus.COMPLETED, agent.id)


def test_the_same_submission_again_is_acknowledged_again(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}]), "x")
    page = worker.arrive()
    first = worker.submit(page, "first", as_json=True)

    again = worker.submit(page, "changed", as_json=True)

    assert (first.status, again.status) == (200, 200)
    assert (first.outcome, again.outcome) == ("stored", "stored")
    assert agents(database)[0].answers == {"answer": "first"}


def test_another_submission_is_a_conflict(operator: ManualOperator, database: Database) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}]), "x")
    page = worker.arrive()
    worker.submit(page, "first")

    other = worker.submit(page, "second", submission="another", as_json=True)

    assert (other.status, other.outcome) == (409, "conflict")
    assert agents(database)[0].answers == {"answer": "first"}


@pytest.mark.parametrize(
    ("reviewed", "decided"),
    [
        (AgentStatus.APPROVED, UnitStatus.ACCEPTED),
        (AgentStatus.SOFT_REJECTED, UnitStatus.SOFT_REJECTED),
        (AgentStatus.REJECTED, UnitStatus.REJECTED),
    ],
)
def test_another_submission_is_a_conflict_after_review_too(
    operator: ManualOperator, database: Database, reviewed: AgentStatus, decided: UnitStatus
) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}]), "x")
    page = worker.arrive()
    worker.submit(page, "first")
    (agent,) = agents(database)

    def review(tx: Transaction) -> None:
        end_agent(
            tx,
            Change(
                run=agent.run, id=agent.id, old=AgentStatus.COMPLETED, new=reviewed, cause="test"
            ),
        )
        change_unit(
            tx,
            Change(
                run=agent.run, id=agent.unit, old=UnitStatus.COMPLETED, new=decided, cause="test"
            ),
            agent=agent.id,
        )

    database.write(review)

    assert worker.submit(page, "second", submission="another").status == 409
    assert worker.submit(page, "first").status == 200
    (after,) = agents(database)
    assert (after.status, after.answers) == (reviewed, {"answer": "first"})
    assert units(database)[0].status is decided


def test_late_answers_complete_a_unit_without_a_worker(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows([{"n": 1}, {"n": 2}])
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    time_is_over(operator, clock)
    assert units(database)[0].status is UnitStatus.LAUNCHED

    reply = worker.submit(page, "late")

    assert reply.status == 200
    assert LATE in reply.text
    (agent,) = agents(database)
    assert (agent.status, agent.late) == (AgentStatus.COMPLETED, True)
    assert (units(database)[0].status, units(database)[0].agent_id) == ("completed", agent.id)
    assert GatewayWorker(gateway, "y").arrive().row == {"n": 2}


def test_late_answers_leave_a_unit_to_its_current_worker(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows([{"n": 1}])
    x, y = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "y")
    late = x.arrive()
    time_is_over(operator, clock)
    page = y.arrive()
    assert page.row == {"n": 1}

    assert LATE in x.submit(late, "late").text

    assert units(database)[0].status is UnitStatus.ASSIGNED
    assert LATE not in y.submit(page, "on time").text
    first, second = agents(database)
    assert (first.late, first.answers) == (True, {"answer": "late"})
    assert (second.late, second.answers) == (False, {"answer": "on time"})
    assert units(database)[0].agent_id == second.id


def test_late_answers_do_not_touch_a_unit_completed_by_another(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows([{"n": 1}])
    x, y = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "y")
    late = x.arrive()
    time_is_over(operator, clock)
    y.submit(y.arrive(), "on time")

    assert LATE in x.submit(late, "late").text

    first, second = agents(database)
    assert first.status is second.status is AgentStatus.COMPLETED
    assert units(database)[0].agent_id == second.id


def test_answers_after_the_run_is_finished_are_kept(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows([{"n": 1}])
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    operator.finish(gateway.run_id)
    assert agents(database)[0].status is AgentStatus.EXPIRED
    assert units(database)[0].status is UnitStatus.EXPIRED

    assert LATE in worker.submit(page, "late").text

    (agent,) = agents(database)
    assert (agent.status, agent.late, agent.answers) == ("completed", True, {"answer": "late"})
    assert units(database)[0].status is UnitStatus.COMPLETED
    assert worker.submit(page, "late").status == 200


def test_answers_after_the_run_was_stopped_are_on_time(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows([{"n": 1}])
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    operator.stop(gateway.run_id, now=True)

    assert LATE not in worker.submit(page).text
    assert not agents(database)[0].late


def test_a_unit_given_back_is_offered_again(operator: ManualOperator, database: Database) -> None:
    gateway = operator.launch_rows([{"n": 1}])
    x, y = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "y")
    page = x.arrive()
    assert y.arrive().refusal == "nothing_left"

    given_back = x.give_back(page)

    assert given_back.status == 200
    assert "given it back" in given_back.text.lower() or "back" in given_back.text
    assert y.arrive().row == {"n": 1}
    assert agents(database)[0].status is AgentStatus.RETURNED


def test_a_worker_who_gave_a_unit_back_may_take_it_again(operator: ManualOperator) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}]), "x")
    worker.give_back(worker.arrive("a"))

    assert worker.arrive("a").row == {"n": 1}


def test_a_worker_who_gave_a_unit_back_may_take_the_assignments_other_unit(
    operator: ManualOperator,
) -> None:
    gateway = operator.launch_rows([{"n": 1}], blueprint={"units_per_assignment": 2})
    x, y = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "y")
    page = x.arrive()
    assert x.arrive().refusal == "all_done"

    x.give_back(page)

    assert y.arrive().row == {"n": 1}
    assert x.arrive().row == {"n": 1}


def test_an_assignment_that_was_given_back_and_answered_after_all_was_tried(
    operator: ManualOperator,
) -> None:
    gateway = operator.launch_rows([{"n": 1}], blueprint={"units_per_assignment": 2})
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    worker.give_back(page)

    worker.submit(page, "after all")

    assert worker.arrive().refusal == "all_done"
    assert GatewayWorker(gateway, "y").arrive().row == {"n": 1}


def test_answers_to_what_was_given_back_are_kept(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}, {"n": 2}]), "x")
    page = worker.arrive()
    worker.give_back(page)

    assert LATE in worker.submit(page, "after all").text

    assert agents(database)[0].answers == {"answer": "after all"}
    assert units(database)[0].status is UnitStatus.COMPLETED


def test_giving_back_a_submitted_unit_changes_nothing(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}]), "x")
    page = worker.arrive()
    worker.submit(page, "kept")

    reply = worker.give_back(page)

    assert "submitted this one already" in reply.text
    assert agents(database)[0].status is AgentStatus.COMPLETED


def test_giving_back_twice_is_giving_back_once(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows([{"n": 1}], allowed_concurrent=1)
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")

    assert worker.give_back(page).status == worker.give_back(page).status == 200

    assert worker.arrive("b").row == {"n": 1}
    assert worker.arrive("c").refusal == "too_many_open"


@pytest.mark.parametrize(
    "token",
    ["", "1", "1.", "1.forged", "x\ud800.y", "1o.abc", "१.abc"],
)
def test_an_unsigned_token_is_refused(
    operator: ManualOperator, database: Database, token: str
) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}]), "x")
    page = worker.arrive()
    forged = Seen(reply=page.reply, row=None, hidden={**page.hidden, "famulus_token": token})

    assert worker.submit(forged).refusal == "unknown_link"
    assert worker.submit(forged, as_json=True).outcome == "refused"
    assert worker.give_back(forged).refusal == "unknown_link"
    assert agents(database)[0].status is AgentStatus.IN_TASK


def test_a_token_of_another_run_opens_nothing(operator: ManualOperator, database: Database) -> None:
    one, two = operator.launch_rows([{"n": 1}]), operator.launch_rows([{"n": 2}])
    page = GatewayWorker(one, "x").arrive()

    assert GatewayWorker(two, "x").submit(page).refusal == "unknown_link"
    assert agents(database)[0].status is AgentStatus.IN_TASK


def test_an_onboarding_token_does_not_open_a_unit(operator: ManualOperator) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}]), "x")
    page = worker.arrive()
    token = page.hidden["famulus_token"]
    number, signature = token.split(".", 1)
    turned = Seen(
        reply=page.reply,
        row=None,
        hidden={**page.hidden, "famulus_token": f"{number}o.{signature}"},
    )

    assert worker.submit(turned).refusal == "unknown_link"


@pytest.mark.parametrize("submission", ["", "x" * 65, "a\0b", "\ud800"])
def test_a_submission_without_a_usable_id_is_refused(
    operator: ManualOperator, database: Database, submission: str
) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}]), "x")

    reply = worker.submit(worker.arrive(), submission=submission)

    assert reply.refusal == "unknown_link"
    assert agents(database)[0].answers is None


def test_a_form_that_cannot_be_taken_stays_with_the_worker(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}]), "x")
    page = worker.arrive()

    refused = worker.submit(page, "invalid")
    as_json = worker.submit(page, "invalid", as_json=True)

    assert refused.status == as_json.status == 422
    assert "This is no answer." in refused.text
    assert as_json.outcome == "invalid"
    assert json.loads(as_json.text)["fields"] == {"answer": "Give another one."}
    assert agents(database)[0].answers is None
    assert worker.submit(page, "valid").status == 200


def test_without_the_script_a_refused_form_comes_again_with_its_answers(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}, {"n": 2}]), "x")
    page = worker.arrive()

    again = worker.submit(page, "invalid")

    assert again.has_form
    assert again.row == page.row
    assert 'role="alert"' in again.text
    assert 'name="answer" value="invalid"' in again.text
    assert "<p>answer: Give another one.</p>" in again.text
    assert "Unit 1 of at most 2" in again.text
    assert worker.submit(again, "valid").status == 200
    assert agents(database)[0].answers == {"answer": "valid"}


def test_form_that_is_too_large_comes_again_with_its_answers(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows([{"n": 1}])
    page = GatewayWorker(gateway, "x").arrive()
    form = Form(fields=[*page.hidden.items(), ("answer", "kept")], empty_files=frozenset({"photo"}))

    again = seen(gateway.too_large(form, "A file may have at most 2 MB."))

    assert again.status == 413
    assert "A file may have at most 2 MB." in again.text
    assert "please choose them again" in again.text
    assert 'value="kept"' in again.text
    assert agents(database)[0].answers is None


def test_large_form_does_not_come_again_and_the_page_names_the_back_button(
    operator: ManualOperator,
) -> None:
    gateway = operator.launch_rows([{"n": 1}])
    page = GatewayWorker(gateway, "x").arrive()
    form = Form(fields=[*page.hidden.items(), ("answer", "<" * 100_000)])

    refused = seen(gateway.too_large(form, "A text may have at most 50 kB."))

    assert refused.status == 413
    assert not refused.has_form
    assert "Back button" in refused.text
    assert len(refused.text) < 64_000


@pytest.mark.parametrize(
    ("answer", "message", "comes_again"),
    [
        ("a" * 15_500, "A file may have at most 2 MB.", True),
        ("語" * 5000, "A file may have at most 2 MB.", True),
        ("語" * 5500, "A file may have at most 2 MB.", False),
        # A blueprint's message may quote the answer.
        ("語" * 3500, "語" * 2000, False),
    ],
)
def test_no_more_than_16_kb_of_a_refused_form_come_again(
    operator: ManualOperator, answer: str, message: str, comes_again: bool
) -> None:
    gateway = operator.launch_rows([{"n": 1}])
    page = GatewayWorker(gateway, "x").arrive()
    form = Form(fields=[*page.hidden.items(), ("answer", answer)])

    refused = seen(gateway.too_large(form, message))

    assert (refused.has_form, answer in refused.text) == (comes_again, comes_again)


def test_refused_form_does_not_come_again_once_answers_are_stored(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}]), "x")
    page = worker.arrive()
    worker.submit(page, "first")

    refused = worker.submit(page, "invalid")

    assert refused.status == 422
    assert not refused.has_form


def test_form_that_is_too_large_and_not_ours_is_refused(operator: ManualOperator) -> None:
    gateway = operator.launch_rows([{"n": 1}])

    assert gateway.too_large(Form(fields=[]), "Too large.").status == 404


def test_rows_of_any_shape_are_shown_as_they_were_given(
    operator: ManualOperator, database: Database
) -> None:
    row: dict[str, Any] = {"text": "a\0b \ud800 <b>", "list": [1, None, {"x": 1.5}]}
    worker = GatewayWorker(operator.launch_rows([row]), "x")

    assert worker.arrive().row == row
    with database.read() as tx:
        assert [each.data for each in tx.rows(AssignmentTable.select(AssignmentTable.data))] == [
            row
        ]


def test_the_pages_script_gets_the_outcome_of_giving_back(
    operator: ManualOperator,
) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}, {"n": 2}]), "x")
    page, other = worker.arrive("a"), worker.arrive("b")
    worker.submit(other)

    replies = [worker.give_back(page), worker.give_back(page), worker.give_back(other)]

    outcomes = [seen.reply.headers.get("X-Famulus-Outcome") for seen in replies]
    assert outcomes == ["given_back", "given_back", "stored"]
