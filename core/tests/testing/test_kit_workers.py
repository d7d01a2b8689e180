"""Scripted workers behave like people, and the engine stores each answer once."""

from __future__ import annotations

from typing import Any

from famulus.data.export import export_records
from famulus.engine.gateway import Gateway
from famulus.testing import GatewayTransport, ScriptedWorker
from famulus.testing.forms import FormData, HtmlForm
from famulus.testing.inprocess import ManualOperator

ROWS = [{"n": n} for n in range(3)]


def records(operator: ManualOperator, gateway: Gateway) -> list[dict[str, Any]]:
    return list(export_records(operator.database, run=gateway.run_id))


def test_worker_submits_all_there_is(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)

    answers = ScriptedWorker(GatewayTransport(gateway), "x").submit_all()

    assert [answer.outcome for answer in answers] == ["stored"] * 3
    assert len(records(operator, gateway)) == 3


def test_worker_without_scripts_does_the_same(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)

    answers = ScriptedWorker(GatewayTransport(gateway), "x", has_scripts=False).submit_all()

    assert [answer.outcome for answer in answers] == ["stored"] * 3


def test_worker_who_drops_out_leaves_nothing(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)

    assert ScriptedWorker(GatewayTransport(gateway), "x").drop_out().has_form
    assert records(operator, gateway) == []


def test_double_click_is_stored_once(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)

    answers = ScriptedWorker(GatewayTransport(gateway), "x").double_click(3)

    assert [answer.outcome for answer in answers] == ["stored"] * 3
    assert len(records(operator, gateway)) == 1


def test_lost_reply_is_sent_again_and_stored_once(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)

    answers = ScriptedWorker(GatewayTransport(gateway), "x").retry_submission()

    assert [answer.outcome for answer in answers] == ["stored", "stored"]
    assert len(records(operator, gateway)) == 1


def test_reload_shows_the_same(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)

    pages, answer = ScriptedWorker(GatewayTransport(gateway), "x").reload(2)

    assert len(pages) == 3
    assert len({page.reference for page in pages}) == 1
    assert answer.outcome == "stored"


def test_tabs_have_units_of_their_own(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)
    worker = ScriptedWorker(GatewayTransport(gateway), "x")

    pages = worker.many_tabs(3)

    assert [worker.submit(page).outcome for page in pages] == ["stored"] * 3
    assert sorted(record["inputs"]["n"] for record in records(operator, gateway)) == [0, 1, 2]


def test_unit_can_be_given_back(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)
    worker = ScriptedWorker(GatewayTransport(gateway), "x")
    page = worker.open()

    assert worker.give_back(page).status == 200
    assert records(operator, gateway) == []


def test_onboarding_is_passed_first(operator: ManualOperator) -> None:
    def right(form: HtmlForm, variant: int) -> FormData:
        filled = form.fill(variant)
        fields = [(name, "right" if name == "answer" else value) for name, value in filled.fields]
        return FormData(fields=fields)

    gateway = operator.launch_rows(ROWS, blueprint={"onboarding_qualification": "passed"})

    assert len(ScriptedWorker(GatewayTransport(gateway), "x", fill=right).submit_all()) == 3
    assert ScriptedWorker(GatewayTransport(gateway), "y").open().answer.refusal == "not_qualified"


def test_invalid_answers_are_reported_to_the_worker(operator: ManualOperator) -> None:
    def wrong(form: HtmlForm, variant: int) -> FormData:
        fields = [
            (name, "invalid" if name == "answer" else value) for name, value in form.fill().fields
        ]
        return FormData(fields=fields)

    gateway = operator.launch_rows(ROWS)
    worker = ScriptedWorker(GatewayTransport(gateway), "x", fill=wrong)

    assert worker.submit(worker.open()).outcome == "invalid"
