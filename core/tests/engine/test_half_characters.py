"""Pages are sent in UTF-8, whatever answers and the texts of plugins hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.completion import Completion, ShowCode, VisitOutcome
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import VisitView
from famulus.contracts.qualification_check import GuardedRun, QualificationCheck
from famulus.contracts.views import (
    AttemptView,
    Form,
    Page,
    PluginRefusal,
    Refusal,
    TaskView,
    WorkerView,
)
from famulus.errors import InvalidAnswers
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import CrowdProvider, RowsBlueprint, RowsState

HALF = "é\ud800"


class HalfBlueprint(RowsBlueprint):
    type = "half"

    def task_page(self, view: TaskView) -> Page:
        page = super().task_page(view)
        return evolve(page, body=f"{page.body}{HALF}")

    def read_answers(self, form: Form, attempt: AttemptView) -> Any:
        if form.first("answer") == "invalid":
            raise InvalidAnswers(HALF)
        return {"answer": HALF}


class HalfProvider(CrowdProvider):
    type = "half"
    capabilities = evolve(CrowdProvider.capabilities, sandbox=True, shows_answers=True)

    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        return ShowCode(code=HALF)


class HalfCheck(QualificationCheck):
    type = "half"

    def refuse(self, worker: WorkerView, run: GuardedRun) -> Refusal | None:
        if worker.name != "refused":
            return None
        return PluginRefusal(title="No", text=HALF, code="half")


class Half:
    @hookimpl
    def famulus_register_blueprints(self) -> list[type[Blueprint]]:
        return [HalfBlueprint]

    @hookimpl
    def famulus_register_providers(self) -> list[type[Provider]]:
        return [HalfProvider]

    @hookimpl
    def famulus_register_qualification_checks(self) -> list[type[QualificationCheck]]:
        return [HalfCheck]


@pytest.fixture
def operator(database: Database) -> Iterator[ManualOperator]:
    with ManualOperator(database, plugins=kit_plugins(half=Half())) as operator:
        yield operator


def test_no_page_fails_for_half_a_surrogate_pair(operator: ManualOperator) -> None:
    configuration = {
        "defaults": [{"blueprint": "half"}, {"architect": "nowhere"}, {"provider": "half"}],
        "task": {
            "task_name": "words",
            "task_title": "A task",
            "task_description": "Of a test.",
            "task_reward": "0.10",
        },
    }
    launched = operator.launch(configuration, shared_state=RowsState(rows=[{"n": 1}, {"n": 2}]))
    operator.load_all(launched)
    gateway = operator.gateway(launched)
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")
    seen = {
        "task": page,
        "invalid": worker.submit(page, "invalid"),
        "stored": worker.submit(page),
        "repeated": worker.submit(page),
        "already": worker.arrive("a"),
        "given back": worker.give_back(worker.arrive("b")),
        "refused": GatewayWorker(gateway, "refused").arrive(),
    }

    assert {name: each.status for name, each in seen.items()} == {
        **dict.fromkeys(seen, 200),
        "invalid": 422,
        "refused": 403,
    }
    for each in seen.values():
        assert "é?" in each.text.encode().decode()
