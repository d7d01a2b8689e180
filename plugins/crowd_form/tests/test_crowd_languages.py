"""The texts of the elements are in the language of the page; those of authors stay as they are."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pytest

import famulus
from famulus_crowd_form.blueprint import CrowdFormBlueprint
from famulus_crowd_form.options import CrowdFormArgs, SharedCrowdFormState
from famulus_crowd_form.page import filled_page
from submitted_units import submitted_unit

#: All that authors have written here are digits.
PAGE = """<crowd-form>
<crowd-instructions><detailed-instructions>1</detailed-instructions></crowd-instructions>
<crowd-image-classifier name="1" header="1" src="1.png" categories="['1', '2']">
<short-instructions>1</short-instructions><full-instructions>2</full-instructions>
</crowd-image-classifier>
<crowd-classifier-multi-select name="2" categories="[1]" exclusion-category="{text: '3'}">
</crowd-classifier-multi-select>
<crowd-radio-group required><crowd-radio-button name="5" value="1">1</crowd-radio-button>
</crowd-radio-group>
<crowd-checkbox name="6" required>1</crowd-checkbox>
<crowd-slider name="7" min="1" max="5"></crowd-slider>
<crowd-input name="8" min-length="3" required></crowd-input>
<crowd-text-area name="9" max-length="3"></crowd-text-area>
<crowd-entity-annotation name="10" text="123" labels="[1]"></crowd-entity-annotation>
<crowd-bounding-box name="11" src="1.png" labels="[1]"></crowd-bounding-box>
<crowd-modal>1</crowd-modal>
<crowd-button form-action="submit">1</crowd-button>
</crowd-form>"""


class _Shown(HTMLParser):
    """Collects the texts and attributes that a worker gets."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = ("alt", "aria-label", "placeholder", "title")
        self.texts += [value or "" for name, value in attrs if name in named]


@pytest.mark.parametrize("language", ["ar", "zh-Hans"])
def test_no_text_of_a_page_stays_english(language: str) -> None:
    shown = _Shown()
    shown.feed(filled_page(PAGE, famulus.Translator.to(language)).body)

    texts = [text.replace("JavaScript", "") for text in shown.texts]
    assert [text for text in texts if re.search("[a-zA-Z]", text)] == []


def test_a_refusal_is_translated_with_the_sentences_in_it() -> None:
    fields = [("2", "1"), ("2.none", "1"), ("7", "9"), ("8", "1"), ("9", "1234"), ("10", "{")]

    with pytest.raises(famulus.InvalidAnswers) as caught:
        filled_page(PAGE).read(famulus.Form(fields=fields))

    german = famulus.Translator.to("de")
    assert {name: german(text) for name, text in caught.value.fields.items()} == {
        "1": "Bitte wählen Sie eine dieser Möglichkeiten.",
        "2": "Bitte wählen Sie Kategorien oder „3“.",
        "5": "Bitte wählen Sie eine dieser Möglichkeiten.",
        "6": "Bitte kreuzen Sie dieses Kästchen an.",
        "7": "Bitte wählen Sie von 1 bis 5.",
        "8": "Bitte schreiben Sie mindestens 3 Zeichen.",
        "9": "Bitte schreiben Sie höchstens 3 Zeichen.",
        "10": "Bitte markieren Sie es noch einmal: Die Markierungen wurden nicht richtig gesendet.",
        "11": "Das Bild wurde nicht geladen. Bitte laden Sie diese Seite neu und markieren Sie es "
        "dann.",
    }
    assert str(caught.value).startswith("1: Please choose one of these. 2: ")
    assert german(caught.value.message).startswith("1: Bitte wählen Sie eine dieser")
    assert "Please" not in german(caught.value.message)


def test_texts_of_the_elements_have_their_language_and_those_of_authors_none() -> None:
    page = (
        "<crowd-modal>x</crowd-modal><crowd-modal link-text='y'>x</crowd-modal>"
        "<crowd-image-classifier name=a header=b src=c.png categories='[1]'>"
        "<full-instructions>z</full-instructions></crowd-image-classifier>"
    )

    body = filled_page(page, famulus.Translator.to("ar")).body

    own = re.findall(r'<(?:summary|img)\b[^>]*lang="ar" dir="rtl">', body)
    assert len(own) == body.count('lang="ar"') == 3
    assert "<summary>y</summary>" in body


@pytest.mark.parametrize(
    ("language", "alt"),
    [("de", "Das zu beurteilende Bild"), ("en", "The image to judge"), ("", "The image to judge")],
)
def test_a_review_is_in_the_language_that_the_worker_saw(
    tmp_path: Path, language: str, alt: str
) -> None:
    (tmp_path / "task.html").write_text(PAGE, encoding="utf-8")
    context = famulus.Context(
        database=cast("Any", None), clock=famulus.system_clock, shared_state=SharedCrowdFormState()
    )
    blueprint = CrowdFormBlueprint(CrowdFormArgs(task_source=tmp_path / "task.html"), context)
    unit = submitted_unit({"7": 4}, language=language)

    body = blueprint.review_page(unit).body

    assert f'alt="{alt}"' in body
    assert ">4</output>" in body
