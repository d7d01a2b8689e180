"""famulus workers show and forget: people of links go by what they are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from famulus import Database, Gateway, export_records
from famulus.cli.declarations.workers import workers
from famulus.testing import GatewayTransport, run_command
from famulus_links.addresses import LinkSigner
from famulus_links.limits import Limits
from famulus_links.links import Link, links_of, make_links
from famulus_links.people import Person
from famulus_links.provider import LinksProvider

Launch = Callable[..., Gateway]
BO = Person(name="Boleslaw Lund", email="bo@lund.example")


@pytest.fixture
def forget(database_address: str) -> Callable[..., Any]:
    """A function that forgets a person and returns the command's output."""
    return lambda *words: run_command(workers, "forget", *words, "--yes", database=database_address)


@pytest.fixture
def invited(launch: Launch, database: Database) -> tuple[Gateway, list[Link]]:
    """A run to which three people are invited."""
    gateway = launch()
    people = [Person(name="Anna Berg", email="anna@lab.example"), BO, Person(name="Cem")]
    return gateway, make_links(database, gateway.run_id, people, Limits())


def address_of(gateway: Gateway, database: Database, link: Link) -> dict[str, str]:
    address = LinkSigner(database).address("https://tasks.example/", link.name)
    return dict(parse_qsl(urlsplit(address).query))


def people_of(database: Database, run: int) -> list[str | None]:
    with database.read() as tx:
        return [link.person_name for link in links_of(tx, run)]


def test_person_who_has_never_come_is_forgotten_by_an_address(
    invited: tuple[Gateway, list[Link]], database: Database, forget: Callable[..., Any]
) -> None:
    gateway, (_, bo, _) = invited
    query = address_of(gateway, database, bo)

    done, again = forget("BO@lund.example"), forget("bo@lund.example")

    assert done.exit_code == 0, done.output
    first, second = done.stdout.splitlines()
    assert first == f"BO@lund.example is {bo.worker} of links."
    assert second.startswith("Forgot the worker, who is forgotten-")
    assert again.exit_code == 2
    assert "there is no worker 'bo@lund.example' of links" in again.stderr
    assert GatewayTransport(gateway).open(query).refusal == "link_unknown"
    assert people_of(database, gateway.run_id) == ["Anna Berg", "Cem"]


def test_person_who_has_come_is_kept_under_their_name_while_work_is_to_be_reviewed(
    invited: tuple[Gateway, list[Link]],
    database: Database,
    forget: Callable[..., Any],
    begin: Callable[..., Any],
    answer: Callable[..., Any],
) -> None:
    gateway, (anna, *_) = invited
    answer(gateway, begin(gateway, address_of(gateway, database, anna)))

    done = forget("anna berg", "--answers")

    assert done.exit_code == 1
    assert f"{anna.worker} cannot be forgotten yet: work of theirs in run" in done.stderr
    [left] = export_records(database, run=gateway.run_id)
    assert (left["worker"], left["unanswered"]) == (anna.worker, False)
    assert "Anna Berg" in people_of(database, gateway.run_id)


def test_call_that_was_killed_once_the_name_was_deleted_is_completed_by_the_id(
    invited: tuple[Gateway, list[Link]],
    database: Database,
    forget: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway, (_, bo, _) = invited
    delete = LinksProvider.forget

    def killed(provider: LinksProvider, worker_name: str, pseudonym: str) -> None:
        delete(provider, worker_name, pseudonym)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LinksProvider, "forget", killed)
        interrupted = forget(BO.name)

    assert f"{BO.name} is {bo.worker} of links." in interrupted.stdout
    assert BO.name not in people_of(database, gateway.run_id)
    assert "Forgot the worker" in forget(bo.worker).stdout
    with database.read() as tx:
        [(name,)] = tx.sql("SELECT name FROM worker").fetchall()
    assert name.startswith("forgotten-")


def test_person_is_shown_by_name_once_they_have_come(
    invited: tuple[Gateway, list[Link]],
    database: Database,
    database_address: str,
    begin: Callable[..., Any],
) -> None:
    gateway, (anna, bo, _) = invited
    gateway.arrive(begin(gateway, address_of(gateway, database, anna)))

    by_name, by_id, not_yet = (
        run_command(workers, "show", who, database=database_address)
        for who in ("anna BERG", anna.worker, "bo@lund.example")
    )

    assert by_name.stdout.splitlines()[0].split() == ["Worker", anna.worker, "of", "links"]
    assert by_id.stdout == by_name.stdout
    assert not_yet.exit_code == 2
    assert f"bo@lund.example is {bo.worker} of links, who has not come yet" in not_yet.stderr
