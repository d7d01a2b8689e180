"""Attributes of an author's ``<html>``, ``<body>`` and ``<form>`` are kept on the worker's page."""

from __future__ import annotations

from typing import Any

import pytest

import famulus
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


@pytest.mark.parametrize(
    ("html", "line", "words"),
    [
        ("<form></form>\n<form></form>", 2, "2 forms"),
        ("<form>\n<form></form></form>", 2, "2 forms"),
        ("<form>\n\n<form><form>", 3, "3 forms"),
        ("<p>\n</form>", 2, "without its <form>"),
        ("</form>\n<form></form>", 1, "without its <form>"),
    ],
)
def test_several_forms_are_one_problem_with_their_lines(html: str, line: int, words: str) -> None:
    (problem,) = compile_page(html).problems

    assert not problem.warning
    assert (problem.line, words in problem.message) == (line, True)


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
