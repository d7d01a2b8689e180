"""Units as dictionaries with the keys that existing scripts expect."""

from __future__ import annotations

import hashlib

import pytest

from famulus import Unit
from famulus.contracts.views import FormFile
from famulus.data.browser_units import browser_unit
from famulus.data.newest_units import newest_units
from famulus.data.scope import find_scope
from famulus.engine.gateway import Gateway
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows([{"text": "ein Öhr"}], task_name="words")


def the_unit(database: Database) -> Unit:
    (answer,) = newest_units(database, find_scope(database, "words"))
    return browser_unit(database, answer)


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


def test_dictionary_has_the_keys_of_existing_scripts(
    gateway: Gateway, database: Database, clock: MovableClock
) -> None:
    page = GatewayWorker(gateway, "x").arrive()
    started = clock().timestamp()
    clock.advance(288)
    GatewayWorker(gateway, "x").submit(page, "good")

    unit = the_unit(database)
    data = unit.to_dict()

    assert unit.agent is not None
    assert data["data"]["inputs"] == {"text": "ein Öhr"}
    assert data["data"]["outputs"] == {"files": [], "filesByFields": {}, "answer": "good"}
    assert (data["task_start"], data["task_end"]) == (started, started + 288)
    assert data["data"]["times"] == {"task_start": started, "task_end": started + 288}
    assert (data["worker_name"], data["worker_id"]) == ("x", unit.agent.worker.id)
    assert (data["unit_id"], data["assignment_id"]) == (unit.id, unit.assignment_id)
    assert data["status"] == "completed"
    assert (data["tips"], data["feedback"]) == (None, None)


def test_files_have_paths_that_open(gateway: Gateway, database: Database) -> None:
    page = GatewayWorker(gateway, "x").arrive()
    GatewayWorker(gateway, "x").submit(page, files=[picture(gateway)])

    unit = the_unit(database)
    assert unit.agent is not None
    (file,) = unit.agent.files
    outputs = unit.to_dict()["data"]["outputs"]

    assert (file.field, file.name, file.content_type, file.size) == (
        "picture",
        "cat.png",
        "image/png",
        5,
    )
    assert file.path.read_bytes() == b"bytes"
    assert file.path.parent == unit.agent.folder
    assert outputs["files"] == [str(file.path)]
    assert outputs["filesByFields"]["picture"][0]["originalname"] == "cat.png"
    assert outputs["picture"]["name"] == "cat.png"


def test_field_of_the_form_takes_precedence_over_an_added_key(
    gateway: Gateway, database: Database
) -> None:
    page = GatewayWorker(gateway, "x").arrive()
    GatewayWorker(gateway, "x").submit(page, "good", filesByFields="mine")

    assert the_unit(database).to_dict()["data"]["outputs"]["filesByFields"] == "mine"
