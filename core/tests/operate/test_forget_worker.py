"""Forgetting a worker: nothing of them is found in the database or its files afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from famulus.contracts.provider_views import VisitReport
from famulus.contracts.views import FormFile
from famulus.data.export import export_records
from famulus.data.payments import list_payments
from famulus.data.scope import find_scope
from famulus.engine.gateway import Gateway
from famulus.engine.platform.bound_provider import bind_provider
from famulus.engine.platform.visit_sync import sync_run
from famulus.engine.qualifications.worker_handle import find_or_create_worker, find_worker
from famulus.errors import ConflictError, NotFoundError, PluginError, UsageError
from famulus.model.database import Database
from famulus.model.states import PaymentKind, VisitStatus
from famulus.model.tables import OutboxTable, PaymentTable, WorkerTable
from famulus.operate.forget_worker import (
    ForgottenWorker,
    WorkerId,
    find_worker_id,
    forget_worker,
)
from famulus.plugins import Plugins
from famulus.review.payment_actions import pay_bonus
from famulus.review.review_session import ReviewSession
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from stored_texts import contains

NAME = "zoë.müller@example.org"
ANSWER = "my cat is called Mimi"
FILE = b"a drawing of the cat"


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider()))


@pytest.fixture
def operator(database: Database, plugins: Plugins) -> Iterator[ManualOperator]:
    with ManualOperator(database, plugins=plugins) as operator:
        yield operator


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    """A paid run in which Zoë and x have done a unit each, with a file."""
    opened = operator.launch_rows([{"n": n} for n in range(3)], provider="paying")
    for name in (NAME, "x"):
        worker = GatewayWorker(opened, name)
        page = worker.arrive(f"visit of {name}", seen_in=f"the browser of {name}")
        worker.submit(page, ANSWER if name == NAME else "another answer", files=[upload(opened)])
    operator.turn()
    return opened


@pytest.fixture
def paid(gateway: Gateway, operator: ManualOperator, plugins: Plugins) -> None:
    """All work is accepted and paid, with a bonus for Zoë."""
    scope = find_scope(operator.database, "rows")
    session = ReviewSession(database=operator.database, plugins=plugins, scope=scope)
    assert session.accept_all().decisions == 2
    (unit,) = (each["unit"] for each in answers_of(operator.database, NAME))
    pay_bonus(operator.database, unit, "0.50", reason=f"Thank you, {NAME}!", plugins=plugins)
    operator.turn()
    assert {str(payment.status) for payment in list_payments(operator.database)} == {"confirmed"}
    keep = PaymentTable.update(kept={"order": f"for the visit of {NAME}"})
    bonus = keep.where(PaymentTable.kind == PaymentKind.BONUS)
    operator.database.write(lambda tx: tx.execute(bonus))


def answers_of(database: Database, worker: str) -> list[Mapping[str, Any]]:
    """Return the exported records of a worker."""
    return [each for each in export_records(database, task="rows") if each["worker"] == worker]


def upload(gateway: Gateway) -> FormFile:
    path = gateway.upload_folder / os.urandom(8).hex()
    path.write_bytes(FILE)
    return FormFile(
        field="drawing",
        filename="cat.png",
        content_type="image/png",
        size=len(FILE),
        sha256="0" * 64,
        path=path,
    )


def forget(
    database: Database, plugins: Plugins, *, name: str = NAME, answers: bool = False
) -> ForgottenWorker:
    who = find_worker_id(database, plugins, name)
    return forget_worker(database, plugins, who, answers=answers)


@pytest.mark.usefixtures("paid")
def test_report_about_a_forgotten_worker_changes_nothing(
    database: Database, plugins: Plugins, platform: FakePlatform, gateway: Gateway
) -> None:
    """Some platforms list every visit of a run at each sync."""
    forget(database, plugins)
    before = (list_payments(database), answers_of(database, "x"))
    statuses = (VisitStatus.SUBMITTED, VisitStatus.APPROVED, VisitStatus.REJECTED)
    platform.others = [
        VisitReport(worker_name=NAME, reference=f"visit of {NAME}", status=status)
        for status in statuses
    ]
    bound = bind_provider(database, plugins, gateway.run_id)
    result = sync_run(database, bound.provider, bound.run_view())

    assert (result.changed, result.contradictions) == ({}, [])
    assert not contains(database, NAME)
    assert (list_payments(database), answers_of(database, "x")) == before
    platform.others = [VisitReport(worker_name="y", reference="visit", status=statuses[0])]
    assert sync_run(database, bound.provider, bound.run_view()).changed == {statuses[0]: 1}


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize("answers", [False, True])
def test_name_is_nowhere_afterwards(
    database: Database, plugins: Plugins, operator: ManualOperator, answers: bool
) -> None:
    assert contains(database, NAME)
    assert contains(database, ANSWER)

    done = forget(database, plugins, answers=answers)

    assert not contains(database, NAME)
    assert contains(database, done.pseudonym)
    assert contains(database, ANSWER) is not answers
    assert done.answers == (1 if answers else 0)
    (theirs,) = answers_of(database, done.pseudonym)
    assert theirs["outputs"].get("answer") == (None if answers else ANSWER)
    assert len(theirs["files"]) == (0 if answers else 1)
    assert len(answers_of(database, "x")) == 1
    kept = [path.read_bytes() for path in database.files.rglob("*") if path.is_file()]
    assert kept == [FILE] * (1 if answers else 2)
    operator.turn()
    assert not contains(database, NAME)
    with pytest.raises(NotFoundError):
        find_worker(database, "paying", NAME)


@pytest.mark.usefixtures("paid")
def test_files_that_an_interrupted_call_has_left_go_with_the_next(
    database: Database, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            forget(database, plugins, answers=True)

    forget(database, plugins, name="x")

    assert [path.read_bytes() for path in database.files.rglob("*") if path.is_file()] == [FILE]


def test_worker_who_is_needed_by_name_is_kept(
    gateway: Gateway, operator: ManualOperator, plugins: Plugins
) -> None:
    """At work, with paid work to be reviewed, or with a payment to be made: each is named."""
    database = operator.database
    y = GatewayWorker(gateway, "y")
    page = y.arrive()
    with pytest.raises(ConflictError, match="y cannot be forgotten yet: they are at work in run "):
        forget(database, plugins, name="y")
    y.submit(page)
    with pytest.raises(
        ConflictError, match=r"work of theirs in run [0-9]+ is still to be reviewed"
    ):
        forget(database, plugins, name="y")
    assert contains(database, NAME)


@pytest.mark.usefixtures("paid")
def test_nothing_is_forgotten_here_when_the_provider_fails(
    database: Database, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("disk I/O error")

    monkeypatch.setattr(plugins.provider("paying"), "forget", broken)

    with pytest.raises(PluginError, match="'paying' could not forget a worker: OSError: disk"):
        forget(database, plugins)
    assert find_worker(database, "paying", NAME).name == NAME
    with database.read() as tx:
        assert not tx.sql("SELECT name FROM worker WHERE blocked").fetchall()


@pytest.mark.usefixtures("paid")
def test_what_the_provider_calls_them_goes_though_a_call_was_interrupted(
    database: Database, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ["Zoë Müller"]
    note = PaymentTable.update(note="transfer 12 to Zoë Müller")
    database.write(lambda tx: tx.execute(note.where(PaymentTable.kind == PaymentKind.BONUS)))

    def killed(*_: object) -> None:
        known.clear()
        raise KeyboardInterrupt

    provider = plugins.provider("paying")
    monkeypatch.setattr(provider, "personal_texts", lambda *_: [*known])
    with monkeypatch.context() as patch:
        patch.setattr(provider, "forget", killed)
        with pytest.raises(KeyboardInterrupt):
            forget(database, plugins)

    forget(database, plugins)

    assert not contains(database, "Zoë Müller")


def test_name_that_is_a_word_of_core_changes_no_call_to_a_platform(
    gateway: Gateway, operator: ManualOperator, plugins: Plugins
) -> None:
    """People choose what an open link, or a parameter, calls them."""
    name, database = "approved", operator.database
    worker = GatewayWorker(gateway, name)
    worker.submit(worker.arrive())
    operator.turn()
    scope = find_scope(database, "rows")
    ReviewSession(database=database, plugins=plugins, scope=scope).accept_all()
    operator.turn()
    before = payloads(database)
    assert [each["verdict"] for each in before if "verdict" in each] == [name] * 3

    forget(database, plugins, name=name)

    assert payloads(database) == before


@pytest.mark.usefixtures("paid")
def test_visitor_cannot_come_as_a_worker_who_was_forgotten_or_will_be(
    gateway: Gateway, database: Database, plugins: Plugins
) -> None:
    """Exports show the pseudonym, and the next one has to be free when another is forgotten."""
    done = forget(database, plugins)
    x = find_worker(database, "paying", "x")
    following = done.pseudonym.rpartition("-")[0] + f"-{x.id}"

    pages = [GatewayWorker(gateway, name).arrive() for name in (done.pseudonym, following)]

    assert [page.refusal for page in pages] == ["unknown_link"] * 2
    assert forget(database, plugins, name="x").pseudonym == following


def payloads(database: Database) -> list[Mapping[str, Any]]:
    """Return what the rows of the outbox hold."""
    with database.read() as tx:
        return [row.payload for row in tx.rows(OutboxTable.select().order_by(OutboxTable.id))]


@pytest.mark.usefixtures("paid")
def test_worker_who_comes_while_they_are_forgotten_is_not_admitted(
    gateway: Gateway, database: Database, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their provider could not name them any more, and they could not be paid."""
    refused: list[str | None] = []

    def forget_while_they_come(*_: object) -> None:
        refused.append(GatewayWorker(gateway, NAME).arrive().refusal)

    monkeypatch.setattr(plugins.provider("paying"), "forget", forget_while_they_come)

    done = forget(database, plugins)

    assert refused == ["blocked"]
    with database.read() as tx:
        blocked = tx.sql("SELECT name FROM worker WHERE blocked").fetchall()
    assert blocked == []
    assert find_worker(database, "paying", done.pseudonym).name == done.pseudonym


@pytest.fixture
def called(plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The workers whom the paying provider knows, by what it calls them."""
    called: dict[str, list[str]] = {}
    monkeypatch.setattr(
        plugins.provider("paying"), "workers_called", lambda _, name: called.get(name, ())
    )
    return called


def test_worker_who_has_never_come_is_found_by_their_provider_and_kept_out(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    called: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What their provider would need to pay them goes while they could come in."""
    called["Ole Bye"] = ["ole"]
    forgotten: list[tuple[str, str, str | None]] = []

    def forget_while_they_come(_: object, name: str, pseudonym: str) -> None:
        forgotten.append((name, pseudonym, GatewayWorker(gateway, name).arrive().refusal))

    monkeypatch.setattr(plugins.provider("paying"), "forget", forget_while_they_come)

    done = forget(database, plugins, name=" Ole Bye ", answers=True)

    assert forgotten == [("ole", done.pseudonym, "blocked")]
    assert done.answers == 0
    with pytest.raises(NotFoundError):
        find_worker(database, "paying", "ole")


@pytest.mark.usefixtures("gateway")
def test_name_of_several_workers_is_refused_with_their_ids(
    database: Database, plugins: Plugins, called: dict[str, list[str]]
) -> None:
    find_or_create_worker(database, "crowd", "Ole", plugins=plugins)
    called["Ole"] = ["ole-2", "ole-1", "ole-2"]

    with pytest.raises(
        UsageError, match="'Ole' may be one of Ole of crowd, ole-1 of paying, ole-2"
    ):
        find_worker_id(database, plugins, "Ole")
    with pytest.raises(UsageError, match="one of ole-1 of paying, ole-2 of paying; name the id"):
        find_worker_id(database, plugins, "Ole", provider_type="paying")
    of_crowd = WorkerId(provider_type="crowd", name="Ole")
    assert find_worker_id(database, plugins, "Ole", provider_type="crowd") == of_crowd


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize("has_come", [True, False])
def test_id_of_a_worker_means_no_other_who_has_it_for_a_name(
    database: Database, plugins: Plugins, called: dict[str, list[str]], has_come: bool
) -> None:
    """People who register themselves may give the id of another."""
    who = "x" if has_come else "z"
    called[who] = ["y"] if has_come else ["y", "z"]

    assert find_worker_id(database, plugins, who) == WorkerId(provider_type="paying", name=who)


@pytest.mark.usefixtures("gateway")
def test_name_that_no_provider_knows_is_not_found(
    database: Database, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFoundError, match=r"there is no worker 'Ole' of paying$"):
        find_worker_id(database, plugins, "Ole")
    with pytest.raises(NotFoundError, match=r"no worker 'x' of crowd; there is one of paying$"):
        find_worker_id(database, plugins, "x", provider_type="crowd")

    def broken(*_: object) -> None:
        raise OSError("disk I/O error")

    monkeypatch.setattr(plugins.provider("paying"), "workers_called", broken)
    with pytest.raises(PluginError, match="'paying' could not find a worker: OSError: disk"):
        find_worker_id(database, plugins, "Ole")


@pytest.mark.usefixtures("gateway")
def test_provider_that_cannot_be_asked_is_no_obstacle_once_another_is_named(
    database: Database, plugins: Plugins
) -> None:
    gone = WorkerTable.insert(provider_type="gone", name="y", created_at=0, blocked=False)
    database.write(lambda tx: tx.execute(gone))

    with pytest.raises(
        PluginError, match=r"no provider 'gone'.*; --provider asks only the provider"
    ):
        find_worker_id(database, plugins, "x")
    with pytest.raises(PluginError, match=r"there is no provider 'gone'(?!.*--provider)"):
        find_worker_id(database, plugins, "z", provider_type="gone")
    of_paying = WorkerId(provider_type="paying", name="x")
    assert find_worker_id(database, plugins, "x", provider_type="paying") == of_paying
