"""Titles, descriptions and contacts that a task's author has written in several languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from famulus.engine.pages import TaskInfo
from famulus.engine.replies import replies_in
from famulus.engine.runs import find_run
from famulus.errors import Problem, UsageError
from famulus.plan import plan_from_stored
from famulus.testing.inprocess import GatewayWorker, ManualOperator, rows_configuration
from famulus.testing.kinds import RowsState
from famulus.translation import LocalizedText

QUERY = {"worker_id": "x", "assignment_id": "1"}
TEXTS = {
    "task_title": {"en": "Name a <color>", "de_AT": "Nennen Sie eine Farbe", "ar": "سم لونا"},
    "task_description": {"en": "One of many.", "de": "Eine von vielen.", "ar": "واحد"},
    "contact": {"en": " Ask Ada.", "de": "Fragen Sie Ada.", "ar": "ada@example.org"},
}


def warnings(operator: ManualOperator, **task: Any) -> list[tuple[str | None, str]]:
    checked = operator.check(rows_configuration(**task), shared_state=RowsState(rows=[{"n": 1}]))
    return [(each.key, each.message) for each in checked.warnings]


SHOWN = {
    "en": ("Name a &lt;color&gt;", "One of many.", "Contact: Ask Ada."),
    "de-CH": ("Nennen Sie eine Farbe", "Eine von vielen.", "Kontakt: Fragen Sie Ada."),
    "ar": ("سم لونا", "واحد", 'href="mailto:ada@example.org"'),
}


def test_each_worker_reads_the_texts_in_the_language_of_the_page(operator: ManualOperator) -> None:
    gateway = operator.launch_rows([{"n": 1}], **TEXTS)

    for accepted, (title, description, contact) in SHOWN.items():
        page = gateway.arrive(QUERY, accept_language=accepted).body
        preview = gateway.arrive({}, accept_language=accepted).body
        refused = gateway.arrive({**QUERY, "worker_id": "undefined"}, accept_language=accepted)

        for body in (page, preview):
            assert f'<h1 class="famulus-title" dir="auto">{title}</h1>' in body
            assert f'<p class="famulus-description" dir="auto">{description}</p>' in body
            assert contact in body
        assert f'<p class="famulus-kicker" dir="auto">{title}</p>' in refused.body


def test_an_apology_names_the_contact_in_the_language_of_the_page() -> None:
    contact = LocalizedText({"en": "Ask Ada.", "de": "Fragen Sie Ada."})

    body = replies_in(TaskInfo(title="T", contact=contact), "de").apology("1", False).body

    assert "Fragen Sie Ada." in body


def test_the_confirmation_has_the_title_of_the_pages_language(operator: ManualOperator) -> None:
    gateway = operator.launch_rows([{"n": 1}], language="de", **TEXTS)
    worker = GatewayWorker(gateway, "x")

    stored = worker.submit(worker.arrive("1"))

    assert ">Nennen Sie eine Farbe</p>" in stored.text


@pytest.mark.parametrize(("language", "tag"), [("fr", "ar"), (None, "ar"), ("de", "de")])
def test_a_language_without_a_text_has_the_first_one_and_its_lang(
    operator: ManualOperator, language: str | None, tag: str
) -> None:
    title = {"ar": "سم لونا", "de": "Eine Farbe"}
    gateway = operator.launch_rows([{"n": 1}], task_title=title, language=language)

    body = gateway.arrive(QUERY, accept_language="fr").body

    shown = {
        "ar": '<h1 class="famulus-title" lang="ar" dir="rtl">سم لونا</h1>',
        "de": '<h1 class="famulus-title" dir="auto">Eine Farbe</h1>',
    }
    assert shown[tag] in body


def test_a_stored_plan_keeps_the_texts_and_their_order(operator: ManualOperator) -> None:
    title = {"fr": "Une couleur", "de": "Eine Farbe", "en": "A color"}
    launched = operator.launch(
        rows_configuration(task_title=title, language="de"),
        shared_state=RowsState(rows=[{"n": 1}]),
    )

    stored = find_run(operator.database, launched.run_id).plan
    plan = plan_from_stored(stored, operator.plugins, RowsState(rows=[]))

    assert list(stored["task"]["task_title"].items()) == list(title.items())
    assert plan.task.task_title == "Eine Farbe"


@pytest.mark.parametrize("option", ["task_title", "task_description", "contact"])
def test_each_faulty_language_is_a_problem_at_its_line(
    operator: ManualOperator, tmp_path: Path, option: str
) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(
        "defaults: [{blueprint: rows}, {architect: nowhere}, {provider: crowd}]\n"
        f"task:\n  {option}:\n    it: Un colore\n    de:\n    en: A\n    en-US: B\n    fr: [a]\n",
        encoding="utf-8",
    )

    with pytest.raises(UsageError) as caught:
        operator.check(file, shared_state=RowsState(rows=[{"n": 1}]))

    found = [each for each in caught.value.problems if f"{each.key}".startswith(f"task.{option}")]
    key = f"task.{option}"
    assert found == [
        Problem(
            "there is no language 'it'; use one of: ar, de, en, es, fr, zh-Hans",
            key=f"{key}.it",
            file=file,
            line=4,
        ),
        Problem("is empty; write the text, or leave de out", key=f"{key}.de", file=file, line=5),
        Problem(
            "is en, which occurs twice: remove one of them",
            key=f"{key}.en-US",
            file=file,
            line=7,
        ),
        Problem("a list is not a string", key=f"{key}.fr", file=file, line=8),
    ]


def test_texts_in_the_same_languages_are_no_warning(operator: ManualOperator) -> None:
    assert warnings(operator, **TEXTS) == []
    assert warnings(operator, **{**TEXTS, "contact": "ada@example.org", "language": "de"}) == []


def test_one_language_of_all_pages_needs_no_other(operator: ManualOperator) -> None:
    texts = {
        "task_title": {"en": "A color", "de": "Eine Farbe"},
        "task_description": {"fr": "Une couleur", "en": "A color"},
        "contact": "Ask Ada.",
    }

    assert warnings(operator, **texts, language="en") == []
    assert warnings(operator, **texts, language="de") == [
        ("task.task_description", "has no text in de, unlike other texts: add it")
    ]


def test_a_language_that_others_have_is_a_warning(operator: ManualOperator) -> None:
    found = warnings(
        operator,
        task_title={"en": "A color", "de": "Eine Farbe"},
        task_description={"fr": "Une couleur", "en": "A color"},
        contact="Ask Ada.",
    )

    assert found == [
        ("task.task_title", "has no text in fr, unlike other texts: add it"),
        ("task.task_description", "has no text in de, unlike other texts: add it"),
        (
            "task.contact",
            "is one text for all languages of the task: write {en: …, de: …, fr: …}",
        ),
    ]


def test_a_language_of_the_run_that_the_texts_lack_is_a_warning(operator: ManualOperator) -> None:
    texts = {"en": "A color", "de": "Eine Farbe"}

    found = warnings(operator, task_title=texts, task_description=texts, language="fr")

    assert found == [
        (
            "task.language",
            f"task.{name} has no text in fr but in en, de: workers read it in en",
        )
        for name in ("task_title", "task_description")
    ]
