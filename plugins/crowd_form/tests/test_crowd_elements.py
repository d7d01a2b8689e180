"""The elements: their answers in the shapes of Ground Truth, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

import famulus
from famulus_crowd_form.page import FilledPage, filled_page
from famulus_crowd_form.relaxed_json import read_relaxed


def page(html: str) -> FilledPage:
    filled = filled_page(html)
    assert filled.faults == ()
    return filled


def read(html: str, *fields: tuple[str, str]) -> dict[str, Any]:
    return page(html).read(famulus.Form(fields=fields))


CLASSIFIER = """<crowd-classifier name="s" header="h" categories="['Good', 'Bad']">
<classification-target>x</classification-target></crowd-classifier>"""
MULTI = """<crowd-classifier-multi-select name="m" header="h" categories='["a", "b"]'%s>
</crowd-classifier-multi-select>"""
EXCLUSION = """ exclusion-category="{ text: 'None' }" """
IMAGE = """<crowd-image-classifier name="i" src="a.png" header="h" categories='["a", "b"]'>
</crowd-image-classifier>"""
RADIOS = """<crowd-radio-group%s><crowd-radio-button name="b1" value="yes">Y</crowd-radio-button>
<crowd-radio-button name="b2" value="no">N</crowd-radio-button></crowd-radio-group>"""
BOXES = """<crowd-checkbox name="c" value="Red" %s>Red</crowd-checkbox>
<div><crowd-checkbox name="c" value="Green"> Green </div>"""
ENTITIES = """<crowd-entity-annotation name="e" text="Ada \U0001f642 &lt;b&gt;" header="h"
labels='[{"label": "PER", "fullDisplayName": "Person"}, "LOC"]'></crowd-entity-annotation>"""
BOUNDING = """<crowd-bounding-box name="b" src="a.png" header="h" labels="['cat', 'dog']">
</crowd-bounding-box>"""
TABS = """<crowd-tabs><crowd-tab header="One"><crowd-card heading="H" image="a.png">
<crowd-input name="a"></crowd-input></crowd-card></crowd-tab><crowd-tab header="Two">
<crowd-modal><crowd-alert dismissible>x</crowd-alert></crowd-modal><crowd-badge label="1" for="y"/>
<crowd-slider name="b" max="5" value="-1"><crowd-slider-label>1</crowd-slider-label></crowd-slider>
<crowd-icon-button icon="report-problem" title="Issue"/></crowd-tab></crowd-tabs>"""
SPAN = {"start": 4, "end": 5, "label": "PER"}
BOX = {"left": 1, "top": 2, "width": 3, "height": 4, "label": "dog"}


@pytest.mark.parametrize(
    ("html", "fields", "answers"),
    [
        (CLASSIFIER, [("s", "Good")], {"s": {"label": "Good"}}),
        (IMAGE, [("i", "b")], {"i": {"label": "b"}}),
        (MULTI % "", [("m", "b"), ("m", "a")], {"m": {"labels": ["a", "b"]}}),
        (MULTI % "", [], {"m": {"labels": []}}),
        (MULTI % EXCLUSION, [("m.none", "1")], {"m": {"labels": []}}),
        (RADIOS % "", [("b1", "yes")], {"b1": {"yes": True}, "b2": {"no": False}}),
        (RADIOS % "", [("b1", "b2=no")], {"b1": {"yes": False}, "b2": {"no": True}}),
        (
            '<crowd-radio-group name="g"><crowd-radio-button value=1></crowd-radio-button>'
            "<crowd-radio-button value=2></crowd-radio-button></crowd-radio-group>",
            [("g", "2")],
            {"g": {"1": False, "2": True}},
        ),
        (RADIOS % "", [], {"b1": {"yes": False}, "b2": {"no": False}}),
        (BOXES % "", [("c", "Red")], {"c": {"Red": True, "Green": False}}),
        ("<crowd-checkbox name=a></crowd-checkbox>", [("a", "on")], {"a": {"on": True}}),
        ("<crowd-toggle-button name=a></crowd-toggle-button>", [("a", "on")], {"a": {"on": True}}),
        ("<crowd-toggle-button name=a value=x />", [], {"a": {"x": False}}),
        ("<crowd-input name=a></crowd-input>", [("a", " x ")], {"a": " x "}),
        ("<crowd-text-area name=a></crowd-text-area>", [("a", "1\r\n2")], {"a": "1\n2"}),
        ("<crowd-slider name=a min=1 max=5></crowd-slider>", [("a", "3")], {"a": 3}),
        ("<crowd-slider name=a max=1 step=.1></crowd-slider>", [("a", "0.5")], {"a": 0.5}),
        (
            ENTITIES,
            [("e", json.dumps([SPAN]))],
            {"e": {"entities": [{"endOffset": 5, "label": "PER", "startOffset": 4}]}},
        ),
        (ENTITIES, [("e", "")], {"e": {"entities": []}}),
        (
            BOUNDING,
            [("b", json.dumps([BOX])), ("b.size", "8x9")],
            {"b": {"boundingBoxes": [BOX], "inputImageProperties": {"width": 8, "height": 9}}},
        ),
        ("<crowd-form><input name=a></crowd-form>", [("a", "x")], {"a": "x"}),
        (TABS, [("a", "x"), ("b", "2")], {"a": "x", "b": 2}),
        ("<input type=checkbox name=a><input type=checkbox name=a>", [("a", "x")], {"a": ["x"]}),
        ("<select name=a multiple></select>", [("a", "x")], {"a": ["x"]}),
        (
            f'<crowd-form answer-format="flatten-objects">{CLASSIFIER}</crowd-form>',
            [("s", "Good")],
            {"s.label": "Good"},
        ),
    ],
)
def test_answers_have_the_shapes_of_ground_truth(
    html: str, fields: list[tuple[str, str]], answers: dict[str, Any]
) -> None:
    assert read(html, *fields) == answers


@pytest.mark.parametrize(
    ("html", "fields"),
    [
        (CLASSIFIER, [("s", "Good")]),
        (MULTI % "", [("m", "a"), ("m", "b")]),
        (MULTI % EXCLUSION, [("m.none", "1")]),
        (RADIOS % "", [("b1", "b2=no")]),
        (BOXES % "", [("c", "Red")]),
        ("<crowd-input name=a></crowd-input>", [("a", "x")]),
        ("<crowd-slider name=a></crowd-slider>", [("a", "3")]),
        (ENTITIES, [("e", json.dumps([SPAN]))]),
        (BOUNDING, [("b", json.dumps([BOX])), ("b.size", "8x9")]),
        ("<input type=checkbox name=a><input type=checkbox name=a>", [("a", "x"), ("a", "y")]),
        (f'<crowd-form answer-format="flatten-objects">{CLASSIFIER}', [("s", "Good")]),
    ],
)
def test_stored_answers_are_the_fields_of_a_review(
    html: str, fields: list[tuple[str, str]]
) -> None:
    filled = page(html)
    answers = filled.read(famulus.Form(fields=fields))

    again = filled.fields(json.loads(json.dumps(answers)))

    assert [(name, value) for name, values in again.items() for value in values] == fields


@pytest.mark.parametrize(
    ("html", "fields", "name"),
    [
        (CLASSIFIER, [], "s"),
        (CLASSIFIER, [("s", "Ugly")], "s"),
        (MULTI % "", [("m", "c")], "m"),
        (MULTI % EXCLUSION, [], "m"),
        (MULTI % EXCLUSION, [("m", "a"), ("m.none", "1")], "m"),
        (RADIOS % "", [("b1", "no")], "b1"),
        (RADIOS % " required", [], "b1"),
        (BOXES % "required", [], "c"),
        ("<crowd-input name=a required></crowd-input>", [("a", " ")], "a"),
        ("<crowd-input name=a max-length=2></crowd-input>", [("a", "123")], "a"),
        ("<crowd-input name=a min-length=2></crowd-input>", [("a", "1")], "a"),
        ("<crowd-text-area name=a required></crowd-text-area>", [], "a"),
        ("<crowd-text-area name=a></crowd-text-area>", [("a", "x" * 100_001)], "a"),
        ("<crowd-slider name=a></crowd-slider>", [("a", "nan")], "a"),
        ("<crowd-slider name=a></crowd-slider>", [("a", "101")], "a"),
        ("<crowd-slider name=a></crowd-slider>", [], "a"),
        (ENTITIES, [("e", "{")], "e"),
        (ENTITIES, [("e", json.dumps([{**SPAN, "end": 99}]))], "e"),
        (ENTITIES, [("e", json.dumps([{**SPAN, "label": "X"}]))], "e"),
        (ENTITIES, [("e", json.dumps([SPAN, SPAN]))], "e"),
        (BOUNDING, [("b", json.dumps([BOX]))], "b"),
        (BOUNDING, [("b", json.dumps([{**BOX, "width": 9}])), ("b.size", "8x9")], "b"),
        (BOUNDING, [("b", json.dumps([{**BOX, "label": "x"}])), ("b.size", "8x9")], "b"),
    ],
)
def test_what_the_page_cannot_have_sent_is_refused(
    html: str, fields: list[tuple[str, str]], name: str
) -> None:
    with pytest.raises(famulus.InvalidAnswers) as caught:
        read(html, *fields)

    assert set(caught.value.fields) == {name}


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("\n<crowd-keypoint name=a>", "<crowd-keypoint> does not exist here"),
        ("\n<crowd-input>", "has no name"),
        ("\n<crowd-input name=famulus_token>", "is reserved"),
        ("\n<crowd-input name=a type=file>", '<input type="file"'),
        ("\n<crowd-input name=a></crowd-input><crowd-input name=a>", "is there twice"),
        ("<crowd-input name=a></crowd-input>\n<textarea name=a></textarea>", "of an element, too"),
        ("\n<select name=a></select><crowd-slider name=a></crowd-slider>", "of an element, too"),
        ("\n<crowd-classifier name=a>", "must be a list of texts"),
        ("\n<crowd-classifier name=a categories='a, b'>", "is not JSON"),
        ('\n<crowd-classifier name=a categories=\'["a", "a"]\'>', "must be different texts"),
        ("\n<crowd-image-classifier name=a categories='[1]'>", "has no image"),
        ("\n<crowd-image-classifier name=a categories='[1]' src='s3://b/k'>", "cannot load"),
        ("<crowd-form><crowd-classifier name=a categories='[1]'>\n</crowd-form>", "never closed"),
        ("<crowd-classifier name=a categories='[1]'>\n", "never closed"),
        ("\n<crowd-radio-button name=a>", "outside of a group"),
        ("\n<crowd-slider name=a min=x>", "is not a number"),
        ("\n<crowd-slider name=a min=5 max=1>", "leave no choice"),
        ("\n<crowd-polygon name=a>", "use <crowd-bounding-box>, or boxes and points"),
        ("\n<crowd-text-ranking name=a>", "use a question of the type ranking"),
        ("\n<crowd-tab><p>", "has no name: write header"),
        ("<crowd-tab header=a><p>\n", "<crowd-tab> is never closed"),
        ("\n<crowd-fab id=a>", "has no text: write title"),
        ("\n<crowd-card image='s3://b/k'>", "image='s3://b/k' of <crowd-card> is an address"),
        ("\n<crowd-entity-annotation name=a labels='[1]'>", "has no text"),
        ("\n<crowd-entity-annotation name=a text=a labels='[1]' initial-value='[{}]'>", "initial"),
        ("\n<crowd-bounding-box name=a src=a labels='[1]' initial-value='[{}]'>", "initial-value"),
    ],
)
def test_an_element_that_cannot_be_shown_has_a_fault_with_its_line(html: str, words: str) -> None:
    (line, fault), *_ = filled_page(html).faults

    assert line == 2
    assert words in fault


def test_elements_without_a_field_are_shown_without_scripts() -> None:
    body = page(TABS).body

    assert '<img class="crowd-card-image" src="a.png" alt="">' in body
    assert '<p class="crowd-header">H</p>' in body
    assert (
        body.count('<div class="crowd-tab" role="group"') == body.count("</div></crowd-tab>") == 2
    )
    assert ">Click to open</summary>" in body
    assert '<button class="crowd-button" type="button">Issue</button>' in body
    assert '<span class="crowd-badge">1</span>' in body
    assert "<output for=" in body
    assert ">0</output>" in body


def test_a_review_shows_the_value_of_a_slider_without_its_script() -> None:
    filled = page("<crowd-slider name=a min=1></crowd-slider>")

    assert '<output for="crowd-1-input">4.5</output>' in filled.reviewed(filled.body, {"a": 4.5})


def test_initial_marks_are_there_from_the_start() -> None:
    given = """initial-value="[{label: 'PER', startOffset: 0, endOffset: 3}]">"""

    body = page(ENTITIES.replace("></crowd-entity", f" {given}</crowd-entity")).body

    assert (
        "[{&quot;start&quot;: 0, &quot;end&quot;: 3, &quot;label&quot;: &quot;PER&quot;}]" in body
    )
    assert ">Person</button>" in body


def test_a_page_keeps_what_it_has_but_its_own_frame() -> None:
    filled = page(
        "<!DOCTYPE html><html lang=fr dir=ltr><head><title>T</title><meta charset=utf-8></head>"
        "<body onload='f()'>"
        '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
        "<script>one()</script><form name=mine onsubmit='g()'><crowd-form></crowd-form></form>"
        '<script src="https://cdn.example/jquery.js"></script><script>two()</script><!-- c -->'
        '<crowd-button form-action="submit">Go</crowd-button></body></html>'
    )

    assert filled.body == (
        "<script>one()</script><crowd-form></crowd-form><!-- c -->"
        '<crowd-button form-action="submit"><button class="crowd-button" type="submit">Go</button>'
        "</crowd-button>"
    )
    assert filled.scripts == (
        '<script src="https://cdn.example/jquery.js"></script><script>two()</script>'
    )
    assert filled.html_attributes == {"lang": "fr", "dir": "ltr"}
    assert filled.form_attributes == {"name": "mine", "onsubmit": "g()"}
    assert filled.body_attributes == {"onload": "f()"}
    assert filled.has_submit


def test_a_button_with_a_link_runs_no_code() -> None:
    body = page("<crowd-button href='javascript:f()'>x</crowd-button>").body

    assert 'href="about:invalid"' in body


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["a"]', ["a"]),
        ("['a', \"b\", 'it\\'s', 'q\"',]", ["a", "b", "it's", 'q"']),
        ("{ text: 'None, really: none' }", {"text": "None, really: none"}),
        (
            "[{label: 'a', startOffset: 0, ok: true}]",
            [{"label": "a", "startOffset": 0, "ok": True}],
        ),
        (json.dumps('["a"]'), ["a"]),
        ("'\\u00e9\\n'", "é\n"),
    ],
)
def test_attributes_hold_json_or_literals_of_javascript(text: str, value: Any) -> None:
    assert read_relaxed(text) == value


@pytest.mark.parametrize("text", ["", "a, b", "[", "['a'", "[a b]", "f()", "[" * 99_999, "'" * 9])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of json, or ours
        read_relaxed(text)


@pytest.mark.parametrize(
    ("html", "fields", "words"),
    [
        ('<crowd-input name="q" required>', [("q", "\u200b\u2800")], "Please answer this."),
        ('<crowd-text-area name="q">', [("q", "a"), ("q", "b")], "more than one answer"),
        ('<crowd-slider name="q">', [("q", "1"), ("q", "2")], "more than one answer"),
        (
            "<crowd-classifier name='q' categories='[\"a\", \"b\"]'></crowd-classifier>",
            [("q", "a"), ("q", "b")],
            "more than one answer",
        ),
    ],
)
def test_an_invisible_answer_or_a_second_one_is_refused(
    html: str, fields: list[tuple[str, str]], words: str
) -> None:
    with pytest.raises(famulus.InvalidAnswers) as error:
        filled_page(html).read(famulus.Form(fields=fields))

    assert words in error.value.fields["q"]


def test_an_empty_value_beside_an_answer_is_none() -> None:
    form = famulus.Form(fields=[("q", ""), ("q", "a"), ("q", "a")])

    assert filled_page('<crowd-input name="q">').read(form) == {"q": "a"}
