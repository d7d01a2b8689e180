"""An author's page is taken apart into what stands where in the worker's."""

from __future__ import annotations

import pytest

import famulus
from famulus_static_html.page import compile_page


def _page(html: str) -> famulus.Page:
    compiled = compile_page(html)
    assert not compiled.problems
    return compiled.render({})


def _page_with(*, body: str, head: str = "") -> famulus.Page:
    names = {"id": "mturk_form", "name": "mturk_form"}
    return famulus.Page(body=body, head=head, form_attributes=names)


def test_a_fragment_stays_as_it_is() -> None:
    html = '<div class="container">\n <input type="file" name="f">&nbsp;<br/>\n</div>\n'

    assert _page(html) == _page_with(body=html)


def test_a_document_loses_tags_of_the_shell() -> None:
    page = _page(
        "<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>T</title>"
        "<meta name=viewport content=x><meta name=author content=A></head>"
        "<body class=b><p>x</p></body></html>"
    )

    assert page.body == "<p>x</p>"
    assert page.head == "<meta name=author content=A>\n"


def test_removed_parts_do_not_join_their_neighbours_to_a_tag() -> None:
    page = compile_page("1 <<title>T</title>${v} <<title></title>b").render({"v": "i"})

    assert page.body == "1 &lt;i &lt;b"


def test_scripts_stay_where_they_stand() -> None:
    html = (
        "<div><script>one()</script><p>x</p></div><script src='two.js'></script>"
        "<script type=module src=//cdn/three.js></script><script async src=//cdn/four.js></script>"
        "<table><tr><script>five()</script></table>"
    )

    page = _page(html)

    assert (page.body, page.scripts) == (html, "")


def test_a_script_that_waits_for_another_host_takes_those_behind_it_to_the_end() -> None:
    page = _page(
        "<script>one()</script><script src='//cdn/two.js'></script><p>x</p>"
        "<script type=module>three()</script><script type='text/javascript'>four()</script>"
    )

    places = [page.scripts.index(word) for word in ("two.js", "three()", "four()")]
    assert places == sorted(places)
    assert page.body == "<script>one()</script><p>x</p>"


@pytest.mark.parametrize(
    "code",
    [
        "document.write('<input name=a>')",
        "document . writeln('<input name=a>')",
        "document.currentScript.before('x')",
        "var all = document.getElementsByTagName('script')",
        "document.scripts[0]",
    ],
)
def test_no_script_goes_past_one_that_needs_its_place(code: str) -> None:
    html = f"<script src=//cdn/one.js></script><p>x</p><script>{code}</script>"

    compiled = compile_page(html + "\n<script src=//cdn/two.js></script>")
    page = compiled.render({})

    assert page.body == html + "\n"
    assert page.scripts.startswith("<script src=//cdn/two.js>")


def test_a_script_that_blocks_the_page_is_a_warning() -> None:
    html = (
        "<script src=//cdn/one.js></script>\n<script src=//cdn/two.js async></script>\n"
        "<script>document.write('x')</script>\n<script src=//cdn/three.js></script>"
    )

    (problem,) = compile_page(html).problems

    assert problem.warning
    assert (problem.line, "line 3" in problem.message) == (1, True)


LIBRARY = "<script src=https://cdn/jquery-3.1.min.js></script>"
WRITER = "<script>document.write('<input name=a>')</script>"


@pytest.mark.parametrize(
    "library",
    [
        LIBRARY,
        LIBRARY + "<script src=//cdn/popper.js></script><script src=//cdn/bootstrap.js></script>",
        "<script src=https://cdn/mturk-public/externalHIT_v1.js></script>",
        "<script src=https://assets/crowd-html-elements.js></script>",
    ],
)
def test_a_library_goes_past_a_writing_script_that_does_not_name_it(library: str) -> None:
    page = _page(f"{library}<p>x</p>{WRITER}<script>two()</script>")

    assert page.body == f"<p>x</p>{WRITER}<script>two()</script>"
    assert page.scripts == library.replace("</script>", "</script>\n")


def test_what_names_a_library_goes_with_it_and_with_all_scripts_behind() -> None:
    page = _page(
        f"{LIBRARY}{WRITER}<script>one()</script><script>$(two)</script><script>3</script>"
    )

    assert page.body == f"{WRITER}<script>one()</script>"
    assert page.scripts == f"{LIBRARY}\n<script>$(two)</script>\n<script>3</script>\n"


@pytest.mark.parametrize(
    "code",
    ["$(f)", "$ .get(a)", "$['get'](a)", "f($)", "var q = $;", "window.$(f)", "jQuery(f)",
     "`${$('a').val()}`", "$?.get(a)"],
)  # fmt: skip
def test_every_use_of_jquery_goes_behind_it(code: str) -> None:
    assert "<script>" not in _page(f"{LIBRARY}<p><script>{code}</script>").body


@pytest.mark.parametrize(
    "code",
    [
        "alert(`Fill ${'a'}`)",
        "f('$5', '$', '1 $.')",
        "/^a$/.test(b)",
        "$x.f($el, a$(b))",
        r"/\$(a)/",
    ],
)
def test_a_dollar_that_is_not_jquery_stays_with_its_script(code: str) -> None:
    assert f"<script>{code}</script>" in _page(f"{LIBRARY}<p><script>{code}</script>").body


@pytest.mark.parametrize(
    ("html", "is_held"),
    [
        (LIBRARY, False),
        (LIBRARY + "<p onclick=f()>", False),
        (LIBRARY + "<p onclick=$(f)>", True),
        (LIBRARY + "<script>$(f)</script>", True),
        # It may wait until the document has been read.
        (LIBRARY + "<script>f()</script>", True),
        (LIBRARY + "<script src=own.js defer></script>", True),
        ("<script src=//cdn/unknown.js></script>", True),
        ("<script src=own.js></script><script>f()</script>", False),
        ("<script src=//cdn/one.js async></script><script>f()</script>", False),
    ],
)
def test_a_submission_is_held_where_scripts_wait_for_another_host(html: str, is_held: bool) -> None:
    assert _page(html).holds_submissions is is_held


@pytest.mark.parametrize(
    "scripts",
    [
        "<script>f('no library')</script>",
        "<script src=own.js defer></script>",
        "<script src=//cdn/popper.min.js></script><script>f()</script>",
    ],
)
def test_a_library_that_nothing_names_moves_nothing_else(scripts: str) -> None:
    page = _page(LIBRARY + scripts)

    assert page.body == scripts.replace("<script src=//cdn/popper.min.js></script>", "")
    assert page.scripts.startswith(LIBRARY)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("vue.global.prod.js", "const { createApp } = Vue; createApp({}).mount('#a')"),
        ("vue-router@4", "new VueRouter()"),
        ("alpinejs", "document.addEventListener('alpine:init', f)"),
        ("htmx.min.js", "htmx.process(a)"),
        ("handlebars.runtime.js", "Handlebars.compile(a)"),
        ("mustache.js", "Mustache.render(a)"),
        ("underscore-min.js", "f(_.template(a))"),
        ("lodash.js", "_(a).map(f)"),
        ("knockout-3.5.1.js", "ko.applyBindings(a)"),
        ("d3.v7.min.js", "d3.select(a)"),
        ("moment.min.js", "f(moment())"),
    ],
)
def test_what_names_a_template_engine_or_framework_goes_with_it_alone(file: str, code: str) -> None:
    library = f"<script src=//cdn/{file}></script>"
    own = "<script>a.innerHTML = b_ + this._x; koala(d3x)</script>"

    page = _page(f"{library}{own}<script>{code}</script>")

    assert page.body == own
    assert page.scripts == f"{library}\n<script>{code}</script>\n"


def test_an_unknown_script_of_another_host_moves_all_behind_it() -> None:
    html = "<script src=//cdn/unknown.js></script><script>f()</script>"

    assert _page(html).body == ""


@pytest.mark.parametrize(
    "between",
    [
        "<script>$('p').hide(); document.write('x')</script>",
        "<script>jQuery.noConflict()</script>" + WRITER,
        "<script src=own.js></script>" + WRITER,
        "<script src=//cdn/unknown.js></script>" + WRITER,
    ],
)
def test_a_library_does_not_go_past_what_may_need_it(between: str) -> None:
    html = LIBRARY + between

    assert compile_page(html).render({}).body == html


def test_a_script_in_a_template_element_moves_nothing() -> None:
    html = "<template><script src=//cdn/one.js></script></template><script>two()</script>"

    assert _page(html).body == html


def test_data_blocks_stay_where_they_are() -> None:
    html = '<script type="application/json" id="d">{"a": "</p>"}</script>'

    assert _page(html) == _page_with(body=html)


@pytest.mark.parametrize(
    "html",
    [
        "<link rel='stylesheet' href='style.css'>",
        "<link rel='Stylesheet preload' href='/css/style.css'>",
        "<style>@import 'own.css'; p { background: url(//x/y.png) }</style>",
    ],
)
def test_own_styles_go_to_the_head(html: str) -> None:
    page = _page(html)

    assert page == _page_with(body="", head=html + "\n")


@pytest.mark.parametrize(
    "html",
    [
        "<link rel=stylesheet href=https://cdn/x.css>",
        "<link rel=stylesheet href='//cdn/x.css'>",
        "<link rel=stylesheet href='\\\\cdn/x.css'>",
        "<link rel=stylesheet href=' ht\ntps://cdn/x.css'>",
        "<link rel=preload href=x.css>",
        "<link rel=icon href=x.png>",
        "<style>@IMPORT url( 'https://cdn/x.css');</style>",
        '<style>@import "//cdn/x.css";</style>',
    ],
)
def test_scripts_from_other_hosts_come_last(html: str) -> None:
    page = _page(html)

    assert page.scripts.endswith(html + "\n")
    assert page.body == page.head == ""


def test_an_own_style_still_wins_over_one_from_elsewhere() -> None:
    style = "<style>p { color: red }</style>"

    page = _page(f"<link rel=stylesheet href=//cdn/x.css>{style}")

    assert page.head == style + "\n"
    assert page.scripts.index("//cdn/x.css") < page.scripts.index(style)


def test_noscript_content_stays() -> None:
    page = _page("<noscript><link rel=stylesheet href=//cdn/x.css><b>x</b></noscript>")

    assert page.body == "<noscript><b>x</b></noscript>"
    assert "<noscript><link rel=stylesheet href=//cdn/x.css></noscript>" in page.scripts


def test_a_template_element_is_left_whole() -> None:
    html = "<template><form><script>x()</script></form><style>p{}</style></template>"

    assert _page(html) == _page_with(body=html)


def test_pictures_keep_their_styles_and_titles() -> None:
    html = "<svg><title>T</title><style/><style>a{b:c}</style><path d='x'/></svg>"

    assert _page(html) == _page_with(body=html)


def test_a_script_in_a_picture_is_moved_as_one() -> None:
    page = _page("<svg><script href='//cdn/x.js'/></svg><p>x</p>")

    assert page.body == "<svg></svg><p>x</p>"
    assert "<svg hidden" in page.scripts
    assert "<script href='//cdn/x.js'/></svg>" in page.scripts


def test_an_unclosed_picture_ends_where_browsers_end_it() -> None:
    page = _page("<svg><path><p>x</p><script src=//cdn/one.js></script>")

    assert "one.js" in page.scripts
    assert "<svg hidden" not in page.scripts


def test_the_old_settings_object_comes_first() -> None:
    page = _page('<script>window._MEPHISTO_CONFIG_.set("HIDE_SUBMIT_BUTTON", true)</script>')

    assert page.head.startswith("<script>\nwindow._MEPHISTO_CONFIG_ =")


def test_a_script_with_an_end_tag_in_a_comment_is_whole() -> None:
    page = _page("<script src=//cdn/x.js><!-- <script> '</script>' --></script><p>x</p>")

    assert page.body == "<p>x</p>"


@pytest.mark.parametrize(
    ("html", "word"),
    [
        ("<base href='${v}'>", "<base>"),
        ("<!-- x", "<!--"),
        ("<p title='x>", "<p"),
        ("<script>x", "<script>"),
        ("<textarea>", "<textarea>"),
        ("<plaintext>x</plaintext>", "<plaintext>"),
    ],
)
def test_markup_that_breaks_the_form_is_refused_with_its_line(html: str, word: str) -> None:
    problems = compile_page(f"<p>a</p>\n\n{html}").problems

    assert [problem.line for problem in problems] == [3]
    assert word in problems[0].message


def test_placeholders_know_their_lines() -> None:
    compiled = compile_page("<p\n title='${a}'>\n${b}</p>\n<script>\n${c}</script>")

    assert [(one.name, one.line) for one in compiled.needed] == [("a", 2), ("b", 3)]


def _lists(html: str, *names: str) -> set[str]:
    form = famulus.Form(fields=[(name, "x") for name in names])
    return compile_page(html).lists.among(form)


def test_fields_that_can_have_several_values_are_known() -> None:
    html = """<input type=checkbox name=one><input type=CheckBox name=two><INPUT name='two'
    type="checkbox"><input type=radio name=r><input type=radio name=r>
    <select multiple name=m></select><select name=s></select><input type=file name=f multiple>"""

    assert _lists(html, "one", "two", "r", "m", "s", "f") == {"two", "m", "f"}


def test_a_field_named_from_the_data_is_recognised() -> None:
    html = "<input type=checkbox name='q_${id}_a'>" * 2 + "<input type=checkbox name='p_${id}'>"

    assert _lists(html, "q_7_a", "q_8_b", "p_7") == {"q_7_a"}
