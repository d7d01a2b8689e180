"""Uploaded files: kept exactly as long as answers name them, under no name from outside."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.contracts.views import FormFile
from famulus.engine.gateway import Gateway
from famulus.engine.open_gateway import open_gateway
from famulus.engine.upload_cleanup import UploadCleanup
from famulus.engine.uploads import Uploads
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.tables import AgentTable, UploadTable
from famulus.model.transaction import Row
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import RowsState
from famulus.testing.movable_clock import MovableClock


def received(gateway: Gateway, content: bytes, name: str = "a.txt", field: str = "f") -> FormFile:
    """Put a file where an architect would have received it."""
    path = gateway.upload_folder / os.urandom(8).hex()
    path.write_bytes(content)
    return FormFile(
        field=field,
        filename=name,
        content_type="text/plain",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        path=path,
    )


def uploads(database: Database) -> list[Row]:
    with database.read() as tx:
        return tx.rows(UploadTable.select().order_by(UploadTable.id))


def files(database: Database) -> list[Path]:
    """The files that lie in their place or are still received."""
    return [path for path in database.files.rglob("*") if path.is_file()]


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows([{"n": 1}, {"n": 2}])


def test_files_are_kept_and_named_by_their_rows(gateway: Gateway, database: Database) -> None:
    worker = GatewayWorker(gateway, "x")

    reply = worker.submit(
        worker.arrive(),
        files=[received(gateway, b"one"), received(gateway, b"two", "b.bin", field="g")],
    )

    assert reply.status == 200
    one, two = uploads(database)
    assert (one.field, one.filename, one.size) == ("f", "a.txt", 3)
    assert one.sha256 == hashlib.sha256(b"one").hexdigest()
    assert (database.files / one.path).read_bytes() == b"one"
    assert (database.files / two.path).read_bytes() == b"two"
    assert len(files(database)) == 2


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a\0b\nc", "\ud800", "x" * 1000, "..", "", "C:\\x"]
)
def test_a_name_from_outside_is_never_a_path(
    gateway: Gateway, database: Database, name: str
) -> None:
    worker = GatewayWorker(gateway, "x")

    reply = worker.submit(worker.arrive(), files=[received(gateway, b"one", name, field=name)])

    assert reply.status == 200
    (one,) = uploads(database)
    assert len(one.filename) <= 255
    assert (database.files / one.path).resolve().is_relative_to(database.files.resolve())
    assert (database.files / one.path).read_bytes() == b"one"


def test_files_of_a_repeated_submission_are_not_kept_again(
    gateway: Gateway, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    worker.submit(page, files=[received(gateway, b"one")])

    assert worker.submit(page, files=[received(gateway, b"one")]).status == 200

    assert len(uploads(database)) == len(files(database)) == 1


def test_files_of_a_conflicting_submission_are_not_kept(
    gateway: Gateway, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    worker.submit(page, files=[received(gateway, b"one")])

    reply = worker.submit(page, files=[received(gateway, b"two")], submission="another")

    assert reply.status == 409
    assert [path.read_bytes() for path in files(database)] == [b"one"]


def test_files_stay_when_the_outcome_of_the_commit_is_unknown(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    write = Database.write

    def lose_the_answer(self: Database, job: object) -> object:
        write(self, job)  # type: ignore[arg-type]
        raise UnavailableError("the connection broke after the commit")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", lose_the_answer)
        assert worker.submit(page, files=[received(gateway, b"one")]).status == 503
    assert worker.submit(page, files=[received(gateway, b"one")]).status == 200

    (one,) = uploads(database)
    assert (database.files / one.path).read_bytes() == b"one"


def test_a_retry_after_a_lost_commit_is_stored_with_its_own_files(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()

    def fail(self: Database, job: object) -> object:
        raise UnavailableError("the connection broke before the commit")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", fail)
        assert worker.submit(page, files=[received(gateway, b"one")]).status == 503
    assert worker.submit(page, files=[received(gateway, b"one")]).status == 200

    (one,) = uploads(database)
    assert (database.files / one.path).read_bytes() == b"one"


def test_a_file_that_is_gone_is_no_acknowledgement(gateway: Gateway, database: Database) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    file = received(gateway, b"one")
    file.path.unlink()

    assert worker.submit(page, files=[received(gateway, b"kept?"), file]).status == 503

    assert uploads(database) == []
    assert files(database) == []


def test_other_users_of_the_machine_cannot_read_uploads(
    gateway: Gateway, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")
    worker.submit(worker.arrive(), files=[received(gateway, b"one")])

    (one,) = uploads(database)
    folder = (database.files / one.path).parent
    assert folder.stat().st_mode & 0o077 == 0
    assert gateway.upload_folder.stat().st_mode & 0o077 == 0


def test_files_come_with_an_onboarding_too(operator: ManualOperator, database: Database) -> None:
    gateway = operator.launch_rows([{"n": 1}], blueprint={"onboarding_qualification": "q"})
    worker = GatewayWorker(gateway, "x")

    worker.submit(worker.arrive(), "right", files=[received(gateway, b"one")])

    (one,) = uploads(database)
    assert (database.files / one.path).read_bytes() == b"one"


@pytest.fixture
def leftovers(gateway: Gateway, database: Database) -> dict[str, Path]:
    """Files that no row names: received and stored ones, beside what is another database's."""
    worker = GatewayWorker(gateway, "x")
    worker.submit(worker.arrive(), files=[received(gateway, b"named")])
    (row,) = uploads(database)
    named = database.files / row.path
    found = {
        "received": gateway.upload_folder / "broken-off",
        "stored": named.with_name(f"{named.name[:13]}0123"),
        "another's": named.with_name("0123456789ab-0123"),
        "older version's": named.with_name("0123456789abcdef"),
    }
    for path in found.values():
        path.write_bytes(b"left")
    return {**found, "named": named}


def backdated(path: Path, moment: float) -> Path:
    os.utime(path, (moment, moment))
    return path


def opened_again(database: Database, gateway: Gateway) -> None:
    open_gateway(
        database, gateway.run_id, plugins=kit_plugins(), shared_state=RowsState(rows=[])
    ).close()


def written(files: dict[str, Path], clock: MovableClock, *, hours_ago: int) -> None:
    moment = clock().timestamp() - hours_ago * 3600
    for path in files.values():
        os.utime(path, (moment, moment))


def test_files_that_no_row_names_are_removed_after_a_day(
    gateway: Gateway, database: Database, clock: MovableClock, leftovers: dict[str, Path]
) -> None:
    clock.advance(48 * 3600)
    written(leftovers, clock, hours_ago=25)

    opened_again(database, gateway)

    there = {name for name, path in leftovers.items() if path.exists()}
    assert there == {"named", "another's", "older version's"}


def test_files_that_may_still_be_stored_stay(
    gateway: Gateway, database: Database, clock: MovableClock, leftovers: dict[str, Path]
) -> None:
    written(leftovers, clock, hours_ago=23)

    opened_again(database, gateway)

    assert all(path.exists() for path in leftovers.values())


def test_gateway_that_stays_open_removes_files_once_a_day(
    gateway: Gateway, clock: MovableClock, leftovers: dict[str, Path]
) -> None:
    worker = GatewayWorker(gateway, "y")
    clock.advance(48 * 3600)
    written(leftovers, clock, hours_ago=25)

    worker.submit(worker.arrive(), files=[received(gateway, b"two")])

    assert not leftovers["received"].exists()
    assert not leftovers["stored"].exists()
    assert leftovers["named"].exists()


def test_files_of_lost_rows_stay(
    gateway: Gateway, database: Database, clock: MovableClock, leftovers: dict[str, Path]
) -> None:
    """After an old backup was restored, files may be all that is left of answers."""
    worker = GatewayWorker(gateway, "open")
    worker.arrive()
    with database.read() as tx:
        (open_attempt,) = tx.rows(AgentTable.select().where(AgentTable.submission_id.is_null()))
    stored = leftovers["stored"]
    kept = []
    for number in ("123456", str(open_attempt.id)):
        folder = stored.parent.parent / number
        folder.mkdir()
        kept.append(folder / stored.name)
    # Its number was used again for the attempt that is there now.
    kept.append(stored)
    before = clock().timestamp() - 3600
    clock.advance(48 * 3600)
    after = clock().timestamp() - 25 * 3600
    for path in kept:
        path.write_bytes(b"answer")
        backdated(path, before if path is stored else after)

    opened_again(database, gateway)

    assert [path.exists() for path in kept] == [True, True, True]


def test_file_of_an_attempt_without_answers_is_removed_after_a_month(
    gateway: Gateway, database: Database, clock: MovableClock
) -> None:
    worker = GatewayWorker(gateway, "x")
    worker.arrive()
    with database.read() as tx:
        (attempt,) = tx.rows(AgentTable.select())
    folder = database.files / str(gateway.run_id) / str(attempt.id)
    folder.mkdir(parents=True)
    file = folder / f"{database.identity[:12]}-0123"
    file.write_bytes(b"left")
    backdated(file, clock().timestamp() + 60)
    clock.advance(31 * 24 * 3600)

    opened_again(database, gateway)

    assert not file.exists()


def test_failing_cleanup_does_not_hide_that_answers_are_stored(
    gateway: Gateway, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    clock.advance(48 * 3600)

    def fail(path: Path) -> None:
        raise OSError(5, "Input/output error", str(path))

    file = received(gateway, b"one")
    monkeypatch.setattr(Path, "iterdir", fail)

    assert worker.submit(page, files=[file]).status == 200
    assert len(uploads(database)) == 1


def test_one_request_looks_into_few_folders(
    gateway: Gateway,
    clock: MovableClock,
    database: Database,
    leftovers: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run may have a hundred thousand of them, and a worker waits for the reply."""
    clock.advance(48 * 3600)
    written(leftovers, clock, hours_ago=25)
    root = database.files / str(gateway.run_id)
    for number in range(10**9, 10**9 + 200):
        (root / str(number)).mkdir()
    looked: list[Path] = []
    list_folder = Path.iterdir

    def listed(path: Path) -> Iterator[Path]:
        looked.append(path)
        return list_folder(path)

    monkeypatch.setattr(Path, "iterdir", listed)
    cleanup = UploadCleanup(database, Uploads(database.files, gateway.run_id, database.identity))

    cleanup.run_if_due()
    at_first = len(looked)
    for _ in range(5):
        cleanup.run_if_due()

    assert at_first <= 60
    assert len(looked) > 200
    assert not leftovers["stored"].exists()
