"""Texts that an author has written per language, in one form."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

import famulus
import famulus_form
from famulus import Translator
from famulus.data.export import export_records
from famulus.data.newest_units import newest_units
from famulus.data.scope import find_scope
from famulus.review.unit_page import UnitPages
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus_form.blueprint import FormBlueprint
from famulus_form.form import CompiledForm
from famulus_form.form_file import FormDeclaration, read_form
from famulus_form.options import FormArgs, SharedFormState
from famulus_form.texts import PageContent
from form_files import read, refusals, sent, write_form
from submitted_units import submitted_unit

SHARED = """questions:
- name: city
  type: text
  question: {de: "Wo wohnen Sie?", en: "Where do you live?"}
  placeholder: {en: a city, de: eine Stadt}
  pattern: "[A-Z].*"
  pattern_help: {en: Begin with a capital., de: Beginnen Sie mit einem großen Buchstaben.}
"""
TEXT = """
instructions: {en: "Read ${shop}.", de: "Lesen Sie ${shop}."}
consent:
  version: 1
  file: {en: consent.en.txt, de: consent.de.txt}
  agree: {en: Yes, de: Ja}
thank_you: {en: Thanks., de: Danke.}
pages:
- title: {en: First, de: Zuerst}
  questions:
  - show:
    - {text: "${text}", label: {en: Review, de: Bewertung}}
    - {image: {en: en.png, de: de.png}, alt: {en: A sign, de: Ein Schild}}
  - name: mood
    type: choice
    question:
      en: What is the mood?
      de: Wie ist die Stimmung?
    options:
    - {value: good, label: {en: Good, de: Gut}, help: {en: Happy, de: Froh}}
    - {value: bad, label: {en: Bad, de: Schlecht}}
    - 3
    other: {en: Another one, de: Eine andere}
  - name: rated
    type: matrix
    question: {en: Rate it., de: Bewerten Sie es.}
    rows: [{value: a, label: {en: Row A, de: Zeile A}}]
    scale: [1, 2]
    show_if: {mood: [good, bad]}
- title: {en: Then, de: Dann}
  questions:
  - include: shared.yaml
"""
FIELDS = (
    ("_consent", "1"), ("mood", "good"), ("mood.other", ""), ("rated.a", "2"), ("city", "Bonn"),
)  # fmt: skip


def form_blueprint(path: Path, onboarding: Path | None = None) -> FormBlueprint:
    context = famulus.Context(
        database=cast("Any", None), clock=famulus.system_clock, shared_state=SharedFormState()
    )
    return FormBlueprint(FormArgs(form=path, onboarding_form=onboarding), context)


def form_in(folder: Path, text: str = TEXT) -> FormDeclaration:
    write_form(folder, SHARED, "shared.yaml")
    for tag, words in (("en", "We store nothing."), ("de", "Wir speichern nichts.")):
        write_form(folder, words, f"consent.{tag}.txt")
    return read_form(write_form(folder, text))


def compiled_in(folder: Path, text: str = TEXT) -> dict[str, CompiledForm]:
    every = form_in(folder, text).in_all_languages()
    assert [str(problem) for file in every for problem in file.problems] == []
    return {file.language: CompiledForm.compiled(file) for file in every}


def question(declaration: str) -> str:
    return f"questions:\n- name: q\n  question: {{en: Why, de: Warum}}\n  {declaration}\n"


def test_each_language_has_its_texts_and_states_itself(tmp_path: Path) -> None:
    forms = compiled_in(tmp_path)
    row = {"shop": "Bei Ada", "text": "Nice."}
    english, german = (forms[tag].page(PageContent(row)) for tag in ("en", "de"))

    assert list(forms) == ["en", "de"]
    for page, own, others in (
        (english, "en", ("Lesen", "Bewertung", "Stimmung", "Zeile", "Wohnen", "Wir", "Ja<")),
        (german, "de", ("Read", "Review", "mood?", "Row", "live", "store", "Yes<")),
    ):
        assert page.html_attributes == Translator.to(own).language.attributes
        assert [each for each in others if each in page.body] == []
    for text in (
        "Lesen Sie Bei Ada.", "Wir speichern nichts.", "Ja<", "Zuerst", "Bewertung", 'src="de.png"',
        'alt="Ein Schild"', "Wie ist die Stimmung?", "Gut", "Froh", "Eine andere", "Zeile A",
        "Dann", "Wo wohnen Sie?", 'placeholder="eine Stadt"',
        "Beginnen Sie mit einem großen Buchstaben.",
    ):  # fmt: skip
        assert text in german.body
    assert forms["de"].thank_you(PageContent({})) == "<p>Danke.</p>\n"


def test_answers_are_the_same_in_all_languages(tmp_path: Path) -> None:
    answers = [read(form, *FIELDS) for form in compiled_in(tmp_path).values()]

    assert answers[0] == answers[1]
    assert answers[0]["mood"] == "good"
    assert answers[0]["rated"] == {"a": 2}


def test_refusals_are_in_the_language_of_the_page(tmp_path: Path) -> None:
    forms = compiled_in(tmp_path)

    wrong = refusals(forms["de"], *FIELDS[:-1], ("city", "bonn"))

    assert wrong["city"] == "Beginnen Sie mit einem großen Buchstaben."


def test_a_complete_form_has_no_warnings_and_offers_its_languages(tmp_path: Path) -> None:
    form = form_in(tmp_path)

    assert [str(each) for each in form.languages.warnings()] == []
    assert form.languages.tags == ["en", "de"]


@pytest.mark.parametrize(
    ("declaration", "line", "message"),
    [
        ("type: choice\n  options: [yes, no]", 5, "write {en: …, de: …}"),
        ("type: choice\n  options: [{value: a, help: One}]", 5, "write {en: …, de: …}"),
        ("type: text\n  help: {de: Kurz}", 5, "has no text in en"),
        ("type: text\n  help:\n    en: Short\n    de:", 5, "has no text in de"),
        ("type: text\n  show: [About it]", 5, "write {en: …, de: …}"),
        ("type: text\n  help: {en: Short, de: Kurz, fr: Bref}", 3, "has no text in fr"),
        (
            "type: choice\n  options: [a, b]\n  other: Or\n  help: Short\n  show: About it",
            5,
            "5 texts are the same for all languages of the form: questions.0.options.0 (line 5), "
            "questions.0.options.1 (line 5), questions.0.other (line 6) and 2 more; write "
            "{en: …, de: …}, or one text at questions.0.question (line 3), the only one in several",
        ),
        (
            "type: text\n  help: {en: Short}\n  placeholder: {en: Some}",
            5,
            "2 texts lack de, which others have: questions.0.help (line 5), "
            "questions.0.placeholder (line 6); add it",
        ),
    ],
)
def test_one_warning_names_the_texts_that_lack_the_same_languages(
    tmp_path: Path, declaration: str, line: int, message: str
) -> None:
    form = form_in(tmp_path, question(declaration))

    found = list(form.languages.warnings())

    assert form.problems == []
    assert [each.warning for each in found] == [True] * len(found)
    assert (line, True) in {(each.line, message in each.message) for each in found}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("", ["is one text for all", "has no text in de", "has no text in en"]),
        ("en", ["has no text in en"]),
        ("de", ["has no text in de"]),
        ("fr", []),
    ],
)
def test_one_language_of_all_pages_is_alone_missed(
    tmp_path: Path, chosen: str, expected: list[str]
) -> None:
    text = question("type: text\n  help: {en: Short}\n  placeholder: {de: Etwas}\n  show: About it")

    found = list(form_in(tmp_path, text).languages.warnings(chosen))

    assert [
        each.message.startswith(words) for each, words in zip(found, expected, strict=True)
    ] == [True for _ in expected]


@pytest.mark.parametrize(
    "declaration",
    [
        "type: choice\n  options: [1, {value: 2, label: '${a}'}]\n  other: true",
        "type: text\n  help: {en: Short, de-AT: Kurz}\n  show: '${text}: ${more}'",
        "type: choice\n  options: [{value: x, label: {en: X, de: X}}]\n  show_if: {p: [1]}",
    ],
)
def test_what_has_no_words_needs_no_language(tmp_path: Path, declaration: str) -> None:
    earlier = "questions:\n- {name: p, type: choice, question: {en: P, de: P}, options: [1, 2]}\n"
    text = (
        question(declaration).replace("questions:\n", earlier).replace("one_of: [a]", "one_of: [1]")
    )

    form = form_in(tmp_path, text)

    assert [str(each) for each in (*form.problems, *form.languages.warnings())] == []


@pytest.mark.parametrize(
    ("declaration", "line", "message"),
    [
        (
            "type: text\n  help: {en: Short, nl: Kort}",
            5,
            "no language 'nl'; use one of: ar, de, en,",
        ),
        ("type: text\n  help:\n    en: Short\n    german: Kurz", 7, "no language 'german'"),
        ("type: text\n  help: {de: Kurz, de-AT: Knapp}", 5, "is de, which occurs twice"),
        ("type: choice\n  options: [{en: Yes, de: Ja}]", 5, "{value: …, label: {en: …, de: …}}"),
        ("type: spans\n  text: {en: A, de: B}", 5, "the same in all languages"),
        ("type: boxes\n  image: {en: a.png, de: b.png}", 5, "the same in all languages"),
        ("type: text\n  name: {en: a, de: b}", 5, "name"),
        ("type: text\n  help: {en: '${a}', de: '${b}', fr: [1]}", 5, "not a string"),
    ],
)
def test_what_cannot_be_per_language_is_refused_at_its_line(
    tmp_path: Path, declaration: str, line: int, message: str
) -> None:
    every = form_in(tmp_path, question(declaration)).in_all_languages()

    found = [problem for form in every for problem in form.problems]

    assert any(message in str(each) and each.line == line for each in found), list(map(str, found))


def test_a_text_without_the_language_is_in_the_first_one_that_it_has(tmp_path: Path) -> None:
    text = question("type: text\n  help: {fr: Bref}\n  placeholder: {en: Some, fr: Peu}")
    forms = compiled_in(tmp_path, text)
    body = forms["de"].page(PageContent({})).body

    assert list(forms) == ["en", "de", "fr"]
    assert "Warum" in body
    assert "Bref" in body
    assert 'placeholder="Some"' in body


def test_columns_are_those_of_all_languages_each_at_its_line(tmp_path: Path) -> None:
    text = question("type: text\n  help:\n    en: Of ${a}\n    de: Von ${b}")

    places = {
        (key, file.problem(key, "").line)
        for form in form_in(tmp_path, text).in_all_languages()
        for file, key, words in form.texts()
        if "${" in words
    }

    assert places == {("questions.0.help.en", 6), ("questions.0.help.de", 7)}


def test_a_form_in_one_language_is_as_it_was(tmp_path: Path) -> None:
    form = form_in(tmp_path, "questions: [{name: q, type: text, question: Why}]")

    assert form.in_all_languages() == [form]
    assert list(form.languages.warnings()) == []
    assert CompiledForm.compiled(form).page(PageContent({})).html_attributes == {}
    with pytest.raises(famulus.InvalidAnswers):
        CompiledForm.compiled(form).read(sent())


def test_each_attempt_is_in_the_language_of_its_view(tmp_path: Path) -> None:
    form_in(tmp_path)
    blueprint = form_blueprint(tmp_path / "form.yaml")
    unit = famulus.UnitView(id=7, assignment_id=3, index=0, data={"shop": "", "text": ""})
    worker = famulus.WorkerView(id=1, name="Zoe", provider_type="mock")

    def page(language: str) -> famulus.Page:
        return blueprint.task_page(
            famulus.TaskView(agent_id=5, worker=worker, unit=unit, language=language)
        )

    attempt = famulus.AttemptView(agent_id=5, onboarding=False, unit=lambda: unit, language="de")
    wrong = (*FIELDS[:-1], ("city", "bonn"))
    with pytest.raises(famulus.InvalidAnswers, match="Beginnen Sie"):
        blueprint.read_answers(famulus.Form(fields=wrong), attempt)

    assert blueprint.page_languages == ("en", "de")
    assert "Wie ist die Stimmung?" in page("de").body
    assert "What is the mood?" in page("ar").body
    assert ">Next</button>" in page("ar").body
    assert ">Weiter</button>" in page("de").body
    preview = blueprint.preview_page(famulus.PreviewView(data=None, language="de"))
    assert "Wie ist die Stimmung?" in preview.body
    assert blueprint.thank_you({}, attempt) == "<p>Danke.</p>\n"


def test_an_onboarding_is_in_the_language_of_its_view(tmp_path: Path) -> None:
    form_in(tmp_path)
    text = question("type: choice\n  options: [1, 2]\n  correct: 2")
    path = write_form(tmp_path, text, "onboarding.yaml")
    blueprint = form_blueprint(tmp_path / "form.yaml", path)
    worker = famulus.WorkerView(id=1, name="Zoe", provider_type="mock")

    page = blueprint.onboarding_page(
        famulus.OnboardingView(agent_id=5, worker=worker, language="de")
    )

    assert "Warum" in page.body
    assert page.html_attributes["lang"] == "de"


@pytest.fixture
def plugins() -> famulus.Plugins:
    return kit_plugins(form=famulus_form)


def test_a_review_is_in_the_language_that_the_worker_saw(
    tmp_path: Path, operator: ManualOperator, database: famulus.Database, plugins: famulus.Plugins
) -> None:
    data = tmp_path / "data.csv"
    data.write_text("row\n1\n2\n3\n", encoding="utf-8")
    form = write_form(tmp_path, question("type: choice\n  options: [1, 2]"))
    configuration = {
        "defaults": [{"blueprint": "form"}, {"architect": "nowhere"}, {"provider": "crowd"}],
        "blueprint": {"form": form, "data_csv": data},
        "task": {
            "task_name": "judging",
            "task_title": "T",
            "task_description": "D",
            "task_reward": "0.10",
        },
    }
    launched = operator.launch(configuration)
    operator.load_all(launched)
    gateway = operator.gateway(launched)
    for name, accepted in (("Ada", "de-AT"), ("Bo", "en"), ("Cy", "ar")):
        worker = GatewayWorker(gateway, name, accepted)
        assert worker.submit(worker.arrive(), q="2").status == 200
    pages = {
        unit.worker: UnitPages(database, plugins)(unit)
        for unit in newest_units(database, find_scope(database, "judging"))
    }

    languages = {
        each["worker"]: each["language"] for each in export_records(database, task="judging")
    }

    # A form in English and German has no page in Arabic.
    assert languages == {"Ada": "de", "Bo": "en", "Cy": "en"}
    assert [(name, "Warum" in page, "Why" in page) for name, page in pages.items()] == [
        (name, name == "Ada", name != "Ada") for name in pages
    ]
    assert "<dt>Language</dt>\n<dd>de</dd>" in pages["Ada"]


def test_a_review_without_a_known_language_is_in_the_first_one(tmp_path: Path) -> None:
    text = "questions:\n- name: q\n  type: number\n  question: {de: Warum, en: Why}\n"
    blueprint = form_blueprint(write_form(tmp_path, text))

    page = blueprint.review_page(submitted_unit({"q": 3}))

    assert "Warum" in page.body
    assert 'value="3"' in page.body
    assert page.html_attributes["lang"] == "de"


def test_check_names_what_lacks_a_language(tmp_path: Path) -> None:
    text = question("type: text\n  help: Short\n  placeholder: {en: '${a}', de: '${b}'}")
    data = tmp_path / "data.csv"
    data.write_text("a,b\n1,2\n", encoding="utf-8")
    form = write_form(tmp_path, text)
    configuration = {
        "defaults": [{"blueprint": "form"}, {"architect": "external"}, {"provider": "mock"}],
        "architect": {"public_url": "https://tasks.example.org"},
        "blueprint": {"form": form, "data_csv": data},
        "task": {"task_title": "T", "task_description": "D", "task_reward": 0, "language": "fr"},
    }

    with famulus.Operator(tmp_path / "a.db") as operator:
        warnings = operator.check(configuration).warnings
        data.write_text("a\n1\n", encoding="utf-8")
        with pytest.raises(famulus.UsageError) as refused:
            operator.check(configuration)

    assert [each for each in warnings if each.file == form] == []
    assert ["no texts in fr" in each.message for each in warnings if each.key == "task.language"]
    assert [(each.line, each.key) for each in refused.value.problems] == [
        (6, "questions.0.placeholder.de")
    ]
