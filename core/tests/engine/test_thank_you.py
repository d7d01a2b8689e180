"""A blueprint thanks workers on the page that confirms their answers, and knows earlier ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html import escape
from typing import Any

import pytest

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.completion import Completion, GoTo, Nothing, ShowCode, VisitOutcome
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.views import AttemptView, Page, TaskView
from famulus.engine.gateway import Gateway
from famulus.engine.pages import WayOut, stored_document
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import RowsBlueprint, RowsState
from famulus.translation import ENGLISH, Translator

EN = Translator(ENGLISH)


class ThankingBlueprint(RowsBlueprint):
    type = "thanking"

    def task_page(self, view: TaskView) -> Page:
        page = super().task_page(view)
        return Page(body=f"{page.body}<p>Earlier: {escape(str(view.earlier_answers))}.</p>")

    def thank_you(self, answers: Any, attempt: AttemptView) -> str:
        if answers["answer"] == "exit":
            sys.exit(3)
        if answers["answer"] == "number":
            return 3  # type: ignore[return-value]
        return f"<p>For {escape(answers['answer'])} to row {attempt.unit.data['n']}.</p>"


class Thanking:
    @hookimpl
    def famulus_register_blueprints(self) -> list[type[Blueprint]]:
        return [ThankingBlueprint]


@pytest.fixture
def gateway(database: Database) -> Iterator[Gateway]:
    configuration = {
        "defaults": [{"blueprint": "thanking"}, {"architect": "nowhere"}, {"provider": "crowd"}],
        "task": {
            "task_name": "words",
            "task_title": "A task",
            "task_description": "Of a test.",
            "task_reward": "0.10",
        },
    }
    with ManualOperator(database, plugins=kit_plugins(thanking=Thanking())) as operator:
        rows = [{"n": n} for n in range(3)]
        launched = operator.launch(configuration, shared_state=RowsState(rows=rows))
        operator.load_all(launched)
        yield operator.gateway(launched)


def test_the_text_of_the_blueprint_is_on_the_page(gateway: Gateway) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()

    first, again = worker.submit(page, "b<e>"), worker.submit(page, "b<e>")

    assert "<p>For b&lt;e&gt; to row 0.</p>" in first.text
    assert "<p>For b&lt;e&gt; to row 0.</p>" in again.text


@pytest.mark.parametrize("answer", ["exit", "number"])
def test_a_failing_text_does_not_prevent_the_confirmation(
    gateway: Gateway, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    worker = GatewayWorker(gateway, "x")

    page = worker.submit(worker.arrive(), answer)

    assert page.status == 200
    assert "Your answers are stored" in page.text
    assert "thanking.thank_you failed" in caplog.text


def test_a_page_knows_the_last_answers_of_its_worker_in_the_run(gateway: Gateway) -> None:
    worker, other = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "y")
    first = worker.arrive("1")
    other.submit(other.arrive("2"), "green")

    worker.submit(first, "blue")

    assert "Earlier: None." in first.text
    assert "&#x27;answer&#x27;: &#x27;blue&#x27;" in worker.arrive("3").text


@pytest.mark.parametrize(
    ("completion", "is_above"),
    [(ShowCode(code="C0DE"), False), (GoTo(url="https://a.example/C0DE"), True)],
)
def test_the_text_pushes_no_code_down(completion: Completion, is_above: bool) -> None:
    way = WayOut(VisitOutcome.COMPLETED, completion, thank_you="<p>Debriefing</p>")

    page = stored_document("T", EN, {}, False, way)

    body = page.partition("<main")[2]
    assert (body.index("Debriefing") < body.index("C0DE")) is is_above


def test_the_browser_goes_on_once_the_text_can_have_been_read() -> None:
    leave = GoTo(url="https://a.example/")
    ways = [WayOut(VisitOutcome.COMPLETED, leave, thank_you=text) for text in ("", "<p>T</p>")]

    pages = [stored_document("T", EN, {}, False, way) for way in ways]

    seconds = [page.partition('data-after-seconds="')[2].partition('"')[0] for page in pages]
    assert seconds == ["0", "10"]
    nothing = WayOut(VisitOutcome.COMPLETED, Nothing())
    assert "famulus-thank-you" not in stored_document("T", EN, {}, False, nothing)
