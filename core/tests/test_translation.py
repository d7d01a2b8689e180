"""Texts for workers: which language a page has, and what becomes of a text in it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from decimal import Decimal

import pytest

from famulus.catalogue import _, _n
from famulus.contracts.views import PluginRefusal
from famulus.translation import (
    LANGUAGES,
    Catalogue,
    Translator,
    choose_language,
    find_language,
)


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE_ch", "de"),
        ("zh", "zh-Hans"),
        ("zh_CN", "zh-Hans"),
        ("zh-Hans-HK", "zh-Hans"),
        ("zh-TW", None),
        ("zh-Hant", None),
        ("it", None),
        ("", None),
        ("english", None),
    ],
)
def test_a_code_names_a_language_or_none(code: str, tag: str | None) -> None:
    found = find_language(code)

    assert (found and found.tag) == tag


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("", "en"),
        ("de", "de"),
        ("it, fr;q=0.8, de;q=0.9", "de"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("zh-TW,en;q=0.8", "en"),
        ("ar;q=0, es;q=0.1", "es"),
        ("fr;q=x, es", "es"),
        ("*", "en"),
        ("it", "en"),
        (",;q=,,;;", "en"),
        ("x," * 10_000 + "de", "en"),
    ],
)
def test_the_browser_chooses_where_the_run_has_no_language(accepted: str, tag: str) -> None:
    assert choose_language("", accepted).tag == tag
    assert choose_language("fr", accepted).tag == "fr"


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [("", "de"), ("fr", "de"), ("en", "de"), ("es;q=0.2, fr, en", "es"), ("ar;q=0.9, es", "es")],
)
def test_the_browser_chooses_among_the_languages_of_a_blueprint(accepted: str, tag: str) -> None:
    assert choose_language("", accepted, ["de", "es"]).tag == tag
    assert choose_language("fr", accepted, ["de", "es"]).tag == "fr"


def test_a_text_is_english_wherever_it_is_not_translated() -> None:
    text = _("Unit {number} of at most {most}", number=1234, most=5000)

    assert text == "Unit 1,234 of at most 5,000"
    assert f"{text}" == str(text) == "Unit 1,234 of at most 5,000"


def test_a_text_is_translated_with_its_values_as_the_language_writes_them() -> None:
    text = _("Unit {number} of at most {most}", number=1234, most=5000)

    assert Translator.to("de")(text) == "Einheit 1.234 von höchstens 5.000"
    assert Translator.to("en")(text) == text
    assert Translator.to("it")(text) == text
    assert Translator.to("de").number(Decimal("1234.50")) == "1.234,50"


def test_a_text_within_a_text_is_translated_too() -> None:
    text = _("Please {action}", action=_("continue to where you came from."))

    assert text == "Please continue to where you came from."
    assert Translator.to("fr")(text) == "Veuillez revenir au site d\u2019où vous venez."


def test_a_number_chooses_the_form_of_the_language() -> None:
    texts = [_n("{count} byte", "{count} bytes", count=count) for count in (0, 1, 2)]

    assert texts == ["0 bytes", "1 byte", "2 bytes"]
    assert [Translator.to("fr")(text) for text in texts] == ["0 octet", "1 octet", "2 octets"]


def test_values_are_isolated_in_a_text_from_right_to_left() -> None:
    text = _("Requester: {requester}", requester="The lab (2)")

    assert Translator.to("ar")(text).endswith("\u2068The lab (2)\u2069")


def test_any_other_text_stays_as_it_is() -> None:
    assert Translator.to("de")("Submit") == "Submit"


def test_a_package_without_catalogues_stays_english() -> None:
    catalogue = Catalogue("famulus.cli")

    assert Translator.to("de")(catalogue.text("Submit")) == "Submit"
    assert catalogue.has(LANGUAGES["en"])
    assert not catalogue.has(LANGUAGES["de"])


def test_braces_of_a_value_are_no_placeholders() -> None:
    text = _("Requester: {requester}", requester="{requester} {0} {")

    assert text == "Requester: {requester} {0} {"
    assert Translator.to("de")(text) == "Auftraggeber: {requester} {0} {"


def test_html_is_escaped_but_for_its_parts() -> None:
    text = _("Contact: {contact}")

    assert Translator.to("de").html(text, contact="<b>x</b>") == "Kontakt: <b>x</b>"
    assert Translator.to("de").html("a & {contact}", contact="<b>") == "a &amp; <b>"


@pytest.mark.parametrize(
    "made_again", [copy.deepcopy, lambda text: pickle.loads(pickle.dumps(text))]
)
def test_a_copied_text_is_still_translated(made_again: Callable[[str], str]) -> None:
    text = made_again(_("Unit {number}", number=7))

    assert Translator.to("es")(text) == "Unidad 7"


def test_a_refusal_of_a_plugin_takes_translatable_texts() -> None:
    refusal = PluginRefusal(title=_("Please try again later"), text=_("now"), code="later")

    assert Translator.to("de")(refusal.title) == "Bitte versuchen Sie es später noch einmal"
