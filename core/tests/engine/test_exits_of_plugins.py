"""A plugin that calls ``sys.exit`` ends a worker's request, not the process that serves it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.qualification_check import GuardedRun, QualificationCheck
from famulus.contracts.views import AttemptView, Form, Page, Refusal, TaskView, WorkerView
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import RowsBlueprint, RowsState


class ExitingBlueprint(RowsBlueprint):
    type = "exiting"

    def task_page(self, view: TaskView) -> Page:
        if view.worker.name == "page":
            sys.exit(3)
        return super().task_page(view)

    def read_answers(self, form: Form, attempt: AttemptView) -> Any:
        if form.first("answer") == "exit":
            sys.exit(3)
        return super().read_answers(form, attempt)


class ExitingCheck(QualificationCheck):
    type = "exiting"

    def refuse(self, worker: WorkerView, run: GuardedRun) -> Refusal | None:
        return sys.exit(3) if worker.name == "check" else None


class Exiting:
    @hookimpl
    def famulus_register_blueprints(self) -> list[type[Blueprint]]:
        return [ExitingBlueprint]

    @hookimpl
    def famulus_register_qualification_checks(self) -> list[type[QualificationCheck]]:
        return [ExitingCheck]


@pytest.fixture
def operator(database: Database) -> Iterator[ManualOperator]:
    with ManualOperator(database, plugins=kit_plugins(exiting=Exiting())) as operator:
        yield operator


def judge_that_exits(_: Any) -> bool:
    sys.exit(3)


def test_worker_gets_an_apology_and_may_try_again(
    operator: ManualOperator, caplog: pytest.LogCaptureFixture
) -> None:
    configuration = {
        "defaults": [{"blueprint": "exiting"}, {"architect": "nowhere"}, {"provider": "crowd"}],
        "task": {
            "task_name": "words",
            "task_title": "A task",
            "task_description": "Of a test.",
            "task_reward": "0.10",
        },
    }
    rows = [{"n": n} for n in range(3)]
    launched = operator.launch(configuration, shared_state=RowsState(rows=rows))
    operator.load_all(launched)
    gateway = operator.gateway(launched)
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()

    refused = [
        GatewayWorker(gateway, "page").arrive(),
        GatewayWorker(gateway, "check").arrive(),
        worker.submit(page, "exit"),
    ]

    assert [each.status for each in refused] == [500, 500, 500]
    assert all("Sorry, something went wrong" in each.text for each in refused)
    assert "In the qualification check 'exiting': it admits no workers" in caplog.text
    assert worker.submit(page, "blue").status == 200


def test_onboarding_whose_judge_exits_is_judged_again(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(
        [{"n": 1}],
        blueprint={"onboarding_qualification": "trained"},
        shared={"validate_onboarding": judge_that_exits},
    )
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()

    replies = [worker.submit(page), worker.submit(page)]

    assert [each.status for each in replies] == [500, 500]
    assert all("could not be checked" in each.text for each in replies)
