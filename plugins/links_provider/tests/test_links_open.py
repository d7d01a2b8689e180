"""Open links: the page that people send, and how many of them get in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from famulus import Database, Form, Gateway
from famulus.testing import MovableClock, run_command
from famulus.testing.scripted_worker import at_once
from famulus.testing.transports import Response
from famulus_links.addresses import LINK, LinkSigner
from famulus_links.command import links
from famulus_links.limits import Limits
from famulus_links.links import MOST_GUESSES, links_of, make_open_link, revoke

Launch = Callable[..., Gateway]
Begin = Callable[..., dict[str, str]]
FillIn = Callable[..., Form]


def open_link(database: Database, run: int, word: str = "", **limits: Any) -> dict[str, str]:
    name = make_open_link(database, run, word, Limits(**limits))
    return {LINK: LinkSigner(database).sign(name)}


def test_twenty_people_on_one_open_link_are_twenty_workers(
    launch: Launch, database: Database, begin: Begin, answer: Callable[..., Response]
) -> None:
    gateway = launch(rows=[{"n": 1}], blueprint={"units_per_assignment": 20})
    query = open_link(database, gateway.run_id)

    theirs = at_once(20, lambda _: begin(gateway, query))

    assert {answer(gateway, own).outcome for own in theirs} == {"stored"}
    with database.read() as tx:
        assert len({link.worker for link in links_of(tx, gateway.run_id)} - {None}) == 20


def test_open_link_lets_in_as_many_people_as_it_has_uses(
    launch: Launch, database: Database, fill_in: FillIn
) -> None:
    gateway = launch()
    query = open_link(database, gateway.run_id, uses=3)
    forms = [fill_in(gateway, query) for _ in range(8)]

    replies = at_once(8, lambda number: gateway.enter(query, forms[number]))

    refused = [reply for reply in replies if reply.status != 303]
    assert len(refused) == 5
    assert all("This link has been used up" in reply.body for reply in refused)
    assert "all of them are taken" in gateway.arrive(query).body


def test_form_that_is_sent_twice_takes_one_use(
    launch: Launch, database: Database, fill_in: FillIn
) -> None:
    gateway = launch()
    query = open_link(database, gateway.run_id, uses=1)
    form = fill_in(gateway, query)

    replies = at_once(4, lambda _: gateway.enter(query, form))
    later = gateway.enter(query, form)

    assert {reply.headers["Location"] for reply in [*replies, later]} == {later.headers["Location"]}


def test_code_word_is_asked_for_and_compared_regardless_of_case(
    launch: Launch, database: Database, begin: Begin, fill_in: FillIn
) -> None:
    gateway = launch()
    query = open_link(database, gateway.run_id, "Summer rain", uses=1)

    wrong = gateway.enter(query, fill_in(gateway, query, word="winter"))

    assert (wrong.status, "not the code word" in wrong.body) == (422, True)
    assert LINK in begin(gateway, query, word="summer  RAIN")


def test_wrong_code_words_are_limited_in_each_minute_and_lock_out_no_one_who_is_in(
    launch: Launch,
    database: Database,
    clock: MovableClock,
    begin: Begin,
    fill_in: FillIn,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway = launch()
    query = open_link(database, gateway.run_id, "summer")
    other = open_link(database, gateway.run_id, "autumn")
    entered = fill_in(gateway, query, word="summer")
    location = gateway.enter(query, entered).headers["Location"]

    guesses = [fill_in(gateway, query, word=f"guess {number}") for number in range(40)]
    replies = at_once(40, lambda number: gateway.enter(query, guesses[number]).body)

    assert sum("not the code word" in reply for reply in replies) == MOST_GUESSES
    assert sum("try again in a minute" in reply for reply in replies) == 40 - MOST_GUESSES
    [warning] = [line for line in caplog.messages if "wrong code words" in line]
    assert f"`famulus links open {gateway.run_id} --word …`" in warning
    right = gateway.enter(query, fill_in(gateway, query, word="summer"))
    assert (right.status, "try again in a minute" in right.body) == (422, True)
    assert gateway.enter(query, entered).headers["Location"] == location
    assert LINK in begin(gateway, other, word="autumn")
    clock.advance(60)
    assert LINK in begin(gateway, query, word="summer")


def test_right_code_words_are_not_limited(launch: Launch, database: Database, begin: Begin) -> None:
    gateway = launch()
    query = open_link(database, gateway.run_id, "summer")

    for _ in range(MOST_GUESSES + 1):
        assert LINK in begin(gateway, query, word="summer")


def test_page_asks_for_what_the_options_say_and_keeps_it_apart(
    launch: Launch, database: Database, begin: Begin
) -> None:
    gateway = launch(
        welcome="First paragraph.\n\nSecond paragraph.",
        consent="I agree.",
        ask_name=True,
        ask_email=True,
    )
    query = open_link(database, gateway.run_id)
    page = gateway.arrive(query).body
    for text in ("First paragraph.", "Second paragraph.", "I agree."):
        assert text in page

    own = begin(gateway, query, name="Anna Berg", email="anna@lab.example")

    with database.read() as tx:
        [person] = [link for link in links_of(tx, gateway.run_id) if link.worker]
    assert (person.person_name, person.email) == ("Anna Berg", "anna@lab.example")
    assert person.worker is not None
    assert "Anna" not in person.worker + str(own)


def test_person_of_a_list_is_not_reached_by_giving_their_address(
    launch: Launch, database: Database, begin: Begin
) -> None:
    gateway = launch(ask_email=True)
    query = open_link(database, gateway.run_id)

    first, second = (begin(gateway, query, email="anna@lab.example") for _ in range(2))

    assert first != second


def test_expired_and_revoked_open_links_let_no_more_people_in(
    launch: Launch, database: Database, clock: MovableClock, fill_in: FillIn
) -> None:
    gateway = launch()
    until = int((clock() + timedelta(hours=1)).timestamp())
    expiring, revoked = (
        open_link(database, gateway.run_id, expires_at=until),
        open_link(database, gateway.run_id),
    )
    forms = [fill_in(gateway, query) for query in (expiring, revoked)]
    with database.read() as tx:
        revoke(database, links_of(tx, gateway.run_id)[1:])
    clock.advance(3600)

    for query, form, title in (
        (expiring, forms[0], "has expired"),
        (revoked, forms[1], "no longer valid"),
    ):
        reply = gateway.enter(query, form)
        assert (reply.status == 303, title in reply.body) == (False, True)


def test_no_name_is_stored_once_the_run_has_ended(
    launch: Launch, operator: Any, database: Database, fill_in: FillIn
) -> None:
    gateway = launch(ask_name=True)
    query = open_link(database, gateway.run_id)
    form = fill_in(gateway, query, name="Zoe Zed")
    operator.finish(gateway.run_id)

    replies = gateway.arrive(query), gateway.enter(query, form)

    assert [each.headers["X-Famulus-Refusal"] for each in replies] == ["run_closed"] * 2
    with database.read() as tx:
        assert [link.person_name for link in links_of(tx, gateway.run_id)] == [None]


def test_open_prints_a_link_that_list_and_status_show(
    launch: Launch, database_address: str, operator: Any
) -> None:
    gateway = launch()
    run = gateway.run_id

    made = run_command(
        links, "open", run, "--word", "summer", "--uses", 5, database=database_address
    )
    listed = run_command(links, "list", run, database=database_address)

    address = made.stdout.strip()
    query = dict(parse_qsl(urlsplit(address).query))
    assert "Code word" in gateway.arrive(query).body
    assert listed.stdout.split() == ["STATE", "PEOPLE", "LINK", "open", "0", address]
    bound = operator.managed(run).bound
    assert bound.provider.entrances(bound.run_view()) == [address]
    revoked = run_command(links, "revoke", run, address, database=database_address)
    assert revoked.stdout == "Revoked 1 link.\n"


def test_revoke_of_one_who_has_given_the_address_of_another_names_both(
    launch: Launch, database: Database, begin: Begin, database_address: str
) -> None:
    gateway = launch(ask_email=True)
    run = gateway.run_id
    query = open_link(database, run)
    for _ in range(2):
        begin(gateway, query, email="anna@lab.example")
    with database.read() as tx:
        workers = sorted(link.worker for link in links_of(tx, run) if link.worker)

    refused = run_command(links, "revoke", run, "anna@lab.example", database=database_address)
    revoked = run_command(links, "revoke", run, workers[0], database=database_address)

    assert f"may be one of {workers[0]}, {workers[1]}" in refused.stderr
    assert (refused.exit_code, revoked.stdout) == (2, "Revoked 1 link.\n")


@pytest.mark.parametrize("word", ["x" * 101, "a\nb", "", " "])
def test_code_word_that_cannot_be_typed_is_refused(
    launch: Launch, database_address: str, word: str
) -> None:
    run = launch().run_id

    refused = run_command(links, "open", run, "--word", word, database=database_address)

    assert (refused.exit_code, refused.stdout) == (2, "")
