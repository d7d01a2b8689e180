"""Entry forms: shown before a worker arrives, checked by core, and answered by the provider."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest
from attrs import evolve

from entry_provider import CODE_WORD, ENTRANCE, FORM, OVER, EntryPlugin, EntryProvider
from famulus import (
    Entry,
    EntryField,
    EntryForm,
    Form,
    Gateway,
    Plugins,
    Refusal,
    Reply,
    UnavailableError,
)
from famulus.engine.pages import CONSENT_FIELD, ENTRY_KEY_FIELD, consent_value
from famulus.model.database import Database
from famulus.model.tables import WorkerTable
from famulus.testing import MovableClock
from famulus.testing.forms import HtmlForm, html_form
from famulus.testing.inprocess import ManualOperator, kit_plugins
from famulus.testing.kinds import CrowdProvider, NoArgs

GOOD = {"email": " zoe@example.org ", "name": "", "code": CODE_WORD}


@pytest.fixture
def plugins() -> Plugins:
    return kit_plugins(entry=EntryPlugin())


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows([{"n": 1}, {"n": 2}], provider="entry")


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    """What the provider has been given."""
    given: list[Entry] = []
    enter = EntryProvider.enter

    def record(self: EntryProvider, query: Mapping[str, str], entry: Entry) -> Any:
        given.append(entry)
        return enter(self, query, entry)

    monkeypatch.setattr(EntryProvider, "enter", record)
    return given


@pytest.fixture
def enters(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Change what the provider answers an entry with."""

    def change(answer: Callable[[], Any]) -> None:
        monkeypatch.setattr(EntryProvider, "enter", lambda *_: answer())

    return change


def opened(reply: Reply) -> HtmlForm:
    form = html_form(reply.body)
    assert form is not None
    return form


def fields_of(form: HtmlForm, values: Mapping[str, str] = GOOD) -> dict[str, str]:
    """Return what a browser sends for a form that a worker has filled in."""
    sent = {control.name: control.value for control in form.controls}
    return {**sent, **values}


def send(gateway: Gateway, fields: Mapping[str, str]) -> Reply:
    return gateway.enter(ENTRANCE, Form(fields=[*fields.items()]))


def goes_to(reply: Reply) -> dict[str, str]:
    assert (reply.status, reply.body) == (303, "")
    location = urlsplit(reply.headers["Location"])
    assert location.path == "./"
    return dict(parse_qsl(location.query))


def test_form_is_sent_to_its_own_parameters_and_leads_to_a_unit(
    gateway: Gateway, entries: list[Entry]
) -> None:
    form = opened(gateway.arrive(ENTRANCE))

    query = goes_to(send(gateway, fields_of(form)))

    assert form.action == "enter?open=yes"
    assert query["assignment_id"] == "first & only"
    assert opened(gateway.arrive(query)).action.startswith("submit?")
    assert entries[0].values == {"email": "zoe@example.org", "name": "", "code": CODE_WORD}


def test_form_that_is_sent_twice_is_one_entry(
    gateway: Gateway, entries: list[Entry], database: Database
) -> None:
    fields = fields_of(opened(gateway.arrive(ENTRANCE)))

    first, second = (goes_to(send(gateway, fields)) for _ in range(2))
    gateway.arrive(first)
    gateway.arrive(second)

    assert first == second
    assert entries[0] == entries[1]
    with database.read() as tx:
        assert len(tx.rows(WorkerTable.select())) == 1


def test_pages_that_are_opened_apart_are_two_workers(gateway: Gateway) -> None:
    pages = [opened(gateway.arrive(ENTRANCE)) for _ in range(2)]

    first, second = (goes_to(send(gateway, fields_of(page))) for page in pages)

    assert first["worker_id"] != second["worker_id"]


def test_only_what_was_asked_for_reaches_the_provider(
    gateway: Gateway, entries: list[Entry]
) -> None:
    form = opened(gateway.arrive(ENTRANCE))
    fields = [*fields_of(form).items(), ("email", "other@example.org"), ("admin", "1"), ("", "x")]

    gateway.enter(ENTRANCE, Form(fields=fields))

    assert entries[0].values == {"email": "zoe@example.org", "name": "", "code": CODE_WORD}


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"email": "  "}, "Please fill this in."),
        ({"email": "zoe"}, "Please enter a mail address"),
        ({"email": "z oe@example.org"}, "Please enter a mail address"),
        ({"name": "x" * 201}, "Please enter at most 200 characters."),
        ({"code": "x" * 21}, "Please enter at most 20 characters."),
        ({"name": "two\nlines"}, "cannot be seen"),
        ({"name": "\ud800"}, "cannot be seen"),
        ({CONSENT_FIELD: ""}, "Without it, you cannot take part."),
        ({CONSENT_FIELD: "on"}, "The text above has changed."),
        ({ENTRY_KEY_FIELD: ""}, "Not all of the form has arrived."),
        ({ENTRY_KEY_FIELD: "a" * 31 + "\n"}, "Not all of the form has arrived."),
        ({"code": "spring"}, "This is not the code word."),
    ],
)
def test_form_comes_back_with_the_reason_and_what_was_entered(
    gateway: Gateway, entries: list[Entry], sent: dict[str, str], sentence: str
) -> None:
    fields = {**fields_of(opened(gateway.arrive(ENTRANCE))), "name": "Zoë <b>", **sent}

    reply = send(gateway, fields)
    again = opened(reply)

    assert reply.status == 422
    assert sentence in reply.body
    assert 'role="alert"' in reply.body
    assert again.action == "enter?open=yes"
    kept = {control.name: control for control in again.controls}
    assert "name" in sent or kept["name"].value == "Zoë <b>"
    assert ("checked" in kept[CONSENT_FIELD].attributes) == (CONSENT_FIELD not in sent)
    assert [entry.values["code"] for entry in entries] == ["spring"] * ("spring" in sent.values())
    corrected = {**fields_of(again), CONSENT_FIELD: consent_value(FORM)}
    assert goes_to(send(gateway, corrected))["worker_id"]


def test_a_page_keeps_its_key_while_it_is_corrected(gateway: Gateway, entries: list[Entry]) -> None:
    fields = fields_of(opened(gateway.arrive(ENTRANCE)))

    again = opened(send(gateway, {**fields, "code": "spring"}))
    send(gateway, fields_of(again))

    assert entries[0].key == entries[1].key == fields[ENTRY_KEY_FIELD]


def test_consent_to_an_earlier_text_does_not_count(
    gateway: Gateway, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = fields_of(opened(gateway.arrive(ENTRANCE)))
    changed = evolve(FORM, paragraphs=("Your answers are published.",))
    monkeypatch.setattr(EntryProvider, "arrive", lambda *_: changed)

    reply = send(gateway, fields)

    assert (reply.status, entries) == (422, [])
    assert "The text above has changed." in reply.body
    assert "Your answers are published." in reply.body


def test_texts_and_values_are_never_markup(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = '"><script>run()</script>'
    form = EntryForm(
        title=evil,
        paragraphs=[evil, f"https://example.org/{evil}"],
        fields=[EntryField(name="x", label=evil, help=evil)],
        consent=evil,
        button=evil,
        messages={"": evil, "x": evil},
    )
    monkeypatch.setattr(EntryProvider, "arrive", lambda *_: form)
    monkeypatch.setattr(EntryProvider, "enter", lambda *_: form)
    query = {evil: evil}
    values = {"x": evil, ENTRY_KEY_FIELD: "0" * 32, CONSENT_FIELD: consent_value(form)}

    first = gateway.arrive(query)
    again = gateway.enter(query, Form(fields=[*values.items()]))

    assert (first.status, again.status) == (200, 422)
    assert "<script" not in first.body + again.body
    assert [each.value for each in opened(again).controls if each.name == "x"] == [evil]
    assert dict(parse_qsl(urlsplit(opened(again).action).query)) == query


def test_refusal_of_an_entry_is_a_page_with_its_code(gateway: Gateway) -> None:
    fields = fields_of(opened(gateway.arrive(ENTRANCE)))

    reply = send(gateway, {**fields, "code": OVER})

    assert (reply.status, reply.headers["X-Famulus-Refusal"]) == (403, "run_closed")


@pytest.mark.parametrize(
    ("end", "code"),
    [("finish", "run_closed"), ("stop", "run_stopped"), ("", "run_closed")],
    ids=["finished", "stopped", "after its lifetime"],
)
def test_entry_form_is_neither_shown_nor_taken_once_the_run_gives_no_work(
    gateway: Gateway,
    operator: ManualOperator,
    clock: MovableClock,
    entries: list[Entry],
    end: str,
    code: str,
) -> None:
    fields = fields_of(opened(gateway.arrive(ENTRANCE)))
    if end:
        getattr(operator, end)(gateway.run_id)
    else:
        clock.advance(400 * 24 * 3600)

    replies = [gateway.arrive(ENTRANCE), send(gateway, fields)]

    assert [each.headers.get("X-Famulus-Refusal") for each in replies] == [code, code]
    assert entries == []


def test_worker_who_needs_no_form_goes_on(gateway: Gateway, entries: list[Entry]) -> None:
    query = {"worker_id": "x", "assignment_id": "a b&c"}

    assert goes_to(gateway.enter(query, Form(fields=[]))) == query
    assert entries == []


def test_form_of_a_provider_without_any_is_refused() -> None:
    provider = CrowdProvider(NoArgs(), cast("Any", None))

    refused = provider.enter({}, Entry(values={}, key="0" * 32))

    assert isinstance(refused, Refusal)


def unavailable() -> Any:
    raise UnavailableError("the table of people is being changed")


@pytest.mark.parametrize(
    ("answer", "status", "sentence"),
    [
        (unavailable, 503, "One moment, please"),
        (lambda: sys.exit(3), 500, "Sorry, something went wrong"),
        (lambda: None, 500, "Sorry, something went wrong"),
        (lambda: {"worker_id": 7, "name": "Zoë"}, 500, "Sorry, something went wrong"),
        (lambda: FORM, 422, "Please check what you have entered."),
    ],
)
def test_answer_of_a_provider_that_fails_is_a_page_and_names_no_person_in_the_log(
    gateway: Gateway,
    enters: Any,
    answer: Callable[[], Any],
    status: int,
    sentence: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fields = fields_of(opened(gateway.arrive(ENTRANCE)))
    enters(answer)

    reply = send(gateway, fields)

    assert reply.status == status
    assert sentence in reply.body
    assert not any(name in caplog.text for name in ("Zoë", "zoe@example.org"))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"title": " "}, "the title has to be a line of text, not ' '"),
        ({"button": "a\nb"}, "the button has to be a line of text"),
        ({"paragraphs": "one text"}, "the paragraphs have to be a sequence"),
        ({"fields": [FORM.fields[0]] * 2}, "two fields have the name 'email'"),
        ({"messages": {"surname": "x"}}, "a message for 'surname', and no field"),
    ],
)
def test_wrong_form_is_named(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        evolve(FORM, **wrong)


@pytest.mark.parametrize("name", ["", "Name", "famulus_entry", "a" * 33, "a-b", 7])
def test_wrong_name_of_a_field_is_named(name: Any) -> None:
    with pytest.raises(ValueError, match="has to be at most 32 lowercase letters"):
        EntryField(name=name, label="X")
