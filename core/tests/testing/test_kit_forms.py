"""Scripted workers read a page's form and fill it in like a browser."""

from __future__ import annotations

import pytest

from famulus.testing.forms import form_of_body, html_form


def filled(body: str, variant: int = 0) -> list[tuple[str, str]]:
    return list(form_of_body(body).fill(variant).fields)


def test_document_without_a_form_has_none() -> None:
    assert html_form("<p>Thank you.</p>") is None


def test_only_the_first_form_is_read() -> None:
    form = html_form('<form action="submit"><input name="a"></form><form><input name="b"></form>')

    assert form is not None
    assert form.attributes == {"action": "submit"}
    assert [control.name for control in form.controls] == ["a"]


def test_hidden_values_stay() -> None:
    assert filled('<input type="hidden" name="t" value="a&amp;b">') == [("t", "a&b")]


HIDDEN = [
    ("<textarea name=a hidden>kept</textarea>", [("a", "kept")]),
    ("<input name=a value=kept style='color: red; DISPLAY:none'>", [("a", "kept")]),
    ("<div hidden><p><input name=a value=kept></div><input name=b maxlength=1>", [("a", "kept")]),
    ("<div style='display: none !important'><br><input name=a value=kept></div>", [("a", "kept")]),
    (
        "<p hidden><input type=checkbox name=a value=1 checked><input type=checkbox name=a></p>",
        [("a", "1")],
    ),
    ("<p hidden><input type=radio name=a value=1><input type=radio name=a value=2></p>", []),
    ("<select name=a hidden><option disabled>0<option>1<option>2</select>", [("a", "1")]),
    ("<select name=a hidden><option>1<option selected>2</select>", [("a", "2")]),
    ("<select name=a hidden multiple><option>1<option>2</select>", []),
]


@pytest.mark.parametrize(("body", "expected"), HIDDEN)
def test_hidden_controls_are_left_alone(body: str, expected: list[tuple[str, str]]) -> None:
    assert [pair for pair in filled(body, 1) if pair[0] == "a"] == expected


@pytest.mark.parametrize("body", [body for body, _ in HIDDEN])
def test_hidden_controls_are_filled_in_on_request(body: str) -> None:
    sent = form_of_body(body).fill(1, hidden=True).fields

    assert sent
    assert ("a", "kept") not in sent


def test_a_visible_checkbox_is_ticked_beside_a_hidden_one() -> None:
    body = "<input type=checkbox name=a value=1 hidden><input type=checkbox name=a value=2>"

    assert filled(body) == [("a", "2")]


def test_controls_may_name_their_form() -> None:
    form = html_form(
        "<form id=f><input name=a><input name=b form=g><input name=c form=''></form>"
        "<input name=d form=f><input name=e><select name=s form=f><option>x</select>"
    )

    assert form is not None
    assert [control.name for control in form.controls] == ["a", "d", "s"]


@pytest.mark.parametrize(
    "body",
    [
        '<input name="a" disabled>',
        "<fieldset disabled><fieldset><input name=a></fieldset></fieldset>",
        '<input value="no name">',
        '<input type="submit" name="a"><button name="a">Go</button><input type="image" name="a">',
        "<template><input name=a></template>",
    ],
)
def test_controls_that_browsers_do_not_send_are_left_out(body: str) -> None:
    assert filled(body) == []


def test_one_radio_button_of_a_name_is_chosen_and_variants_differ() -> None:
    body = "<input type=radio name=r value=1><br><input type=radio name=r value=2>"

    assert [filled(body, variant) for variant in range(3)] == [
        [("r", "1")],
        [("r", "2")],
        [("r", "1")],
    ]


def test_required_checkboxes_are_all_ticked() -> None:
    body = "<input type=checkbox name=c value=1><input type=checkbox name=c value=2 required>"

    assert filled(body) == [("c", "1"), ("c", "2")]


def test_select_skips_the_line_that_asks_to_choose() -> None:
    body = (
        '<select name="s"><option value="">-</option><optgroup disabled><option>no</option>'
        "</optgroup><option disabled>nor this</option><option> two  words </option></select>"
    )

    assert filled(body) == [("s", "two words")]


def test_options_need_no_end_tags() -> None:
    assert filled("<select name=s><option>a<option>b</select>", 1) == [("s", "b")]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("type=number min=3 max=5", "3"),
        ("type=number max=-2", "-2"),
        ("type=range min=0.5 step=0.5", "0.5"),
        ("type=number step=any", "0"),
        ("type=date min=2031-02-03", "2031-02-03"),
        ("type=email", "worker0@example.org"),
        ("maxlength=3", "A s"),
        ("readonly value=kept", "kept"),
    ],
)
def test_text_respects_its_attributes(attributes: str, expected: str) -> None:
    assert filled(f"<input name=a {attributes}>") == [("a", expected)]


def test_textarea_is_long_enough() -> None:
    [(_, text)] = filled('<textarea name="t" minlength="200" maxlength="210">old</textarea>')

    assert len(text) == 200


def test_file_is_chosen() -> None:
    [file] = form_of_body('<input type="file" name="f" accept="image/*">').fill().files

    assert (file.field, file.content_type) == ("f", "image/png")
