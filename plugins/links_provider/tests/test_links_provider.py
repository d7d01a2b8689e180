"""Who arrives by which address, and how they leave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from famulus import Database, Gateway, Plugins, UsageError, list_owed
from famulus.data.scope import find_scope
from famulus.review.outside_payments import read_payee_names
from famulus.review.review_session import ReviewSession
from famulus.testing import GatewayTransport, MovableClock, ScriptedWorker
from famulus.testing.inprocess import rows_configuration
from famulus.testing.kinds import RowsState
from famulus.testing.scripted_worker import at_once
from famulus.testing.transports import Response
from famulus_links.addresses import LINK, VISIT, LinkSigner
from famulus_links.limits import Limits
from famulus_links.links import links_of, make_links, note_entry, revoke
from famulus_links.people import Person

Launch = Callable[..., Gateway]
Answers = Callable[..., Response]
Query = dict[str, str]

ANNA = Person(name="Anna", email="anna@lab.example")


def token(database: Database, run: int, person: Person = ANNA, **limits: Any) -> str:
    [link] = make_links(database, run, [person], Limits(**limits))
    return LinkSigner(database).sign(link.name)


def first_visit(database: Database, run: int, person: Person = ANNA, **limits: Any) -> Query:
    """Return the query to which the button of a link's page leads, once it was pressed."""
    [link] = make_links(database, run, [person], Limits(**limits))
    database.write(lambda tx: note_entry(tx, link))
    return {LINK: LinkSigner(database).sign(link.name), VISIT: "1"}


def opened(gateway: Gateway, query: Query) -> Response:
    return GatewayTransport(gateway).open(query)


def test_link_opens_a_page_whose_button_begins_the_work(
    launch: Launch, database: Database, begin: Callable[..., Query]
) -> None:
    gateway = launch(welcome="Hello.", consent="I agree.")
    link = {LINK: token(database, gateway.run_id)}

    page = opened(gateway, link)

    assert page.form is None
    assert ("Hello." in page.text, "I agree." in page.text) == (True, True)
    assert opened(gateway, begin(gateway, link)).form is not None


def test_no_address_stands_for_consent(
    launch: Launch, database: Database, begin: Callable[..., Query]
) -> None:
    gateway = launch(consent="I agree.")
    link = {LINK: token(database, gateway.run_id)}

    page = opened(gateway, {**link, VISIT: "1"})

    assert page.form is None
    assert "I agree." in page.text
    begin(gateway, link)
    assert opened(gateway, {**link, VISIT: "1"}).form is not None
    with database.read() as tx:
        [stored] = links_of(tx, gateway.run_id)
    assert stored.entered_at is not None


def test_link_gives_one_unit_after_the_other(
    launch: Launch, database: Database, answer: Answers
) -> None:
    gateway = launch()
    first = first_visit(database, gateway.run_id)
    link = {LINK: first[LINK]}

    stored = [answer(gateway, query) for query in (first, link, link)]

    assert [each.outcome for each in stored] == ["stored"] * 3
    assert "Anna" not in "".join(each.text for each in stored)
    assert opened(gateway, link).refusal == "all_done"


def test_page_of_stored_answers_leads_to_the_next_unit(
    launch: Launch, database: Database, answer: Answers
) -> None:
    gateway = launch()
    first = first_visit(database, gateway.run_id)

    stored = answer(gateway, first)

    assert "visit=2" in stored.text
    assert "<dt>Left for you</dt>\n<dd>at most 2</dd>" in stored.text
    assert answer(gateway, {**first, VISIT: "2"}).outcome == "stored"
    assert opened(gateway, first).form is None


def test_link_that_is_opened_many_times_at_once_is_one_worker_with_one_unit(
    launch: Launch, database: Database
) -> None:
    gateway = launch()
    query = first_visit(database, gateway.run_id)

    pages = at_once(8, lambda _: opened(gateway, query).text)

    rows = {page.partition("<output>")[2].partition("</output>")[0] for page in pages}
    assert len(rows) == 1


def test_shared_link_gives_its_uses_and_no_more(
    launch: Launch, database: Database, answer: Answers
) -> None:
    gateway = launch()
    first = first_visit(database, gateway.run_id, uses=2)
    link = {LINK: first[LINK]}

    stored = [answer(gateway, query) for query in (first, link)]

    assert [each.outcome for each in stored] == ["stored"] * 2
    assert "<dt>Left for you</dt>\n<dd>at most 1</dd>" in stored[0].text
    assert "<dt>Left for you</dt>\n<dd>nothing</dd>" in stored[1].text
    assert opened(gateway, link).form is None
    assert "visit=3" not in opened(gateway, link).text
    assert opened(gateway, {**link, VISIT: "3"}).refusal == "link_used_up"


def test_unit_that_is_given_back_counts_once_the_person_goes_on_to_another(
    launch: Launch, database: Database, answer: Answers
) -> None:
    gateway = launch()
    first = first_visit(database, gateway.run_id, uses=2)
    link = {LINK: first[LINK]}

    def give_back(query: Query) -> Response:
        worker = ScriptedWorker(
            GatewayTransport(gateway), "x", query=lambda *_: query, has_scripts=False
        )
        return worker.give_back(worker.open(""))

    for query in (first, link):
        left = give_back(query)
        assert ("given this one back" in left.text, "visit=2" in left.text) == (True, True)
    assert answer(gateway, {**link, VISIT: "2"}).outcome == "stored"

    assert opened(gateway, link).form is None
    assert "visit=3" not in opened(gateway, link).text


def test_page_of_a_unit_promises_no_more_than_the_uses_of_the_link(
    launch: Launch, database: Database, answer: Answers
) -> None:
    gateway = launch(rows=[{"n": number} for number in range(5)])
    of_two, unlimited = (
        first_visit(database, gateway.run_id, person, **limits)
        for person, limits in ((ANNA, {"uses": 2}), (Person(name="Bo"), {}))
    )

    pages = [opened(gateway, of_two).text for _ in range(2)]
    answer(gateway, of_two)
    pages.append(opened(gateway, {**of_two, VISIT: "2"}).text)

    numbers = [page.partition("<li>Unit ")[2].partition("</li>")[0] for page in pages]
    assert numbers == ["1 of at most 2", "1 of at most 2", "2 of at most 2"]
    assert "<li>Unit 1 of at most 5</li>" in opened(gateway, unlimited).text


def test_people_are_different_workers_and_the_same_in_another_run(
    launch: Launch, database: Database
) -> None:
    runs = [launch().run_id for _ in range(2)]
    for run in runs:
        for person in (ANNA, Person(name="Bo")):
            token(database, run, person)

    with database.read() as tx:
        found = [[link.worker for link in links_of(tx, run)] for run in runs]

    assert found[0] == found[1]
    assert len(set(found[0])) == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "link_needed"),
        ({LINK: ""}, "link_unknown"),
        ({LINK: "0" * 48}, "link_unknown"),
        ({LINK: "é" * 48}, "link_unknown"),
        ({VISIT: "1"}, "link_needed"),
    ],
)
def test_address_without_a_valid_link_gets_a_sentence_and_no_work(
    launch: Launch, query: dict[str, str], code: str
) -> None:
    refused = opened(launch(), query)

    assert (refused.refusal, refused.form) == (code, None)


@pytest.mark.parametrize("visit", ["0", "-1", "x", "1.0", "01", "²", "1" * 7])
def test_number_of_a_visit_that_cannot_be_is_refused(
    launch: Launch, database: Database, visit: str
) -> None:
    gateway = launch()

    refused = opened(gateway, {**first_visit(database, gateway.run_id), VISIT: visit})

    assert refused.refusal == "link_unknown"


def test_link_with_one_character_changed_is_forged(launch: Launch, database: Database) -> None:
    gateway = launch()
    link = token(database, gateway.run_id)
    first, last = ("1" if digit == "0" else "0" for digit in (link[0], link[-1]))

    for forged in (link[:-1] + last, first + link[1:], link[:-1], link + last):
        assert opened(gateway, {LINK: forged}).refusal == "link_unknown"


def test_link_of_another_run_is_refused(launch: Launch, database: Database) -> None:
    first, second = launch(), launch()

    refused = opened(second, {LINK: token(database, first.run_id)})

    assert refused.refusal == "link_unknown"


def test_expired_link_is_refused(launch: Launch, database: Database, clock: MovableClock) -> None:
    gateway = launch()
    until = clock() + timedelta(hours=1)
    query = first_visit(database, gateway.run_id, expires_at=int(until.timestamp()))

    assert opened(gateway, query).form is not None
    clock.advance(3600)
    assert opened(gateway, query).refusal == "link_expired"


def test_revoked_link_is_refused_and_another_one_is_the_same_worker(
    launch: Launch, database: Database, answer: Answers, begin: Callable[..., Query]
) -> None:
    gateway = launch()
    first = first_visit(database, gateway.run_id)
    answer(gateway, first)
    with database.read() as tx:
        links = links_of(tx, gateway.run_id)
    assert [revoke(database, links), revoke(database, links)] == [1, 0]

    second = token(database, gateway.run_id)

    assert opened(gateway, first).refusal == "link_revoked"
    assert second != first[LINK]
    begun = begin(gateway, {LINK: second})
    assert begun == {LINK: second, VISIT: "2"}
    assert "visit=3" in answer(gateway, begun).text


def test_forgotten_person_is_nowhere_and_their_link_unknown(
    launch: Launch, database: Database, answer: Answers, operator: Any
) -> None:
    gateway = launch()
    first, other = (
        first_visit(database, gateway.run_id, person) for person in (ANNA, Person(name="Bo"))
    )
    with database.read() as tx:
        [anna, _] = links_of(tx, gateway.run_id)

    for _ in range(2):
        operator.managed(gateway.run_id).bound.provider.forget(anna.worker, "forgotten-1")

    assert opened(gateway, first).refusal == "link_unknown"
    assert answer(gateway, other).outcome == "stored"
    with database.read() as tx:
        assert [link.person_name for link in links_of(tx, gateway.run_id)] == ["Bo"]


def test_platforms_parameters_name_the_worker_and_the_visit(
    launch: Launch, answer: Answers
) -> None:
    gateway = launch(worker_param="PROLIFIC_PID", visit_param="SESSION_ID")
    query = {"PROLIFIC_PID": "p1", "SESSION_ID": "s1", "STUDY_ID": "any"}

    stored = answer(gateway, query)

    assert "Next" not in stored.text
    assert opened(gateway, query).form is None
    assert answer(gateway, {**query, "SESSION_ID": "s2"}).outcome == "stored"


def test_worker_without_a_parameter_for_the_visit_does_one_unit_after_the_other(
    launch: Launch, answer: Answers
) -> None:
    gateway = launch(worker_param="id")

    for number in (1, 2):
        stored = answer(gateway, {"id": "17"})
        assert f"visit={number + 1}" in stored.text


@pytest.mark.parametrize("worker", ["", " ", "person-0123456789", " person-x"])
def test_parameter_names_no_person_of_a_list(launch: Launch, worker: str) -> None:
    refused = opened(launch(worker_param="id"), {"id": worker})

    assert refused.refusal == "link_needed"


def test_each_outcome_has_its_code_or_address(launch: Launch, answer: Answers) -> None:
    gateway = launch(
        rows=[{"n": 1}],
        worker_param="id",
        visit_param="visit_of_platform",
        completions={
            "completed": "https://sona.example?experiment=1&survey_code={id}",
            "run_closed": "NOTHING-LEFT",
        },
    )

    stored = answer(gateway, {"id": "17 &x=1", "visit_of_platform": "a"})
    refused = opened(gateway, {"id": "18", "visit_of_platform": "b"})

    assert "experiment=1&amp;survey_code=17%20%26x%3D1" in stored.text
    assert refused.refusal is not None
    assert "NOTHING-LEFT" in refused.text


@pytest.mark.parametrize("platform", [{}, {"worker_param": "pid"}])
def test_codes_of_a_platform_are_for_those_whom_it_sends(
    launch: Launch, database: Database, answer: Answers, platform: dict[str, str]
) -> None:
    gateway = launch(completions={"completed": "CODE-1"}, **platform)
    first = first_visit(database, gateway.run_id)

    invited = answer(gateway, {**first, "pid": "p1"})

    assert ("CODE-1" in invited.text) is not bool(platform)
    assert ("What you have done" in invited.text) is bool(platform)
    if platform:
        assert "CODE-1" in answer(gateway, {"pid": "p1"}).text


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"visit_param": "s"}, "provider.visit_param"),
        ({"worker_param": "s", "visit_param": "s"}, "provider.visit_param"),
        ({"worker_param": LINK}, "provider.worker_param"),
        ({"worker_param": VISIT}, "provider.worker_param"),
        ({"worker_param": "s", "visit_param": LINK}, "provider.visit_param"),
        ({"currency": "euro"}, "provider.currency"),
        ({"completions": {"completed": " "}}, "provider.completions.completed"),
        ({"completions": {"completed": "ftp://x.example"}}, "provider.completions.completed"),
        ({"completions": {"completed": "https://{host}/"}}, "provider.completions.completed"),
        ({"completions": {"completed": "https:///x"}}, "provider.completions.completed"),
        ({"completions": {"completed": "https://[x"}}, "provider.completions.completed"),
        ({"completions": {"completed": "A", "withdrew": "A"}}, "provider.completions.withdrew"),
        ({"completions": {"completed": "A" * 101}}, "provider.completions.completed"),
    ],
)
def test_option_that_cannot_work_is_a_problem(
    operator: Any, options: dict[str, Any], key: str
) -> None:
    configuration = rows_configuration(provider="links", provider_options=options)
    with pytest.raises(UsageError) as caught:
        operator.launch(configuration, shared_state=RowsState(rows=[{"n": 1}]))

    assert [problem.key for problem in caught.value.problems] == [key]


def test_entrance_shows_the_parameters_that_a_platform_has_to_fill_in(operator: Any) -> None:
    options = {"worker_param": "PROLIFIC_PID", "visit_param": "SESSION_ID"}
    launched = operator.launch(
        rows_configuration(provider="links", provider_options=options),
        shared_state=RowsState(rows=[{"n": 1}]),
    )

    [entrance] = launched.entrances
    assert dict(parse_qsl(urlsplit(entrance).query)) == dict.fromkeys(options.values(), "...")
    assert "Enter the address that ends in dots" in launched.invitation


def test_launch_names_the_commands_that_make_links(operator: Any) -> None:
    launched = operator.launch(
        rows_configuration(provider="links"), shared_state=RowsState(rows=[{"n": 1}])
    )

    assert f"`famulus links open {launched.run_id}`" in launched.invitation


def test_people_are_owed_their_rewards_under_the_names_that_a_list_gave(
    launch: Launch, database: Database, plugins: Plugins, answer: Answers
) -> None:
    gateway = launch(currency="EUR", worker_param="PID")
    for query in (
        first_visit(database, gateway.run_id),
        first_visit(database, gateway.run_id, Person(name="Bo")),
        {"PID": "of a platform", VISIT: "1"},
    ):
        assert answer(gateway, query).outcome == "stored"
    scope = find_scope(database, "rows")
    ReviewSession(database=database, plugins=plugins, scope=scope).accept_all()

    owed = list_owed(database)
    names, problems = read_payee_names(database, plugins, owed)

    assert [f"{each.amount} {each.currency}" for each in owed] == ["0.10 EUR"] * 3
    assert sorted(names.values()) == ["Anna (anna@lab.example)", "Bo"]
    assert problems == []
