"""No value of the data leaves the place its author gave it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from famulus_static_html.page import compile_page

# Every kind of place, each with one ${v}.
PLACES = [
    "<p>${v}</p>",
    "<p>AT&${v};</p>",
    "<pre>${v}</pre>",
    "<textarea>${v}</textarea>",
    "<textarea></${v}></textarea>",
    '<p title="${v}">x</p>',
    "<p title='a ${v} b'>x</p>",
    '<p title="a&${v};">x</p>',
    '<p style="color: ${v}">x</p>',
    "<p style='content: \"${v}\"'>x</p>",
    "<a href='${v}'>x</a>",
    '<a href="/a/${v}?b=c">x</a>',
    '<a href="?q=${v}#x">x</a>',
    "<img srcset='${v} 2x'>",
    "<style>p { color: ${v}; content: '${v}' }</style>",
    "<script>let v = ${v};</script>",
    "<script>let v = '${v}', w = \"${v}\", x = `${v}`;</script>",
    "<script>let v = '<${v}/script>' + '</${v}>' + '<!--${v}';</script>",
    "<script>let v = /${v}/, w = 4 / 2; // don't ${v}\n</script>",
    '<script type="application/json">{"v": ${v}, "w": "${v} </${v}>"}</script>',
    "<svg><title>${v}</title><style>a{b:${v}}</style><script>let v = '${v}';</script></svg>",
    "<table><tr><td data-v='${v}'>${v}</td></tr></table>",
]
NASTY = [
    "</script><script>pwned()</script>",
    "'\"`${1}\\",
    "--><!-- <script>",
    "]]></textarea></title></style>",
    "java\tscript:alert(1)",
    "\n\r\u2028\u2029\0\ud800",
    "script",
    "lt",
    "",
    "é 漢 \U0001f600",
]


class Structure(HTMLParser):
    """The tags of a page and the names of their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Any] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(tag)

    def handle_comment(self, data: str) -> None:
        self.found.append("comment")


def _whole(html: str, value: Any) -> str:
    compiled = compile_page(html)
    assert not compiled.problems
    page = compiled.render({"v": value})
    return page.head + page.body + page.scripts


@pytest.mark.parametrize("html", PLACES)
@given(value=st.text(st.characters()) | st.sampled_from(NASTY))
@example(value="</script><script>pwned()</script>")
@example(value="script")
@example(value="")
@settings(max_examples=40)
def test_a_value_never_changes_the_structure(html: str, value: str) -> None:
    expected = Structure(_whole(html, "x")).found

    found = Structure(_whole(html, value)).found

    assert found == expected


@given(value=st.text(st.characters()) | st.sampled_from(NASTY))
@settings(max_examples=60)
def test_nothing_in_a_script_string_can_end_it(value: str) -> None:
    page = compile_page("<script>let v = '${v}';</script>").render({"v": value})

    inside = page.body.partition("let v = '")[2].removesuffix("';</script>")

    assert re.fullmatch(r"(?:[A-Za-z0-9]|\\u[0-9a-f]{4}|[^\x00-\x7f\u2028\u2029])*", inside)


@pytest.mark.parametrize(
    ("value", "written"),
    [("a b", '"a\\u0020b"'), (1.5, "1.5"), (-2, " -2"), (True, "true"), (None, "null")],
)
def test_code_gets_a_literal_of_the_value(value: Any, written: str) -> None:
    page = compile_page("<script>let v =${v};</script>").render({"v": value})

    assert f"let v ={written};" in page.body


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("7", "7"),
        ("-1.50", " -1.5"),
        (' [1, "a<"] ', '[1,"a\\u003c"]'),
        ('{"a": null}', '{"a":null}'),
        ("true", "true"),
        ("007", '"007"'),
        ("7 cats", '"7\\u0020cats"'),
        ("nullify", '"nullify"'),
        ("[NaN]", '"\\u005bNaN\\u005d"'),
        ("1e999", '"1e999"'),
        ("[" * 100_000, '"' + "\\u005b" * 100_000 + '"'),
    ],
)
def test_code_gets_text_that_is_json_as_its_value(text: str, written: str) -> None:
    page = compile_page("<script>let v =${v};</script>").render({"v": text})

    assert f"let v ={written};" in page.body


def test_a_value_that_is_meant_as_text_is_a_string_in_code() -> None:
    page = compile_page("<script>f(${v|text}, '${v}')</script><p onclick='f(${v|text})'>x</p>")

    body = page.render({"v": "7"}).body

    assert "f(\"7\", '7')" in body
    assert "onclick='f(&quot;7&quot;)'" in body


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("<p onclick=\"f('${v}')\">", "<p onclick=\"f('it\\u0027s')\">"),
        ("<p onclick='f(&quot;${v}&quot;)'>", "<p onclick='f(&quot;it\\u0027s&quot;)'>"),
        ("<p onclick='f(${v}, ${n})'>", "<p onclick='f(&quot;it\\u0027s&quot;, 7)'>"),
        ("<p onclick=f(${n})>", '<p onclick="f(7)">'),
        ("<p @click='f(${n})' :class='{a: ${n}}'>", "<p @click='f(7)' :class='{a: 7}'>"),
        ("<a href=\"javascript:f('${v}')\">", "<a href=\"javascript:f('it\\u0027s')\">"),
        ("<p onclick='f(`${own}`)'>", "<p onclick='f(`${own}`)'>"),
        ("<p onclick='f(`\\${v}`)'>", "<p onclick='f(`\\${v}`)'>"),
        ("<p title=${v} class=a-${n}>", '<p title="it&#x27;s" class="a-7">'),
        ('<p title=a"b${n}>', '<p title="a&quot;b7">'),
        ("<p title=${v|raw}>", "<p title=it's>"),
    ],
)
def test_values_in_handlers_and_without_quotes(html: str, written: str) -> None:
    compiled = compile_page(html)

    assert compiled.problems == ()
    assert compiled.forbidden == ()
    assert compiled.render({"v": "it's", "n": "7"}).body == written


def test_lists_and_objects_are_literals_in_code_and_json_in_strings() -> None:
    page = compile_page("<script>f(${v}, '${v}')</script><p>${v}</p>").render({"v": {"a": [1]}})

    assert "{\"a\":[1]}, '\\u007b\\u0022a\\u0022\\u003a\\u0020\\u005b1\\u005d\\u007d'" in page.body
    assert "{&quot;a&quot;: [1]}" in page.body


@pytest.mark.parametrize(
    ("html", "value", "written"),
    [
        ('<a href="${v}">', "https://x/a b", 'href="https://x/a%20b"'),
        ('<a href="${v}">', "a%20b?c=d&e=f", 'href="a%20b?c=d&amp;e=f"'),
        ('<a href="${v}">', "JAVA\nSCRIPT:x", 'href="about:invalid"'),
        ('<a href="${v}">', " \x01javascript:x", 'href="about:invalid"'),
        ('<a href="${v}">', "data:image/png,x", 'href="about:invalid"'),
        ('<a href="java${v}">', "script:x", 'href="about:invalid"'),
        ('<a href="${v}script:x">', "java", 'href="about:invalid"'),
        ('<a href="${v}">', "java&#115;cript:x", 'href="java&amp;#115;cript:x"'),
        ('<img src="${v}">', "data:image/png;base64,A+/=", 'src="data:image/png;base64,A+/="'),
        ('<img src="${v}">', "data:text/html,x", 'src="about:invalid"'),
        ('<iframe src="${v}"></iframe>', "data:image/svg+xml,x", 'src="about:invalid"'),
        ('<a href="${v}">', "s3://bucket/a b", 'href="s3://bucket/a%20b"'),
        ('<a href="${v}">', "ftp://x/a", 'href="ftp://x/a"'),
        ('<img src="${v}">', "blob:https://x/1", 'src="blob:https://x/1"'),
        ('<img src="${v}">', "data:image;base64,A+/=", 'src="data:image;base64,A+/="'),
        ('<a href="${v}">', "localhost:8000/a", 'href="localhost:8000/a"'),
        ('<iframe src="${v}"></iframe>', "ms-word:x", 'src="about:invalid"'),
        ('<iframe src="${v}"></iframe>', "about:blank", 'src="about:blank"'),
        ('<object data="${v}"></object>', "blob:https://x/1", 'data="about:invalid"'),
        ('<img src="img/${v}.png">', "a b#c", 'src="img/a%20b#c.png"'),
        ('<a href="/q?a=${v}">', "1&b=2#c", 'href="/q?a=1&amp;b=2#c"'),
        ('<a href="/q?${v}">', "a=1&b=a%20b+c", 'href="/q?a=1&amp;b=a%20b+c"'),
        ('<a href="/q?a=${v}">', ' 50% "é"\n', 'href="/q?a=%2050%25%20%22é%22%0A"'),
        ('<a href="/q?a=${v|text}">', "1&b=2#c", 'href="/q?a=1%26b%3D2%23c"'),
        ('<a href="/q#${v}">', "a/b?c", 'href="/q#a/b?c"'),
        ('<p hx-get="/q?a=${v}">', "1&b=2", 'hx-get="/q?a=1%26b%3D2"'),
        ('<script src="a/b.js?a=${v}"></script>', "1&b=2", 'src="a/b.js?a=1%26b%3D2"'),
        ('<a href="tel:${v}">', "+49", 'href="tel:+49"'),
        ('<img srcset="${v}">', "a.png 1x, b.png 2x", 'srcset="a.png 1x, b.png 2x"'),
        ('<img srcset="${v}">', "a.png, javascript:x", 'srcset="about:invalid"'),
    ],
)
def test_a_url_shows_something_or_is_invalid(html: str, value: str, written: str) -> None:
    page = compile_page(html).render({"v": value})

    assert written in page.body


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("/q?w=${provider_worker_id}", "/q?w=a%26b%2F..%2F%3F"),
        ("/q/${provider_worker_id}", "/q/a%26b%2F..%2F%3F"),
        ("${provider_worker_id}", "a%26b%2F..%2F%3F"),
    ],
)
def test_a_workers_name_is_one_part_of_an_address(html: str, written: str) -> None:
    for trusted in (False, True):
        page = compile_page(f'<a href="{html}">x</a>', trusted=trusted)

        assert f'href="{written}"' in page.render({"provider_worker_id": "a&b/../?"}).body


@pytest.mark.parametrize("value", ["12.5", "-3px", "50%", "#ff0000", "red"])
def test_numbers_and_colours_keep_their_meaning_in_css(value: str) -> None:
    page = compile_page('<p style="a: ${v}">').render({"v": value})

    assert f'style="a: {value}"' in page.body


def test_other_characters_are_escaped_in_css() -> None:
    page = compile_page('<p style="a: ${v}">').render({"v": "red;}<é"})

    assert 'style="a: red\\3b \\7d \\3c \\e9 "' in page.body


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("<p class=${v}${v|raw}>", "without quotes"),
        ("<p a${v}>", "name of a tag"),
        ("<p ${v}='x'>", "name of a tag"),
        ("<${v}>", "name of a tag"),
        ("<h${v}>", "name of a tag"),
        ("</${v}>", "name of a tag"),
        ("<meta http-equiv='refresh' content='${v}'>", "content of <meta>"),
        ("<meta http-equiv='${v}' content='1'>", "http-equiv"),
        ("<iframe>${v}</iframe>", "<iframe>"),
        ("<xmp>${v}</xmp>", "<xmp>"),
        ("<noembed>${v}</noembed>", "<noembed>"),
        ("<a href=' java&#x73;cript:${v}'>", "javascript: URL"),
        ("<a href='data:text/html,${v}'>", "data: URL"),
        ("<script src='${v}'></script>", "decides which server's script is run"),
        ("<script src='/${v}'></script>", "decides which server's script is run"),
        ("<script type='${v}'></script>", "type of <script>"),
        ("<svg><animate attributeName='href' to='${v}'/></svg>", "to of <animate>"),
        ("<svg><title><b class=${v}></title></svg>", "markup in it"),
        ("<style>a { b: '</${v}' }</style>", "right behind a <"),
    ],
)
def test_a_place_without_a_safe_escape_is_refused_with_its_line(html: str, reason: str) -> None:
    problems = compile_page(f"<p>\n</p>\n{html}").problems

    assert [problem.line for problem in problems] == [3]
    assert reason in problems[0].message
    assert "${v|raw}" in problems[0].message


@pytest.mark.parametrize(
    "html",
    [
        "<p class=${v|raw}>",
        "<input ${v|raw}>",
        "<iframe srcdoc='${v|raw}'></iframe>",
        "<p onclick='${v | raw}'>",
        "<xmp>${v|raw}</xmp>",
        "<a href='${v|raw}'>",
        "<script>${v|raw}</script>",
        "<style>${v|raw}</style>",
        "<p>${v|raw}</p>",
    ],
)
def test_raw_is_put_anywhere_as_it_is(html: str) -> None:
    compiled = compile_page(html)

    page = compiled.render({"v": "a & 'b' <c>"})

    assert not compiled.problems
    assert "a & 'b' <c>" in page.body + page.head + page.scripts


def test_a_value_is_never_interpolated_again() -> None:
    page = compile_page("<p>${a} ${b}</p>").render({"a": "${b}", "b": "x"})

    assert page.body == "<p>${b} x</p>"


def test_a_name_may_hold_spaces_and_signs() -> None:
    page = compile_page("<p title=\"${ a 'b' }\">${Q&amp;A}${x<y}</p>").render(
        {"a 'b'": "1", "Q&A": "2", "x<y": "3"}
    )

    assert page.body == '<p title="1">23</p>'


def test_an_unknown_name_in_code_stays() -> None:
    html = "<style>a{b:${x}}</style><script>f(`<${x}>`, '\\${v}')</script><p onclick='f(`${x}`)'>"

    page = compile_page(html).render({"v": "1"})

    assert "a{b:${x}}" in page.head
    assert "f(`<${x}>`, '\\${v}')" in page.body
    assert "f(`${x}`)" in page.body


def test_comments_are_left_alone() -> None:
    compiled = compile_page("<!-- ${v} <form> --><p>${v}</p>")

    assert compiled.render({"v": "1"}).body == "<!-- ${v} <form> --><p>1</p>"
    assert not compiled.problems


@pytest.mark.parametrize(
    ("script", "inside"),
    [
        ("a = b / '${v}' / c", True),
        ("a = /'/; b = ${v}", False),
        ("a = `x${ f({b: `${v}`}) }`", True),
        ("a = `x${ f({b: 1}) + ${v} }`", False),
        ("// don't\n${v}", False),
        ("/* ' */ ${v}", False),
        ("return /[/']${v}/", True),
        ("a = 'it\\'s ${v}'", True),
        ("a = (1) / 2; b = '/${v}'", True),
    ],
)
def test_strings_are_distinguished_from_code(script: str, inside: bool) -> None:
    page = compile_page(f"<script>{script}</script>").render({"v": "a b"})

    assert ('"a\\u0020b"' not in page.body) is inside


def test_an_empty_value_does_not_turn_a_regular_expression_into_a_comment() -> None:
    page = compile_page("<script>a = /${v}/.test('')</script>").render({"v": ""})

    assert "a = /(?:)/.test" in page.body


def test_a_page_without_data_has_empty_places() -> None:
    page = compile_page("<p title='${v}'>${v}</p><a href='${v}'>").render({})

    assert page.body == "<p title=''></p><a href=''>"
