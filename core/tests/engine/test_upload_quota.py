"""The files of a run have a quota; what does not fit is refused before anything is stored."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from famulus.contracts.views import AttemptView, Form, FormFile
from famulus.engine.gateway import Gateway
from famulus.engine.limits import set_limits
from famulus.model.database import Database
from famulus.model.tables import AgentTable, UploadTable
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.kinds import RowsBlueprint
from famulus.testing.movable_clock import MovableClock

MOST = 100


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    rows = [{"n": number} for number in range(5)]
    return operator.launch_rows(rows, max_upload_bytes=MOST)


def file(gateway: Gateway, size: int) -> FormFile:
    """Put a file where an architect would have received it."""
    path = gateway.upload_folder / os.urandom(8).hex()
    path.write_bytes(b"x" * size)
    digest = hashlib.sha256(b"x" * size).hexdigest()
    return FormFile(
        field="f", filename="a.txt", content_type="text/plain", size=size, sha256=digest, path=path
    )


def stored(database: Database) -> tuple[int, int]:
    """Return the numbers of submissions and of files."""
    with database.read() as tx:
        submitted = tx.rows(
            AgentTable.select(AgentTable.id).where(AgentTable.submitted_at.is_null(False))
        )
        return len(submitted), len(tx.rows(UploadTable.select(UploadTable.id)))


def test_a_submission_beyond_the_quota_is_refused_and_nothing_of_it_is_kept(
    gateway: Gateway, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    worker = GatewayWorker(gateway, "x")
    assert worker.submit(worker.arrive(), files=[file(gateway, MOST - 10)]).status == 200
    page = worker.arrive()

    with caplog.at_level(logging.WARNING):
        plain = worker.submit(page, files=[file(gateway, 6), file(gateway, 6)])
        again = worker.submit(page, files=[file(gateway, 11)], as_json=True)

    assert (plain.status, again.status, again.outcome) == (413, 413, "too_large")
    assert "has no room for more files" in plain.text
    assert len([each for each in caplog.records if "max_upload_bytes" in each.message]) == 1
    assert stored(database) == (1, 1)
    assert len(list((database.files / str(gateway.run_id)).rglob("*"))) == 2
    assert worker.submit(page, files=[file(gateway, 10)]).status == 200


def test_answers_without_files_are_stored_all_the_same(
    gateway: Gateway, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")
    worker.submit(worker.arrive(), files=[file(gateway, MOST)])

    assert worker.submit(worker.arrive()).status == 200
    assert stored(database) == (2, 1)


def test_a_submission_that_is_stored_already_is_acknowledged_again(
    gateway: Gateway, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    worker.submit(page, files=[file(gateway, MOST)])

    assert worker.submit(page, files=[file(gateway, MOST)]).status == 200
    assert stored(database) == (1, 1)


def test_the_quota_can_be_changed_while_the_run_goes_on(
    gateway: Gateway, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")
    worker.submit(worker.arrive(), files=[file(gateway, MOST)])
    page = worker.arrive()
    assert worker.submit(page, files=[file(gateway, 1)]).status == 413

    set_limits(database, gateway.run_id, max_upload_bytes=0)

    assert worker.submit(page, files=[file(gateway, 1)]).status == 200


def test_files_that_another_process_has_stored_count(
    operator: ManualOperator, gateway: Gateway, database: Database, clock: MovableClock
) -> None:
    (run,) = operator._runs
    other = operator.gateway(run)
    here, there = GatewayWorker(gateway, "x"), GatewayWorker(other, "y")
    assert here.submit(here.arrive(), files=[file(gateway, 60)]).status == 200
    assert there.submit(there.arrive(), files=[file(other, 40)]).status == 200

    clock.advance(11)

    assert here.submit(here.arrive(), files=[file(gateway, 1)]).status == 413
    assert there.submit(there.arrive(), files=[file(other, 1)]).status == 413


def test_submissions_that_come_at_once_do_not_exceed_it_together(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_answers = RowsBlueprint.read_answers
    meeting = threading.Barrier(3, timeout=60)

    def read_with_the_others(self: RowsBlueprint, form: Form, attempt: AttemptView) -> Any:
        meeting.wait()
        return read_answers(self, form, attempt)

    monkeypatch.setattr(RowsBlueprint, "read_answers", read_with_the_others)
    workers = [GatewayWorker(gateway, name) for name in "xyz"]
    pages = [worker.arrive() for worker in workers]
    files = [file(gateway, 40) for _ in workers]

    with ThreadPoolExecutor(3) as pool:
        replies = pool.map(
            lambda each: each[0].submit(each[1], files=[each[2]]),
            zip(workers, pages, files, strict=True),
        )
        statuses = sorted(reply.status for reply in replies)

    assert statuses == [200, 200, 413]
    assert stored(database) == (2, 2)
