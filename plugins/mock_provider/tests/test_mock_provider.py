"""The provider ``mock``: the URL alone determines the worker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

import famulus_mock
from famulus import (
    Arrival,
    Context,
    Database,
    Plan,
    Preview,
    Refusal,
    RefusalReason,
    Reject,
    SharedTaskState,
    TaskArgs,
    VisitOutcome,
    VisitVerdict,
    VisitView,
    system_clock,
)
from famulus.contracts.plan import Role
from famulus.testing.inprocess import (
    GatewayWorker,
    ManualOperator,
    kit_plugins,
    rows_configuration,
    seen,
)
from famulus.testing.kinds import RowsState
from famulus_mock.provider import MockProvider
from famulus_mock.tables import SCHEMA, MockPayment, MockVerdict


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[MockProvider]:
    with Database(tmp_path / "a.db") as database:
        context = Context(database=database, clock=system_clock, shared_state=SharedTaskState())
        yield MockProvider(MockProvider.Args(), context)


def test_both_parameters_make_an_arrival(provider: MockProvider) -> None:
    arrival = provider.arrive({"worker_id": " x ", "assignment_id": "7", "more": "kept out"})

    assert arrival == Arrival(worker_name="x", reference="7")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"worker_id": "x"},
        {"assignment_id": "7"},
        {"worker_id": "", "assignment_id": "7"},
        {"worker_id": "x", "assignment_id": "  "},
    ],
)
def test_without_both_it_is_a_preview(provider: MockProvider, query: Mapping[str, str]) -> None:
    assert provider.arrive(query) == Preview()


@pytest.mark.parametrize("name", ["x" * 256, "a\0b", "a\nb", "\ud800"])
def test_names_that_no_platform_uses_are_refused(provider: MockProvider, name: str) -> None:
    for query in (
        {"worker_id": name, "assignment_id": "7"},
        {"worker_id": "x", "assignment_id": name},
    ):
        refusal = provider.arrive(query)
        assert isinstance(refusal, Refusal)
        assert refusal.reason is RefusalReason.UNKNOWN_LINK


def test_names_of_any_script_are_taken(provider: MockProvider) -> None:
    assert provider.arrive({"worker_id": "Žofie 王", "assignment_id": "ä"}) == Arrival(
        worker_name="Žofie 王", reference="ä"
    )


def test_the_next_unit_is_the_same_workers_and_a_new_one(provider: MockProvider) -> None:
    visit = VisitView(id=1, run_id=1, worker_name="x y", reference="7")

    offers = [provider.completion(visit, VisitOutcome.COMPLETED) for _ in range(2)]

    queries = [dict(offer.next_query or {}) for offer in offers]
    assert [query["worker_id"] for query in queries] == ["x y", "x y"]
    assert len({query["assignment_id"] for query in queries} | {"7"}) == 3


def test_entrances_are_the_preview_and_a_ready_link(provider: MockProvider, tmp_path: Path) -> None:
    with ManualOperator(tmp_path / "b.db", plugins=kit_plugins(mock=famulus_mock)) as manual:
        state = RowsState(rows=[{"n": 1}])
        launched = manual.launch(rows_configuration(provider="mock"), shared_state=state)
    preview, ready = launched.entrances

    assert preview == launched.url
    assert set(parse_qs(urlsplit(ready).query)) == {"worker_id", "assignment_id"}
    assert isinstance(
        provider.arrive({k: v[0] for k, v in parse_qs(urlsplit(ready).query).items()}), Arrival
    )


def test_payments_are_play_money(provider: MockProvider) -> None:
    assert provider.capabilities.sandbox
    assert provider.capabilities.pays


def test_a_worker_sees_their_answers_and_goes_on_to_the_next_unit(tmp_path: Path) -> None:
    manual = ManualOperator(tmp_path / "a.db", plugins=kit_plugins(mock=famulus_mock))
    with manual:
        launched = manual.launch(
            rows_configuration(provider="mock"), shared_state=RowsState(rows=[{"n": 1}, {"n": 2}])
        )
        gateway = manual.gateway(launched)
        worker = GatewayWorker(gateway, "x")

        stored = worker.submit(worker.arrive("1"), "<b>my answer</b>")

        assert "&lt;b&gt;my answer&lt;/b&gt;" in stored.text
        link = re.search(r'href="([^"]*worker_id=x[^"]*)"', stored.text)
        assert link is not None
        query = parse_qs(urlsplit(link[1].replace("&amp;", "&")).query)
        following = seen(gateway.arrive({key: values[0] for key, values in query.items()}))
        assert following.row == {"n": 2}


def test_a_requester_needs_no_credentials(provider: MockProvider) -> None:
    assert provider.register("me", provider.RequesterArgs()) == {}


@pytest.mark.parametrize(
    ("architect", "key"),
    [
        ({"hostname": "127.0.0.1"}, None),
        ({"hostname": "127.1.2.3"}, None),
        ({"hostname": "localhost"}, None),
        ({"hostname": "::1"}, None),
        ({"public_url": "http://localhost:3000/"}, None),
        ({"public_url": "http://[::1]:3000/"}, None),
        ({"hostname": "0.0.0.0"}, "architect.hostname"),
        ({"hostname": "::"}, "architect.hostname"),
        ({"hostname": "192.168.0.7"}, "architect.hostname"),
        ({"hostname": "lab.example"}, "architect.hostname"),
        ({"public_url": "https://tasks.example.org/"}, "architect.public_url"),
        ({"public_url": "http://127.0.0.1.example.org/"}, "architect.public_url"),
    ],
)
def test_a_run_that_others_can_reach_is_a_warning(
    provider: MockProvider, architect: dict[str, str], key: str | None
) -> None:
    plan = Plan(
        task=TaskArgs(),
        blueprint=Role(type="rows", args=None),
        architect=Role(type="local", args=SimpleNamespace(**architect)),
        provider=Role(type="mock", args=provider.args),
        shared_state=SharedTaskState(),
        task_dir=Path(),
    )

    found = provider.problems(plan)

    assert [(each.key, each.warning) for each in found] == ([] if key is None else [(key, True)])


def test_forgotten_worker_is_in_no_payment_and_no_verdict(provider: MockProvider) -> None:
    database = provider.context.database
    database.prepare([SCHEMA])
    for number, name in enumerate(("x", "y")):
        visit = VisitView(id=number, run_id=7, worker_name=name, reference="r")
        verdict = Reject(f"{name} has answered nothing.")
        list(provider.decide([VisitVerdict(key=name, visit=visit, verdict=verdict)]))
        values = {"key": f"bonus of {name}", "worker": name, "amount": "1"}
        database.write(partial(lambda values, tx: tx.insert(MockPayment, **values), values))

    provider.forget("x", "forgotten-1")

    with database.read() as tx:
        payments = {row.worker for row in tx.rows(MockPayment.select())}
        verdicts = {(row.worker, row.reason) for row in tx.rows(MockVerdict.select())}
    assert payments == {"forgotten-1", "y"}
    assert verdicts == {("forgotten-1", ""), ("y", "y has answered nothing.")}
