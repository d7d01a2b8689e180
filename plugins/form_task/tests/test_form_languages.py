"""The texts of a form's own, in the language of its page."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import famulus
import famulus_form
import famulus_marks
from famulus import Translator
from famulus_form.form_file import read_form
from famulus_form.script_texts import script_texts
from famulus_form.texts import PageContent
from form_files import EVERY_KIND, MARKS, STEPS, compiled, sent, write_form

ARABIC = Translator.to("ar")
PACKAGES = [Path(module.__file__ or "").parent for module in (famulus_form, famulus_marks)]
#: What a reader would take for an English sentence or label of ours.
_WORDS = re.compile(
    r"(?<!-)\b(Please|Next|Back|optional|Other|Left|Right|Remove|Mark|nothing|agree)\b"
)


def form_of(folder: Path, text: str) -> Any:
    return compiled(read_form(write_form(folder, text)))


@pytest.mark.parametrize("text", [EVERY_KIND, MARKS, STEPS], ids=["every kind", "marks", "steps"])
def test_no_fixed_text_of_a_page_stays_english(tmp_path: Path, text: str) -> None:
    form = form_of(tmp_path, text)
    own = set(_WORDS.findall(text))

    english, arabic = (
        form.page(form.shown({}, PageContent({}, translate=to))).body
        for to in (Translator.to("en"), ARABIC)
    )

    assert set(_WORDS.findall(english)) - own
    assert set(_WORDS.findall(arabic)) - own == set()
    assert "&quot;\\u" in arabic


def test_refusals_are_translatable(tmp_path: Path) -> None:
    form = form_of(tmp_path, EVERY_KIND)

    with pytest.raises(famulus.InvalidAnswers) as refused:
        form.read(sent())

    translated = {ARABIC(text) for text in refused.value.fields.values()}
    assert translated
    assert not any(text.isascii() for text in translated)
    assert not ARABIC(refused.value.message).isascii()


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: folder.name)
def test_no_sentence_for_workers_is_a_plain_string(folder: Path) -> None:
    plain = [
        f"{file.name}:{node.lineno}"
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "WrongAnswer"
        and not isinstance(node.args[0], ast.Name | ast.Call | ast.Attribute | ast.BoolOp)
    ]

    assert plain == []


@pytest.mark.parametrize(
    "script", [file for folder in PACKAGES for file in folder.rglob("*.js")], ids=lambda f: f.name
)
def test_scripts_have_no_texts_of_their_own(script: Path) -> None:
    text = re.sub(r"(?m)^\s*//.*$", "", script.read_text(encoding="utf-8"))

    words = [each for each in re.findall(r'"([^"\n]*)"', text) if re.match(r"[A-Z][a-z]+ ?", each)]

    keys = {"Shift", "Enter", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "FIELDSET"}
    assert set(words) <= keys


def test_texts_of_the_scripts_are_in_the_language() -> None:
    assert "This order is right" in script_texts(Translator.to("en"))
    assert "Diese Reihenfolge stimmt" in script_texts(Translator.to("de"))
