"""Units as records, and as dictionaries with the keys that older scripts know."""

from __future__ import annotations

import hashlib

import pytest

from famulus.contracts.views import FormFile
from famulus.data.newest_units import newest_units
from famulus.data.unit_records import UnitRecord
from famulus.data.up_for_review import find_scope
from famulus.engine.gateway import Gateway
from famulus.model.database import Database
from famulus.model.states import AgentStatus, UnitStatus
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows([{"text": "ein Öhr"}], task_name="words")


def the_unit(database: Database) -> UnitRecord:
    (unit,) = newest_units(database, find_scope(database, "words"))
    return unit


def picture(gateway: Gateway) -> FormFile:
    received = gateway.upload_folder / "received"
    received.write_bytes(b"bytes")
    return FormFile(
        field="picture",
        filename="cat.png",
        content_type="image/png",
        size=5,
        sha256=hashlib.sha256(b"bytes").hexdigest(),
        path=received,
    )


def test_record_says_who_did_what_when(
    gateway: Gateway, database: Database, clock: MovableClock
) -> None:
    page = GatewayWorker(gateway, "x").arrive()
    clock.advance(288)
    GatewayWorker(gateway, "x").submit(page, "good")

    unit = the_unit(database)

    assert (unit.task_name, unit.worker.name, unit.index) == ("words", "x", 0)
    assert (unit.status, unit.agent_status) == (UnitStatus.COMPLETED, AgentStatus.COMPLETED)
    assert (unit.inputs, unit.outputs) == ({"text": "ein Öhr"}, {"answer": "good"})
    assert not unit.late
    assert unit.duration.total_seconds() == 288
    assert unit.submitted.answers == {"answer": "good"}


def test_dictionary_has_the_old_keys(
    gateway: Gateway, database: Database, clock: MovableClock
) -> None:
    page = GatewayWorker(gateway, "x").arrive()
    started = clock().timestamp()
    clock.advance(288)
    GatewayWorker(gateway, "x").submit(page, "good")

    unit = the_unit(database)
    data = unit.to_dict()

    assert data["data"]["inputs"] == {"text": "ein Öhr"}
    assert data["data"]["outputs"] == {"files": [], "filesByFields": {}, "answer": "good"}
    assert (data["task_start"], data["task_end"]) == (started, started + 288)
    assert data["data"]["times"] == {"task_start": started, "task_end": started + 288}
    assert (data["worker_name"], data["worker_id"]) == ("x", unit.worker.id)
    assert (data["unit_id"], data["assignment_id"]) == (unit.id, unit.assignment_id)
    assert data["status"] == "completed"
    assert (data["tips"], data["feedback"]) == (None, None)


def test_files_have_paths_that_open(gateway: Gateway, database: Database) -> None:
    page = GatewayWorker(gateway, "x").arrive()
    GatewayWorker(gateway, "x").submit(page, files=[picture(gateway)])

    unit = the_unit(database)
    (file,) = unit.files
    outputs = unit.to_dict()["data"]["outputs"]

    assert (file.field, file.name, file.content_type, file.size) == (
        "picture",
        "cat.png",
        "image/png",
        5,
    )
    assert file.path.read_bytes() == b"bytes"
    assert file.path.parent == unit.folder
    assert outputs["files"] == [str(file.path)]
    assert outputs["filesByFields"]["picture"][0]["originalname"] == "cat.png"
    assert outputs["picture"]["name"] == "cat.png"


def test_field_of_the_form_is_not_covered_by_a_key_of_ours(
    gateway: Gateway, database: Database
) -> None:
    page = GatewayWorker(gateway, "x").arrive()
    GatewayWorker(gateway, "x").submit(page, "good", filesByFields="mine")

    assert the_unit(database).to_dict()["data"]["outputs"]["filesByFields"] == "mine"
