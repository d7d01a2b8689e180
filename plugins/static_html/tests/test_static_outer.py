"""Attributes of an author's ``<html>``, ``<body>`` and ``<form>`` are kept on the worker's page."""

from __future__ import annotations

import json
from typing import Any

import pytest

import famulus
from famulus_static_html.forms import CLOSE_INSIDE, OPEN_INSIDE
from famulus_static_html.page import compile_page

MTURK = {"id": "mturk_form", "name": "mturk_form"}


def _page(html: str, **values: Any) -> famulus.Page:
    compiled = compile_page(html)
    assert not compiled.problems
    return compiled.render(values)


def test_attributes_of_the_document_go_on() -> None:
    page = _page(
        "<html lang=de DIR='rtl'><body class=\"a b\" onload='go(&quot;x&quot;)' data-n=1 hidden>"
        "<p>x</p></body></html>"
    )

    assert page.html_attributes == {"lang": "de", "dir": "rtl"}
    assert page.body_attributes == {
        "class": "a b",
        "onload": 'go("x")',
        "data-n": "1",
        "hidden": "",
    }
    assert page.body == "<p>x</p>"


def test_the_first_of_several_tags_counts() -> None:
    page = _page("<body class=a><p>x</p><body class=b id=c>")

    assert page.body_attributes == {"class": "a", "id": "c"}


def test_values_stay_values_in_attributes_of_the_document() -> None:
    page = _page(
        "<body data-v='${v}' style='color: ${v}' background='${v}'>", v="\"'><b x=1 &amp; }"
    )

    assert page.body_attributes["data-v"] == "\"'><b x=1 &amp; }"
    assert "}" not in page.body_attributes["style"].replace("\\7d", "")
    assert ">" not in page.body_attributes["background"]


@pytest.mark.parametrize("tag", ["html", "body", "form"])
@pytest.mark.parametrize("attribute", ["${v}", "${v}='x'", "${v|raw}-x"])
def test_a_value_decides_no_attribute(tag: str, attribute: str) -> None:
    problems = compile_page(f"<p>\n<{tag} {attribute}>").problems

    if "raw" in attribute:
        assert problems == ()
    else:
        assert [problem.line for problem in problems] == [2]


def test_placeholders_in_handlers_of_the_document_are_filled() -> None:
    page = _page("<body onload='go(\"${v}\")'><form onsubmit='return f(${v})'></form>", v="\"'")

    assert page.body_attributes == {"onload": 'go("\\u0022\\u0027")'}
    assert page.form_attributes["onsubmit"] == 'return f("\\u0022\\u0027")'
    assert [one.name for one in compile_page("<body onload='${v}'>").forbidden] == ["v"]


def test_a_form_without_a_name_is_mturks() -> None:
    assert _page("<p>x</p>").form_attributes == MTURK
    assert _page("<form class=f><input name=a></form>").form_attributes == {**MTURK, "class": "f"}


def test_attributes_of_the_authors_form_hold_but_not_where_it_is_sent() -> None:
    page = _page(
        "<FORM id=f name=g action='https://www.mturk.com/mturk/externalSubmit' method=get"
        " target=_top enctype=x onsubmit='return ok()' novalidate>\n<input name=a></FORM>"
    )

    assert page.form_attributes == {
        "id": "f",
        "name": "g",
        "onsubmit": "return ok()",
        "novalidate": "",
    }
    assert page.body == "\n<input name=a>"
    assert "mturk_form" in page.head


@pytest.mark.parametrize("action", ["", "#", "/mturk/externalSubmit", "${address}/externalSubmit"])
def test_mturks_address_is_nothing_to_speak_of(action: str) -> None:
    assert compile_page(f"<form action='{action}'></form>").problems == ()


def test_an_address_elsewhere_is_a_warning() -> None:
    (problem,) = compile_page("<p>x</p>\n<form action='https://x.org/save.php'></form>").problems

    assert problem.warning
    assert problem.line == 2
    assert "https://x.org/save.php" in problem.message


def test_several_forms_that_do_not_lead_to_mturk_are_sent_together() -> None:
    compiled = compile_page(
        "<form id=f><input name=a></form>\n"
        "<form id=g onsubmit=x()><input name=b></form><input name=c>"
    )

    (problem,) = compiled.problems
    assert problem.warning
    assert (problem.line, "lines 1, 2" in problem.message) == (2, True)
    page = compiled.render({})
    assert page.form_attributes == {"id": "f", "name": "mturk_form"}
    assert page.body == "<input name=a>\n<input name=b><input name=c>"


@pytest.mark.parametrize("html", ["<p>\n</form>", "</form>\n<form></form>", "<form><form></form>"])
def test_tags_that_browsers_ignore_are_ignored(html: str) -> None:
    assert compile_page(html).problems == ()
    assert "form" not in compile_page(html).render({}).body


MTURKS = "action=https://www.mturk.com/mturk/externalSubmit"


def test_the_form_that_leads_to_mturk_is_the_tasks() -> None:
    compiled = compile_page(
        f"<form id=search action=/find><input name=q></form><form id=f {MTURKS}><input name=a>"
        "<input type=submit></form>\n<input name=b><input form=search name=c>"
    )

    page = compiled.render({})

    assert page.form_attributes == {"id": "f", "name": "mturk_form"}
    assert page.submit_attributes == {"hidden": ""}
    assert page.body == (
        f"{OPEN_INSIDE}<form id=search action=/find><input name=q>{CLOSE_INSIDE}<input name=a>"
        '<input type=submit>\n<input form="" name=b><input form=search name=c>'
    )
    assert [(one.warning, one.line) for one in compiled.problems] == [(True, 1), (True, 2)]
    assert "q (line 1)" in compiled.problems[0].message


def test_a_button_of_another_form_is_not_the_tasks() -> None:
    compiled = compile_page(
        f"<form><button type=submit>Find</button></form><form {MTURKS}><input name=a></form>"
    )

    assert compiled.mturk.submit_attributes == {}


def test_forms_to_choose_among_keep_their_attributes() -> None:
    compiled = compile_page(
        f"<form id=f {MTURKS}><input name=a></form>"
        f"<form id=g class='c ${{v}}' name=${{v}} hidden {MTURKS}><input name=b></form>"
    )

    assert compiled.problems == ()
    assert compiled.render({"v": "1"}).body == (
        f'<input name=a>{OPEN_INSIDE}<form id="g" class="c 1" name="1" hidden'
        f' action="externalSubmit"><input name=b>{CLOSE_INSIDE}'
    )


def test_a_base_has_trusted_values() -> None:
    compiled = compile_page("<base href='${v}/a'><input name=a>", trusted=True)

    page = compiled.render({"v": "https://x/?b&amp;c"})

    assert compiled.problems == ()
    written = json.loads(page.head.partition("write(")[2].partition(");")[0])
    assert written == '<base href="https://x/?b&amp;c/a">'


def test_a_base_is_written_by_a_script() -> None:
    page = _page("<base target=_blank><base href='/a/\"x' target=no><input name=a>")

    assert page.body == "<input name=a>"
    assert page.head.startswith("<script>document.write(")
    assert json.loads(page.head.partition("write(")[2].partition(");")[0]) == (
        '<base href="/a/&quot;x" target="_blank">'
    )


def test_an_end_tag_too_many_counts_as_little_as_in_browsers() -> None:
    assert _page("<form><input name=a></form></form>").body == "<input name=a>"


def test_forms_of_template_elements_do_not_count() -> None:
    html = "<template><form id=x></form></template>"

    page = _page(f"{html}<form id=f></form>")

    assert page.body == html
    assert page.form_attributes["id"] == "f"


def test_controls_outside_of_the_authors_form_belong_to_none() -> None:
    compiled = compile_page(
        "<button onclick=help()>?</button><form id=f><input name=in></form>\n"
        "<input name='${v}'><select name=linked form=f></select>"
    )

    assert compiled.render({"v": "out"}).body == (
        '<button form="" onclick=help()>?</button><input name=in>\n'
        "<input form=\"\" name='out'><select name=linked form=f></select>"
    )
    (problem,) = compiled.problems
    assert problem.warning
    assert (problem.line, "${v} (line 2)" in problem.message) == (2, True)
