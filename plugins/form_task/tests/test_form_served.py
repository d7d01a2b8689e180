"""A form is served on the thread of an event loop, together with other requests."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

import famulus
import famulus_form
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins, seen
from famulus.testing.waiting import wait_until
from famulus_form.blueprint import FormBlueprint
from famulus_form.options import FormArgs, SharedFormState
from form_files import write_form

FORM = "questions: [{name: q, type: text, question: 'What about ${row}?'}]"


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[ManualOperator]:
    plugins = kit_plugins(form=famulus_form)
    with (
        famulus.Database(tmp_path / "famulus.db") as database,
        ManualOperator(database, plugins=plugins) as operator,
    ):
        yield operator


def test_a_unit_is_answered_in_steps(tmp_path: Path, operator: ManualOperator) -> None:
    data = tmp_path / "data.csv"
    data.write_text("row\nrain\nsnow\n", encoding="utf-8")
    launched = operator.launch(
        {
            "defaults": [{"blueprint": "form"}, {"architect": "nowhere"}, {"provider": "crowd"}],
            "blueprint": {"form": write_form(tmp_path, FORM), "data_csv": data},
            "task": {"task_title": "T", "task_description": "D", "task_reward": "0.10"},
        }
    )
    operator.load_all(launched)
    gateway = operator.gateway(launched)

    arriving = gateway.begin_arrival({"worker_id": "Zoe", "assignment_id": "1"})
    assert arriving is not None
    (page,) = gateway.answer_together([arriving])
    assert page is not None
    fields = [*seen(page).hidden.items(), ("q", "It is wet.")]
    submitting = gateway.begin_submission(famulus.Form(fields=fields, files=()))
    assert submitting is not None
    (reply,) = gateway.answer_together([submitting])

    assert "What about rain?" in page.body
    assert reply is not None
    assert reply.status == 200
    assert "What about snow?" in GatewayWorker(gateway, "Zoe").arrive().text


def test_a_page_waits_for_no_thread_that_reads_files(tmp_path: Path) -> None:
    onboarding = tmp_path / "onboarding.yaml"
    os.mkfifo(onboarding)
    args = FormArgs(form=write_form(tmp_path, FORM), onboarding_form=onboarding)
    context = famulus.Context(
        database=cast("Any", None), clock=famulus.system_clock, shared_state=SharedFormState()
    )
    blueprint = FormBlueprint(args, context)
    unit = famulus.UnitView(id=1, assignment_id=1, index=0, data={"row": "rain"})
    worker = famulus.WorkerView(id=1, name="Zoe", provider_type="mock")
    pages: list[famulus.Page] = []

    def show() -> None:
        pages.append(blueprint.task_page(famulus.TaskView(agent_id=1, worker=worker, unit=unit)))

    reading = threading.Thread(target=blueprint.assets)
    reading.start()
    with _opened_by_a_reader(onboarding) as pipe:
        showing = threading.Thread(target=show, daemon=True)
        showing.start()
        showing.join(20)
        is_shown = not showing.is_alive()
        pipe.write("questions: [{name: sum, type: number, question: Two and two, correct: 4}]")
    reading.join()

    assert is_shown
    assert "What about rain?" in pages[0].body


def _opened_by_a_reader(path: Path) -> Any:
    """Wait until a thread has opened a pipe to read it; return its other end."""
    ends: list[int] = []

    def is_open() -> bool:
        try:
            ends.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    wait_until(is_open, "the reader of the pipe")
    return os.fdopen(ends[0], "w", encoding="utf-8")
