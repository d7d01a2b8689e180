"""Values that were sent, back in the HTML of their form."""

from __future__ import annotations

from typing import Any

import pytest

from famulus.contracts.filled_form import fields_of, fill_form


@pytest.mark.parametrize(
    ("answers", "fields"),
    [
        ({"a": "1", "b": 2, "c": 0.5}, [("a", "1"), ("b", "2"), ("c", "0.5")]),
        ({"which": ["x", "y"], "none": []}, [("which", "x"), ("which", "y")]),
        ({"photo": {"name": "a.png", "size": 1}, "empty": None, "sure": True}, []),
        (["a", "b"], []),
        (None, []),
    ],
)
def test_fields_of_answers_are_what_a_form_has_sent(
    answers: Any, fields: list[tuple[str, str]]
) -> None:
    assert list(fields_of(answers)) == fields


@pytest.mark.parametrize(
    ("body", "fields", "filled"),
    [
        ('<input name="a">', [("a", "1")], '<input name="a" value="1">'),
        (
            '<INPUT NAME=a VALUE="old" />',
            [("a", '"<&')],
            '<input name="a" value="&quot;&lt;&amp;">',
        ),
        ('<input name="a" value="x">', [], '<input name="a" value="x">'),
        (
            '<input name="a"><input name="a">',
            [("a", "1"), ("a", "2")],
            '<input name="a" value="1"><input name="a" value="2">',
        ),
        (
            '<input type="hidden" name="s">',
            [("s", "{}")],
            '<input type="hidden" name="s" value="{}">',
        ),
        ('<input type="password" name="p">', [("p", "x")], '<input type="password" name="p">'),
        ('<input type="file" name="f">', [("f", "x")], '<input type="file" name="f">'),
        ('<input name="a" disabled>', [("a", "x")], '<input name="a" disabled>'),
        (
            '<input type="checkbox" name="c" value="1" checked>'
            "<input type=checkbox name=c value=2>",
            [("c", "2")],
            '<input type="checkbox" name="c" value="1"><input type="checkbox" name="c" value="2"'
            ' checked="">',
        ),
        (
            '<input type="radio" name="r">',
            [("r", "on")],
            '<input type="radio" name="r" checked="">',
        ),
        (
            "<textarea name=t>old <b></textarea>!",
            [("t", "</textarea>\n&")],
            ("<textarea name=t>\n&lt;/textarea&gt;\n&amp;</textarea>!"),
        ),
        (
            "<textarea><input name=a></textarea><input name=a>",
            [("a", "1")],
            '<textarea><input name=a></textarea><input name="a" value="1">',
        ),
        (
            "<select name=s><option selected>one<option>two  words</option></select>",
            [("s", "two words")],
            '<select name=s><option>one<option selected="">two  words</option></select>',
        ),
        (
            "<select name=s multiple><option value=1>a<option value=2>b<option value=3>c</select>",
            [("s", "1"), ("s", "3")],
            '<select name=s multiple><option value="1" selected="">a<option value="2">b'
            '<option value="3" selected="">c</select>',
        ),
        (
            "<datalist><option value=1></datalist><p>&nbsp;<!-- <input name=a> --><script>"
            "'<input name=a>'</script>",
            [("a", "1")],
            "<datalist><option value=1></datalist><p>&nbsp;<!-- <input name=a> --><script>"
            "'<input name=a>'</script>",
        ),
        (
            "<p>\n<i>\n<input\n name=a></i>",
            [("a", "1")],
            '<p>\n<i>\n<input name="a" value="1"></i>',
        ),
    ],
)
def test_fields_have_the_values_that_were_sent(
    body: str, fields: list[tuple[str, str]], filled: str
) -> None:
    assert fill_form(body, fields) == filled


UNCHANGED = [
    # A placeholder that is still selected: no answer may be made up for the worker.
    '<select name="a"><option value="" disabled selected>Choose<option value="1">One</select>',
    '<fieldset disabled><input type="checkbox" name="c" checked><textarea name="b">x</textarea>'
    "</fieldset>",
    '<fieldset disabled><fieldset><input name="b"></fieldset><input name="b"></fieldset>',
    '<template><input name="b"></template>',
]


@pytest.mark.parametrize("body", UNCHANGED)
def test_fields_that_were_not_sent_stay_as_they_are(body: str) -> None:
    field = '<input name="b" value="1">'

    assert fill_form(body + '<input name="b">', [("b", "1")]) == body + field


def test_multiple_select_with_nothing_chosen_has_nothing_chosen() -> None:
    body = '<select name="a" multiple><option selected>One</option></select>'

    assert fill_form(body, []) == '<select name="a" multiple><option>One</option></select>'


def test_html_that_only_browsers_understand_keeps_the_page() -> None:
    body = '<input name="a"><![foo]><p>rest</p>'

    assert fill_form(body, [("a", "1")]) == '<input name="a" value="1"><![foo]><p>rest</p>'
