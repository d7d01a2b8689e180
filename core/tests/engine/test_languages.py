"""The language of a run's pages: of the run itself, or of each worker's browser."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import pytest

from famulus.catalogue import _
from famulus.contracts.views import AttemptView, Form, Page
from famulus.engine.pages import TaskFrame, TaskInfo, TaskLayout, task_document
from famulus.engine.pages.script_texts import PLURALS, TEXTS, script_texts
from famulus.errors import InvalidAnswers, UsageError
from famulus.testing.inprocess import GatewayWorker, ManualOperator, rows_configuration, seen
from famulus.testing.kinds import RowsState
from famulus.translation import LANGUAGES, Catalogue, Translator

ROWS = [{"n": 1}, {"n": 2}]
QUERY = {"worker_id": "x", "assignment_id": "1"}


def test_pages_are_in_the_language_of_the_run(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS, language="de")
    worker = GatewayWorker(gateway, "x")

    page = worker.arrive("1")
    stored = worker.submit(page)
    refused = gateway.arrive({"worker_id": "undefined", "assignment_id": "1"})

    assert '<html lang="de">' in page.reply.body
    assert 'value="Absenden"' in page.reply.body
    assert "Vielen Dank! Ihre Antworten sind gespeichert." in stored.reply.body
    assert "Dieser Link funktioniert nicht" in refused.body
    assert refused.headers["X-Famulus-Refusal"] == "unknown_link"


def test_the_language_of_the_run_outweighs_the_browsers(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS, language="zh_CN")

    body = gateway.arrive(QUERY, accept_language="de").body

    assert '<html lang="zh-Hans">' in body


@pytest.mark.parametrize("language", [None, "browser"])
def test_pages_follow_the_browser_where_the_run_has_no_language(
    operator: ManualOperator, language: str | None
) -> None:
    gateway = operator.launch_rows(ROWS, language=language)
    page = seen(gateway.arrive(QUERY, accept_language="fr-CA, en;q=0.5"))
    form = Form(fields=[*page.hidden.items()])

    replies = [
        gateway.arrive(QUERY),
        gateway.busy(accept_language="fr"),
        gateway.not_admitted(accept_language="fr"),
        gateway.too_large(form, "…", accept_language="fr"),
        gateway.give_back(form, accept_language="fr"),
        gateway.submit(Form(fields=[]), accept_language="fr"),
    ]

    assert 'value="Envoyer"' in page.reply.body
    expected = ["Submit", "Un instant", "Ce lien", "Vos réponses ne sont pas", "Vous avez rendu"]
    for reply, words in zip(replies, [*expected, "Ce lien"], strict=True):
        assert words in reply.body


def test_a_task_keeps_its_own_language_in_a_frame_of_the_browsers(
    operator: ManualOperator,
) -> None:
    gateway = operator.launch_rows(ROWS)

    body = gateway.arrive(QUERY, accept_language="ar").body

    assert '<html lang="en">' in body
    assert '<main id="famulus-page" lang="ar" dir="rtl">' in body
    assert '<div id="famulus-task" class="famulus-task" lang="en" dir="ltr">' in body


def test_a_page_that_states_its_language_keeps_it() -> None:
    page = Page(body="<p>Bonjour</p>", html_attributes={"lang": "fr"})
    info = TaskInfo(title="T", language="ar")
    frame = TaskFrame(
        page=page,
        token="t",
        ticket="t",
        submission_id="s",
        storage_key="k",
        seconds_left=None,
    )

    layout = TaskLayout.of(info, Translator.to("ar"), is_onboarding=False)
    body = task_document(layout, frame)

    assert '<html lang="fr">' in body
    assert '<main id="famulus-page" lang="ar" dir="rtl">' in body
    assert 'class="famulus-task" lang="fr" dir="ltr">' in body


def test_a_run_from_right_to_left_is_so_as_a_whole(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS, language="ar")

    body = gateway.arrive(QUERY).body

    assert '<html lang="ar" dir="rtl">' in body
    assert '<main id="famulus-page">' in body
    assert '<div id="famulus-task" class="famulus-task">' in body


def test_the_scripts_have_the_texts_that_they_use() -> None:
    sources = "".join(
        files("famulus.engine.pages").joinpath(name).read_text(encoding="utf-8")
        for name in ("texts.js", "clock.js", "worker.js")
    )
    used = set(re.findall(r"\btexts\.(\w+)", sources))

    assert used == {*TEXTS, *PLURALS, "language"}


def test_a_text_of_a_script_cannot_end_its_element() -> None:
    for language in LANGUAGES.values():
        assert script_texts(language.tag).isascii()
        assert json.loads(script_texts(language.tag))["language"]["lang"] == language.tag


def test_messages_about_answers_are_translated(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = []

    def refuse(self: object, form: Form, attempt: AttemptView) -> None:
        views.append(attempt)
        raise InvalidAnswers(_("Please fill this in."), {"answer": _("Please fill this in.")})

    monkeypatch.setattr(operator.plugins.blueprint("rows"), "read_answers", refuse)
    gateway = operator.launch_rows(ROWS, language="es")
    page = GatewayWorker(gateway, "x").arrive("1")

    form = Form(fields=[*page.hidden.items(), ("answer", "")])
    reply, sent = gateway.submit(form), gateway.submit(form, as_json=True)

    assert "Sus respuestas todavía no están guardadas.</strong> Rellene este campo." in reply.body
    assert "<p>answer: Rellene este campo.</p>" in reply.body
    assert json.loads(sent.body)["fields"] == {"answer": "Rellene este campo."}
    assert views[0].language == "es"


def test_a_language_without_a_catalogue_is_refused_with_the_list(
    operator: ManualOperator,
) -> None:
    with pytest.raises(UsageError, match="ar, de, en, es, fr, zh-Hans") as caught:
        operator.check(rows_configuration(language="it"), shared_state=RowsState(rows=[]))

    assert [problem.key for problem in caught.value.problems] == ["task.language"]


def test_a_plugin_without_the_language_is_a_warning(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    blueprint = operator.plugins.blueprint("rows")
    monkeypatch.setattr(blueprint, "catalogue", Catalogue("famulus.cli"))

    for language, warned in (("de", True), ("en", False), ("browser", False)):
        checked = operator.check(
            rows_configuration(language=language), shared_state=RowsState(rows=ROWS)
        )
        found = [each for each in checked.warnings if each.key == "task.language"]
        assert [bool(found)] == [warned]
        assert all("blueprint 'rows' has no translation into de" in each.message for each in found)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "1.50 USD per unit"), ("de", "1,50\xa0USD pro Einheit"), ("zh-Hans", "1.50 USD")],
)
def test_the_reward_is_written_as_the_language_does(
    operator: ManualOperator, language: str, words: str
) -> None:
    gateway = operator.launch_rows(ROWS, language=language, task_reward="1.50")

    assert words in gateway.arrive(QUERY).body


def test_the_browser_chooses_among_the_languages_of_the_blueprint(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator.plugins.blueprint("rows"), "page_languages", ("es", "de"))
    gateway = operator.launch_rows(ROWS)

    for accepted, submit in (("fr, de;q=0.5", "Absenden"), ("fr", "Enviar"), ("", "Enviar")):
        assert f'value="{submit}"' in gateway.arrive(QUERY, accept_language=accepted).body
