"""A value of the data is never code, and never decides whose code, style or address is used.

Every context is met with every hostile value: the page is refused, or the value changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest

from famulus_static_html import escapes
from famulus_static_html.columns import page_problems
from famulus_static_html.delimiters import own_delimiters
from famulus_static_html.markup import MarkupWatch
from famulus_static_html.page import compile_page
from famulus_static_html.script_files import MOST_BYTES
from famulus_static_html.source import Source
from famulus_static_html.tokens import Kind, tokenise

#: Where a value decides which code runs, where the answers go, or what an element does.
REFUSED = [
    "<script type=module>import '${v}'</script>",
    '<script type="module">import a from "./${v}.js"</script>',
    "<script type=module>import {a, b as c} from\n'https://cdn/${v}'</script>",
    "<script type=module>import * as a from /* x */ '${v}'</script>",
    "<script type=module>import ${v}</script>",
    "<script type=module>export * from '${v}'</script>",
    '<script type=module>export {a} from "/${v}"</script>',
    "<script type=module>await import('${v}')</script>",
    "<script>import(`./lang/${v}.js`).then(f)</script>",
    "<script>import(base + f('${v}'))</script>",
    "<script>import(${v})</script>",
    "<script>new Worker('${v}')</script>",
    "<script>new SharedWorker(${v})</script>",
    "<script>importScripts('a.js', '${v}')</script>",
    "<script>CSS.paintWorklet.addModule('${v}')</script>",
    "<script>require(['${v}'], f)</script>",
    "<script>$.getScript('${v}')</script>",
    "<script>eval('${v}')</script>",
    "<script>new Function('return ${v}')</script>",
    "<script>setTimeout('show(\"${v}\")', 9)</script>",
    "<script>setInterval(`show('${v}')`)</script>",
    "<script type='text/babel'>import a from '${v}'</script>",
    '<script type="importmap">{"imports": {"a": "${v}"}}</script>',
    '<script type=importmap>{"imports": {"${v}": "/a.js"}}</script>',
    '<script type=importmap>${v}</script>',
    '<script type="speculationrules">{"prerender": [{"urls": ["${v}"]}]}</script>',
    "<script src='${v}'></script>",
    "<script src='${v}.js'></script>",
    "<script src='/${v}'></script>",
    "<script src='//${v}/x.js'></script>",
    "<script src='https://cdn/${v}.js'></script>",
    "<script src='https://cdn/npm/${v}/x.js'></script>",
    "<script src='a.js' type='${v}'></script>",
    "<svg><script href='${v}'/></svg>",
    "<svg><script xlink:href='${v}'></script></svg>",
    "<link rel=stylesheet href='${v}'>",
    "<link rel='alternate stylesheet' href='${v}'>",
    "<link rel=stylesheet href='//cdn/${v}.css'>",
    "<link rel=preload as=script href='${v}'>",
    "<link rel=modulepreload href='${v}'>",
    "<link rel=manifest href='${v}'>",
    "<link rel='${v}' href='a.css'>",
    "<style>@import '${v}';</style>",
    "<style>@import url(${v});</style>",
    "<style>/* x */ @IMPORT url('https://x/?a;b') layer(${v});</style>",
    '<style>@import/* ; */"a/${v}.css" screen;</style>',
    "<input formaction='${v}' type=submit>",
    "<button formaction='/x/${v}'>x</button>",
    "<button formmethod='${v}'>x</button>",
    "<button formtarget='${v}'>x</button>",
    "<input name=a form='${v}'>",
    "<base href='${v}'>",
    "<iframe src='/x' sandbox='${v}'></iframe>",
    "<iframe src='/x' allow='${v}'></iframe>",
    "<iframe>${v}</iframe>",
    "<meta http-equiv=refresh content='0; url=${v}'>",
    "<meta http-equiv='${v}' content='0'>",
    "<meta name='${v}' content='no-referrer'>",
    "<meta name=referrer content='${v}'>",
    "<template shadowrootmode='${v}'></template>",
    "<svg><set attributeName=href to='${v}'/></svg>",
    "<svg><animate attributeName='${v}' to='x'/></svg>",
    "<a href='data:text/html,${v}'>x</a>",
    "<a href='javascript:${v}'>x</a>",
    "<p onclick='${v}'>x</p>",
    "<p onclick='f(); ${v}'>x</p>",
    "<p onclick=\"eval('${v}')\">x</p>",
    "<p onclick='setTimeout(\"${v}\", 9)'>x</p>",
    "<p onclick='f(&#36;{v}, ${v})'>x</p>",
    "<p title=${v}${v|raw}>x</p>",
    "<div :onclick=\"'f(${v})'\">x</div>",
    "<div :formaction=\"'${v}'\">x</div>",
    "<div _='on click put \"${v}\" into me'>x</div>",
    "<div @click='${v}'>x</div>",
    "<div :a=\"eval('${v}')\">x</div>",
    "<html ${v}><p>x</p>",
    "<p ${v}='x'>x</p>",
    "<p ${v} ='x'>x</p>",
    "<p a${v}>x</p>",
    "<p ${v}b>x</p>",
    "<${v}>x",
    "<xmp>${v}</xmp>",
    "<style>a::before { content: '</${v}' }</style>",
]  # fmt: skip

#: What frameworks read: a value is a value of their code.
FRAMEWORKS = [
    "<div v-html=\"'${v}'\" x-html='\"<i>${v}</i>\"' :innerHTML='${v}'>x</div>",
    "<div :href=\"'${v}'\" v-bind:src='${v}' :style=\"{color: '${v}'}\" :class='${v}'>x</div>",
    "<div x-text='${v}' v-if='${v} > 1' v-model='a.${v}' x-ref='${v}' v-for='i in ${v}'>x</div>",
    "<div @click=\"f('${v}')\" x-on:click='f(\"${v}\", ${v})' hx-on:click='f(`${v}`)'>x</div>",
    "<div hx-get='/a/${v}' hx-post='${v}' hx-target='#${v}' hx-trigger='every ${v}'>x</div>",
    "<div hx-vals='{\"a\": \"${v}\"}' hx-vals='${v}' hx-confirm='${v}'>x</div>",
    "<div ng-bind-html=\"'${v}'\" ng-href='${v}' ng-click='f(\"${v}\")' ng-if='${v}'>x</div>",
]

#: Where a value only is a value.
KEPT = [
    "<p>${v}</p>",
    "<pre>${v}</pre>",
    "<p>&${v};</p>",
    "<textarea name=a>${v}</textarea>",
    "<title>${v}</title>",
    "<p title='${v}'>x</p>",
    "<input name='q_${v}' value=\"${v}\">",
    "<p id='${v}' class='a ${v}' data-a='${v}'>x</p>",
    "<p style='color: ${v}; background: url(\"${v}\")'>x</p>",
    "<style>p { color: ${v}; content: '${v}' } /* @import '${v}' */</style>",
    "<style>@import 'own.css'; p { color: ${v} }</style>",
    '<style>p { content: "@import \'${v}" }</style>',
    "<a href='${v}'>x</a>",
    "<a href='/a/${v}?b=${v}'>x</a>",
    "<img src='${v}' srcset='${v} 2x'>",
    "<video src='${v}' poster='${v}'></video>",
    "<iframe src='${v}'></iframe>",
    "<embed src='${v}'>",
    "<object data='${v}'><param name=movie value='${v}'></object>",
    "<svg><use href='${v}'/><image xlink:href='${v}'/><a href='${v}'/></svg>",
    "<svg><title>${v}</title><text>${v}</text></svg>",
    "<svg><animate attributeName=x to='${v}'/></svg>",
    "<link rel=icon href='${v}'>",
    "<link rel=preload as=image href='${v}'>",
    "<meta name=author content='${v}'>",
    "<script>let v = ${v}, w = '${v}', x = \"${v}\", y = `${v}`, z = /${v}/;</script>",
    "<script>let from = '${v}'; show(Array.from('${v}'));</script>",
    "<script>setTimeout(() => show('${v}'), 9); setTimeout(function () { f('${v}') })</script>",
    "<script>setTimeout(f, 9, '${v}')</script>",
    "<script>// import '${v}'\nf('a' + ${v})</script>",
    '<script type=\'application/json\'>{"v": ${v}, "w": "${v}"}</script>',
    "<script type='text/x-handlebars'><p>A message from \"${v}\" (import('${v}'))</p></script>",
    "<script type=text/template><input name=a value=\"${v}\" title='</scr${v}>'>${v}</script>",
    "<script type=text/html><a href='${v}' onclick='f(\"</scr${v}>\")'>${v}</a></script>",
    "<script type='text/x-tmpl'><% f(\"${v}\") %>{{g '${v}' ${v}}}<textarea>${v}</script>",
    "<script type=text/plain>${v}${v}</script>",
    "<script src='lang/${v}.js'></script>",
    "<script src='/lang/${v}/a.js'></script>",
    "<script src='https://cdn/a.js?key=${v}'></script>",
    "<link rel=stylesheet href='../themes/${v}.css'>",
    "<template><p title='${v}'>${v}</p></template>",
    "<noscript><p>${v}</p></noscript>",
    "<p onclick='f(\"${v}\")' ondblclick=\"f('${v}', `${v}`)\" oninput='f(${v})'>x</p>",
    "<p onclick='f(&quot;${v}&quot;, &#39;${v}&#39;, ${v})'>x</p>",
    "<p onclick=f('${v}')>x</p>",
    "<script>location = '${v}'; frame.src = \"${v}\"; window.open(`${v}`)</script>",
    "<script>location.href = ${v}; location.assign(${v}); open('${v}', 'x')</script>",
    "<p onclick='location=\"${v}\"' oninput=\"window.open('${v}')\">x</p>",
    "<p ${v}>x</p>",
    "<input name=a ${v} value=x ${v}/>",
    "<p title=${v} class=a-${v} data-a=${v}>x</p>",
    "<a href=/a/${v} rel=x>x</a>",
    "<a href='javascript:f(\"${v}\", ${v})'>x</a>",
    "<a href=javascript:f(${v})>x</a>",
    "<body onload='f(${v})'><form onsubmit='return f(\"${v}\")'>x</form>",
    "<form name=${v}><p>x</p></form>",
    "<div @click='f(${v})' x-data='{a: \"${v}\"}' ng-init='a = \"${v}\"'>x</div>",
    "<div data-bind='text: \"${v}\"'>x</div>",
    *FRAMEWORKS,
    *(f"<template>{html}</template>" for html in FRAMEWORKS),
    *(f"<script type=text/x-template>{html}</script>" for html in FRAMEWORKS),
    "<iframe srcdoc='<p>${v}</p>'></iframe>",
    "<script type=text/html><${v} title=x>y</${v}><h${v}>y</h${v}></script>",
    "<script type=text/html><p data-${v}='1' ${v}=x></script>",
    "<script type=text/html>{{f '</scr${v}'}}<%= '</scr${v}' %>{{f ${v}}}</script>",
    "<body class='${v}' style='color: ${v}'><form id='${v}' action='${v}'>x</form>",
]

VALUES = [
    "</script><script>window.PWN = 1</script>",
    "\"><img src=x onerror='window.PWN = 1'>",
    "' onmouseover='PWN=1' autofocus onfocus='PWN=1' \" onfocus=\"PWN=1\" `",
    "';window.PWN=1;'\";window.PWN=1;\"`;window.PWN=1;`${window.PWN=1}",
    "\\'; window.PWN = 1; //",
    "\\",
    "*/ window.PWN = 1 /*",
    "-->]]></style></title></textarea></pre></svg><script>window.PWN=1</script>",
    "<!-- <script>",
    "javascript:window.PWN=1",
    " \x01JAVA\tscript\n:window.PWN=1",
    "data:text/html,<script>parent.PWN=1</script>",
    "data:text/javascript,window.PWN=1",
    "data:text/css,body{--pwn:1}",
    "//evil.test/x.js",
    "https://evil.test/x.js#",
    "/\\evil.test/x",
    "..",
    "../../evil",
    "%2e%2e/%2E%2E/evil",
    "?/../x",
    "red;} @import '//evil.test/x.css'; a { color: '",
    "\n first line\r\nsecond\u2028third",
    "allow-scripts allow-same-origin",
    "stylesheet",
    "text/javascript",
    "",
]

_BASE = "https://famulus.test/run/7/"
_CODE = (
    f"{_BASE}lang/",
    "https://famulus.test/lang/",
    "https://famulus.test/run/themes/",
    "https://cdn/a.js?key=",
    "about:invalid",
)


class _Structure(HTMLParser):
    """The structure of a page: its tags, the names of their attributes, the folder of what it
    loads to run, and how its links begin.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[object] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))
        is_code = tag == "script" or ("rel", "stylesheet") in attrs
        for name, value in attrs:
            if f"{value}".startswith("javascript:f("):
                continue
            if name in ("src", "href", "data", "xlink:href", "poster"):
                self._address(f"{value}", is_code)

    def handle_endtag(self, tag: str) -> None:
        self.found.append(tag)

    def handle_comment(self, data: str) -> None:
        self.found.append("comment")

    def _address(self, written: str, is_code: bool) -> None:
        address = urljoin(_BASE, re.sub("%2e", ".", written, flags=re.IGNORECASE))
        assert not re.match(r"(?:javascript|vbscript):|data:(?!image/)", address)
        if is_code:
            assert address.startswith(_CODE), f"{address} is loaded as code"


def _rendered(html: str, value: str) -> str:
    page = compile_page(html).render({"v": value})
    return page.head + page.body + page.scripts


@pytest.mark.parametrize("html", REFUSED)
def test_values_that_decide_code_or_addresses_are_refused_with_line_and_remedy(html: str) -> None:
    file = Path("task.html")

    problems = page_problems(compile_page(f"<p>\n</p>\n{html}", file), file, ["v"])

    assert problems
    assert {(problem.file, problem.warning) for problem in problems} == {(file, False)}
    assert all((problem.line or 0) >= 3 for problem in problems)
    assert all("${v|raw}" in problem.message for problem in problems)


@pytest.mark.parametrize("html", REFUSED)
def test_trusted_values_are_not_refused(html: str) -> None:
    for page in (compile_page(html.replace("${v}", "${v|raw}")), compile_page(html, trusted=True)):
        assert page_problems(page, Path("task.html"), ["v"]) == []


#: A value in the name of an element or an attribute is judged with its row.
REFUSED_IN_TEMPLATES = [
    html for html in REFUSED if not re.search(r"<\w*\$|<html|<\w+ [a-z]?\$\{v\}", html)
] + [
    "<form action='${v}'></form>",
    "<p onclick=\"f('{{x '${v}'}}')\">x</p>",
    "<script>f(${v})",
]


@pytest.mark.parametrize("html", REFUSED_IN_TEMPLATES)
def test_what_is_refused_in_templates_names_its_line_and_remedy(html: str) -> None:
    inside = html.replace("</script", "<\\/script")
    template = f"\n<script type=text/html>\n{inside}</script>"
    file = Path("task.html")

    problems = page_problems(compile_page(template, file), file, ["v"])

    assert problems
    assert {(problem.file, problem.warning) for problem in problems} == {(file, False)}
    assert all((problem.line or 0) >= 3 for problem in problems)
    assert all("${v|raw}" in problem.message for problem in problems)
    for page in (
        compile_page(template.replace("${v}", "${v|raw}")),
        compile_page(template, trusted=True),
    ):
        assert page_problems(page, file, ["v"]) == []
        assert "${v" not in page.render({"v": "x"}).body


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("html", KEPT)
def test_a_value_changes_nothing_but_itself(html: str, value: str) -> None:
    file = Path("task.html")
    assert all(one.warning for one in page_problems(compile_page(html, file), file, ["v"]))

    expected, written = _rendered(html, "x"), _rendered(html, value)

    assert _Structure(written).found == _Structure(expected).found
    assert _tokens(written) == _tokens(expected)


@pytest.mark.parametrize(
    "value", ["javascript:go()", " \x01JAVA\tscript\n:go()", "data:text/html,x", "vbscript:x"]
)
@pytest.mark.parametrize(
    "code",
    [
        "location = '${v}'",
        "window.location.href=${v}",
        "self . location . replace( `${v}`)",
        'open("${v}", "x")',
        "frame.src = '${v}'",
    ],
)
def test_no_value_is_run_as_an_address(code: str, value: str) -> None:
    for html in (f"<script>{code}</script>", f"<p onclick='{escape(code)}'>x</p>"):
        written = unescape(_rendered(html, value))

        assert written.count("about\\u003ainvalid") == 1
        assert "https\\u003a\\u002f\\u002fx\\u002eorg" in unescape(_rendered(html, "https://x.org"))


@pytest.mark.parametrize("html", [each for each in REFUSED if re.search("<(script|style)", each)])
def test_unknown_placeholders_in_code_are_the_authors_own(html: str) -> None:
    compiled = compile_page(html)

    if not compiled.problems:
        page = compiled.render({"w": "x"})
        assert "${v}" in page.head + page.body + page.scripts


@pytest.mark.parametrize("kind", ["text/template", "x-handlebars", "text/html", "x-jsrender"])
def test_templates_in_scripts_get_values_as_markup(kind: str) -> None:
    content = "<input value=\"${v}\" title=${v}><p>${v}, ${own}</p><a href='/${own}?${v}'></a>"
    value = 'What\'s "it", <Doc>?'

    page = compile_page(f"<script type={kind}>{content}</script>").render({"v": value})

    inside = page.body.removeprefix(f"<script type={kind}>").removesuffix("</script>")
    quoted, text = escape(value), escape(value, quote=False)
    assert inside == (
        f'<input value="{quoted}" title="{quoted}"><p>{text}, ${{own}}</p>'
        "<a href='/${own}?What&#x27;s%20%22it%22,%20%3CDoc%3E?'></a>"
    )


@pytest.mark.parametrize("value", ["{{f()}}", "${f()}", "{%f%}", "<%f()%>", "{", "{{"])
def test_no_value_is_an_expression_of_a_template(value: str) -> None:
    html = "<script type=text/x-tmpl><p title='${v}'>{${v} ${v}${v}<img src='${v}' srcset='${v}'>"
    html += "</p></script>"

    inside = _rendered(html, value).partition("<p")[2].replace("{&#123;", "").replace("%7B", "")

    assert not re.search(r"[{$#%]\{|\{[{%]|<%", inside)


@pytest.mark.parametrize("value", ["don't know, 50%", '{"a": [1, 2]}', "a < b <i> & AT&amp;T"])
def test_text_in_scripts_is_the_value(value: str) -> None:
    assert f">{value}</script>" in _rendered("<script type=text/plain>${v}</script>", value)


@pytest.mark.parametrize("html", ["<p title='</scr${v}>'>", "<p onclick='f(\"</scr${v}>\")'>"])
def test_no_value_ends_the_script_of_a_template(html: str) -> None:
    written = _rendered(f"<script type=text/template>{html}</p></script>", "ipt")

    assert written.count("</script") == 1


@pytest.mark.parametrize(
    "html",
    ["<script src='${v}'><\\/script>", "<script>import '${v}'<\\/script>", "<script>f(${v})"],
)
def test_scripts_in_templates_are_checked_as_scripts(html: str) -> None:
    page = compile_page(f"<script type=text/template>{html}</p></script>")

    (problem,) = page_problems(page, Path("task.html"), ["v"])

    assert not problem.warning


def test_values_behind_a_script_in_a_template_are_markup() -> None:
    html = "<script type=text/html><script>f('${v}', ${v})<\\/script><p>${v}</script>"

    written = _rendered(html, "it's")

    assert "f('it\\u0027s', \"it\\u0027s\")<\\/script><p>it's</script>" in written


def test_expressions_in_addresses_of_templates_stay() -> None:
    html = "<img src=\"<%= f('x') %>/${v}\"><a href='{{f \"x\"}}?a=${v}'>a</a>"

    written = _rendered(f"<script type=text/template>{html}</script>", "a/b c.png")

    assert "src=\"<%= f('x') %>/a/b%20c.png\"" in written
    assert "href='{{f \"x\"}}?a=a/b%20c.png'" in written


def test_raw_values_in_templates_are_markup() -> None:
    html = "<script type=text/template><${v|raw}>${v|raw}</script>"

    assert "<b>b</script>" in _rendered(html, "b")


def _tokens(html: str) -> list[tuple[Kind, str]]:
    return [
        (token.kind, token.name) for token in tokenise(Source(html)) if token.kind is not Kind.TEXT
    ]


VALUE = 'it\'s <b>"A&B"</b>'
_IN_JS = escapes.js_inside(VALUE)
_SHOWN_IN_JS = escapes.js_inside(escape(VALUE))


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("<p :a=\"'${v}'\">", f"<p :a=\"'{_IN_JS}'\">"),
        ("<p :a='${v}' :b='${n}'>", f"<p :a='&quot;{_IN_JS}&quot;' :b='7'>"),
        ("<p @a=\"f('${v}', ${n})\">", f"<p @a=\"f('{_IN_JS}', 7)\">"),
        ("<p v-html=\"'<i>${v}</i>'\">", f"<p v-html=\"'<i>{_SHOWN_IN_JS}</i>'\">"),
        ("<p x-html='${v|text}'>", f"<p x-html='&quot;{_SHOWN_IN_JS}&quot;'>"),
        ("<p v-html='${v|raw}'>", f"<p v-html='{VALUE}'>"),
        ("<a :href=\"'${js}'\">", "<a :href=\"'about\\u003ainvalid'\">"),
        ("<p v-model='a.${word}' x-show='q_${word}'>", "<p v-model='a.q1' x-show='q_q1'>"),
        ("<p hx-get='${url}'>", "<p hx-get='about:invalid'>"),
        ("<p hx-get='/a/${word}?b=${url}'>", "<p hx-get='/a/q1?b=https%3A%2F%2Fx.org%2Fa'>"),
        ('<p hx-vals=\'{"a": "${v}"}\'>', f'<p hx-vals=\'{{"a": "{_IN_JS}"}}\'>'),
        ("<p hx-trigger='${word}, every ${n}s'>", "<p hx-trigger='q1, every 7s'>"),
        ("<p hx-target='#${word}'>", "<p hx-target='#q1'>"),
        ("<iframe srcdoc='${v}'></iframe>", f"<iframe srcdoc='{escape(escape(VALUE))}'></iframe>"),
    ],
)
@pytest.mark.parametrize(
    ("start", "end"),
    [("<template>", "</template>"), ("<script type=text/x-template>", "</script>")],
)
def test_values_in_what_frameworks_read(html: str, written: str, start: str, end: str) -> None:
    values = {"v": VALUE, "n": "7", "word": "q1", "url": "https://x.org/a", "js": "javascript:f()"}
    compiled = compile_page(start + html + end)

    assert compiled.problems + compiled.forbidden == ()
    assert compiled.render(values).body == start + written + end


@pytest.mark.parametrize(
    ("kind", "html", "written"),
    [
        ("x-template", "{{ f('${v}', ${n}) }}", f"{{{{ f('{_IN_JS}', 7) }}}}"),
        ("x-template", "{{ a ? '${v}' : b }}", f"{{{{ a ? '{_IN_JS}' : b }}}}"),
        ("x-underscore", "<% if (a < '${v}') { %>", f"<% if (a < '{_IN_JS}') {{ %>"),
        (
            "x-handlebars",
            "{{f '${v}' a='${v}'}}",
            "{{f 'it\\'s <b>\"A&B\"</b>' a='it\\'s <b>\"A&B\"</b>'}}",
        ),
        ("x-handlebars", '{{f "${v}"}}', '{{f "it\'s <b>\\"A&B\\"</b>"}}'),
        ("x-handlebars", "{{f ${word} ${n} ${v}}}", '{{f q1 7 "it\'s <b>\\"A&B\\"</b>"}}'),
        (
            "x-handlebars",
            '<a href="{{f "x"}}?a=${word}" title="{{f "x"}} ${n}">',
            '<a href="{{f "x"}}?a=q1" title="{{f "x"}} 7">',
        ),
        (
            "x-handlebars",
            "<a href=\"{{f '${v}'}}?a=${v}\">",
            '<a href="{{f \'it\\\'s <b>"A&B"</b>\'}}?a=it&#x27;s%20%3Cb%3E%22A&amp;B%22%3C/b%3E">',
        ),
        ("x-mustache", "{{f '${v}'}}", f"{{{{f '{escape(VALUE)}'}}}}"),
        ("x-template", "{{ f(${object}) }}", '{{ f({"a":{"b":1} }) }}'),
    ],
)
def test_values_in_expressions_are_values_of_their_language(
    kind: str, html: str, written: str
) -> None:
    page = compile_page(f"<script type=text/{kind}>{html}</script>")

    body = page.render({"v": VALUE, "n": "7", "word": "q1", "object": '{"a": {"b": 1}}'}).body

    assert body == f"<script type=text/{kind}>{written}</script>"


_BEHIND_UNCERTAIN_STRINGS = [
    '{{f "a\\" HERE}}',
    "{{f 'a\\' HERE}}",
    "{{f \"a\\\" 'b HERE'}}",
    '{{f "a\\" "HERE"}}',
    "{{f it's HERE}}",
    "{{f [b HERE]}}",
    "{{f [b HERE}}",
    "{{fHERE}}",
    "{{! HERE}}",
]


@pytest.mark.parametrize("html", _BEHIND_UNCERTAIN_STRINGS)
def test_values_that_may_be_outside_of_strings_of_handlebars_have_no_signs(html: str) -> None:
    value = "x}}<img src=x> (f \"y\" 'z' a=b | c) [d] {{"
    template = f"<script type=text/x-handlebars>{html.replace('HERE', '${v}')}</script>"

    page = compile_page(template)

    begin, _, end = html.partition("HERE")
    written = page.render({"v": value}).body.partition(begin)[2].removesuffix(f"{end}</script>")
    assert page.forbidden + tuple(page.problems) == ()
    assert not re.search(r"[^\w\s./@&#;-]", written)
    assert unescape(written) == value


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("{{f 'it\\'s ${v}'}}", "{{f 'it\\'s (it\\'s \"x\")'}}"),
        ('{{f "a\\" b" \'${v}\'}}', '{{f "a\\" b" \'(it\\\'s "x")\'}}'),
        ("{{f [b '] '${v}'}}", "{{f [b '] '(it\\'s \"x\")'}}"),
        ("{{f 'a' ${v}}}", '{{f \'a\' "(it\'s \\"x\\")"}}'),
    ],
)
def test_values_in_certain_strings_of_handlebars_have_any_signs(html: str, written: str) -> None:
    page = compile_page(f"<script type=text/x-handlebars>{html}</script>")

    assert written in page.render({"v": '(it\'s "x")'}).body


_IN_CODE = f"{{{{f '{_IN_JS}'}}}} <%= '{escape(VALUE, quote=False)}' %>"
_MARKUP = "{{f 'it's &lt;b&gt;\"A&amp;B\"&lt;/b&gt;'}} <%= 'it's &lt;b&gt;\"A&amp;B\"&lt;/b&gt;' %>"
_WORDS = f"{{{{f '{escape(VALUE)}'}}}} <%= '{escape(VALUE, quote=False)}' %>"
_UNKNOWN = f"{{{{f '{escape(VALUE)}'}}}} <%= '{_IN_JS}' %>"
_HANDLEBARS = "{{f 'it\\'s <b>\"A&B\"</b>'}}" + f" <%= '{escape(VALUE, quote=False)}' %>"


@pytest.mark.parametrize(
    ("scripts", "written"),
    [
        ("", _MARKUP),
        ("<script src=jquery.min.js></script><script>$('#t').html(t)</script>", _MARKUP),
        ("<template><script src=vue.js></script></template>", _MARKUP),
        ("<script src=https://cdn/npm/handlebars@4/dist/h.js></script>", _HANDLEBARS),
        ("<script>show(Handlebars.compile(t)({}))</script>", _HANDLEBARS),
        ("<script src=mustache.js></script>", _WORDS),
        ("<script>text.replace(/\\{\\{/g, '')</script>", _WORDS),
        ("<script src=vue.js></script><script>Handlebars.compile(t)</script>", _WORDS),
        ("<script src=https://unpkg.com/vue></script>", _IN_CODE),
        ("<script>new Vue({template: '#t'})</script>", _IN_CODE),
        ("<script src=angular.min.js></script>", _IN_CODE),
        (
            "<script src=underscore-min.js></script>",
            f"{{{{f '{escape(VALUE, quote=False)}'}}}} <%= '{_IN_JS}' %>",
        ),
        ("<script src=own.js></script>", _UNKNOWN),
        ("<script src=/app.4fd3a1.js></script>", _UNKNOWN),
        ("<script src=cloud3.js></script>", _UNKNOWN),
        ("<script src=https://host/interactive-rectangular/own.js></script>", _UNKNOWN),
        ("<script src=https://host/interactive/jquery-3.7.1.min.js></script>", _MARKUP),
        ("<script src=d3.v7.min.js></script><script src=bootstrap.min.js></script>", _MARKUP),
        ("<script src=knockout.punches.js></script>", _IN_CODE),
        (
            "<script src=jquery.jqote2.min.js></script>",
            f"{{{{f '{escape(VALUE, quote=False)}'}}}} <%= '{_IN_JS}' %>",
        ),
        (
            "<script>new Function(text.split('<%'))</script>",
            f"{{{{f '{escape(VALUE, quote=False)}'}}}} <%= '{_IN_JS}' %>",
        ),
    ],
)
def test_the_page_says_what_reads_the_expressions_of_a_template(scripts: str, written: str) -> None:
    html = "<script type=text/template>{{f '${v}'}} <%= '${v}' %></script>"

    page = compile_page(scripts + html)

    assert page.forbidden == ()
    assert f"<script type=text/template>{written}</script>" in page.render({"v": VALUE}).body


@pytest.mark.parametrize(
    ("html", "value", "written"),
    [
        ("<h${v}>x</h${v}>", "3", "<h3>x</h3>"),
        ("<${v} id=a>x</${v}>", "em", "<em id=a>x</em>"),
        ("<p data-${v}='${v}'>", "a_1", "<p data-a_1='a_1'>"),
        ("<p ${v}='x'>", "title", "<p title='x'>"),
        ("<p ${own}='x'><${own}>", "title", "<p ${own}='x'><${own}>"),
    ],
)
def test_values_that_are_names_in_templates(html: str, value: str, written: str) -> None:
    assert written in _rendered(f"<script type=text/html>{html}</script>", value)


@pytest.mark.parametrize(
    ("html", "value"),
    [
        ("<${v}>x</${v}>", "script"),
        ("<scr${v}>x", "ipt"),
        ("<${v}>x", "b onclick"),
        ("<p ${v}='f()'>", "onclick"),
        ("<p o${v}='f()'>", "nclick"),
        ("<p ${v}='f()'>", ":title"),
        ("<p ${v}='x'>", "href"),
    ],
)
def test_a_value_that_is_another_name_is_refused_with_its_row(html: str, value: str) -> None:
    page = compile_page(f"<script type=text/html>{html}</script>")
    watch = MarkupWatch(page, Path("task.html"))
    watch.see(2, {"v": value})

    problems = [str(problem) for problem in watch.problems()]

    [problem] = problems
    assert "the value of row 2 is not the name of an" in problem
    written = _rendered(f"<script type=text/html>{html}</script>", value)
    assert value not in written.partition("html>")[2].removesuffix("</script>")


@pytest.mark.parametrize(
    "script", ["<script type=text/ng-template>", "<script src=own.js></script><script type=text/x>"]
)
@pytest.mark.parametrize(
    "html", ["<p title='${v}'>x</p>", "<textarea>${v}</textarea>", "<p title='{${v}'>x</p>"]
)
def test_a_value_with_an_expression_that_an_engine_would_find_is_refused(
    html: str, script: str
) -> None:
    page = compile_page(f"{script}{html}</script>")
    watch = MarkupWatch(page, Path("task.html"))
    watch.see(1, {"v": 'a {"b": 1}'})
    watch.see(2, {"v": "{{f()}}"})

    [problem] = watch.problems()

    assert not problem.warning
    assert "row 2 begins an expression of the template; where you trust every" in problem.message
    assert "f()" not in page.render({"v": "{{f()}}"}).body


OWN_DELIMITERS = [
    "new Vue({delimiters: ['[[', ']]']})",
    "Vue.createApp({}); app.config.compilerOptions.delimiters = [\n'[[' , ']]'\n]",
    "angular.module('a').config(p => p.startSymbol('[[').endSymbol(']]'))",
    "Mustache.tags = [`[[`, `]]`]",
    "Mustache.render(t, {}, {}, ['[[', ']]'])",
    "Hogan.compile(t, {delimiters: '[[ ]]'})",
    "_.templateSettings = {evaluate: /\\[\\[([\\s\\S]+?)\\]\\]/g}",
    "_.templateSettings.interpolate = /\\[\\[=(.+?)\\]\\]/g",
    "doT.templateSettings.define = /\\[\\[##\\s*([\\w\\.$]+)#\\]\\]/g",
    'new Liquid({outputDelimiterLeft: "[[", outputDelimiterRight: "]]"})',
    'nunjucks.configure({tags: {variableStart: "[[", variableEnd: "]]"}})',
    "$.views.settings.delimiters('[[', ']]')",
]


@pytest.mark.parametrize("code", OWN_DELIMITERS)
def test_no_value_begins_an_expression_between_delimiters_of_the_page(code: str) -> None:
    html = "<p title='${v}'>[${v} ${v}${v}[<textarea>${v}</textarea><img alt='${w}' src='${v}'></p>"
    page = compile_page(f"<script>{code}</script><script type=text/x-tmpl>{html}</script>")

    for value in ("[[f()]]", "[", "[f()]]", "a[[["):
        written = page.render({"v": value, "w": "[1]"}).body.partition("x-tmpl>")[2]
        assert "[[" not in written
        # Mustache and Hogan read the text before entities are resolved.
        if not re.search("Mustache|Hogan", code):
            assert "[[" not in unescape(re.sub("src=.*", "", written))


@pytest.mark.parametrize("code", OWN_DELIMITERS)
def test_values_between_delimiters_of_the_page_are_values_of_its_language(code: str) -> None:
    html = "<p>[[ f('${v}') ]]</p><a href='[[ b ]]?a=${w}' title='[[ f(\"${v}\") ]]'>x</a>"
    page = compile_page(f"<script>{code}</script><script type=text/x-tmpl>{html}</script>")

    body = page.render({"v": VALUE, "w": "a b"}).body

    assert f"<p>[[ f('{_IN_JS}') ]]</p>" in body
    assert f"<a href='[[ b ]]?a=a%20b' title='[[ f(\"{_IN_JS}\") ]]'>" in body


@pytest.mark.parametrize("html", ["<a href='HERE'></a>", "<iframe src='HERE'></iframe>"])
@pytest.mark.parametrize(
    ("start", "end"), [("", ""), ("<script type=text/x-tmpl>", "</script>")], ids=["page", "script"]
)
@pytest.mark.parametrize("code", OWN_DELIMITERS)
def test_no_value_behind_an_expression_of_the_page_runs_as_an_address(
    code: str, start: str, end: str, html: str
) -> None:
    for own in ("[[b]]", "[[ b ? c/d : e ]]", "&#91;[b]]", "[&#x5b;b]]", "&lbrack;&lbrack;b]]"):
        written = html.replace("HERE", f"{own}${{v}}")
        page = compile_page(f"<script>{code}</script>{start}{written}{end}")

        assert "javascript:" not in page.render({"v": "javascript:f()"}).body
        kept = html.replace("HERE", f"{own}/a.png")
        assert page.render({"v": "/a.png"}).body.endswith(f"{start}{kept}{end}")


_OPENING = ("[[", "&#91;[", "[&#x5b;", "&lbrack;&lbrack;", "&#91[")
_CLOSING = ("]]", "]&#93;", "&#93;]", "&#x5D;&rbrack;", "]&#93", "&rsqb;]")


@pytest.mark.parametrize(
    ("start", "end"), [("", ""), ("<script type=text/x-tmpl>", "</script>")], ids=["page", "script"]
)
@pytest.mark.parametrize("closing", _CLOSING)
@pytest.mark.parametrize("opening", _OPENING)
def test_an_expression_hides_no_code_from_the_check_of_an_address(
    opening: str, closing: str, start: str, end: str
) -> None:
    angular = "angular.module('a').config(p => p.startSymbol('[[').endSymbol(']]'))"
    for address in (
        f"{opening}b{closing}javascript:${{v}}",
        f"{opening}b{closing}java${{empty}}script:${{v}}",
        f"{opening}b${{word}}{closing}javascript:${{v}}",
        f"{opening}b{closing}java{opening}c{closing}script:${{v}}",
    ):
        html = f"{start}<a href='{address}'>x</a>{end}"
        page = compile_page(f"<script>{angular}</script>{html}")
        body = page.render({"v": "f()", "word": "w", "empty": ""}).body
        is_run = re.search("javascript:|script:f", body.rpartition("<a")[2])
        assert page.forbidden or is_run is None


@pytest.mark.parametrize("html", ["HERE", "<b title='HERE'>x</b>", "<textarea>HERE</textarea>"])
@pytest.mark.parametrize(
    "expression",
    ["[[ a &#93;] ${v} ]]", "[[ b ]&#93; ${v}", "&#91;[ `${v}` ]]", "[&lbrack; ${v} ]]"],
)
def test_no_entity_decides_whether_a_value_of_a_template_is_code(
    expression: str, html: str
) -> None:
    template = html.replace("HERE", expression)
    html = f"<script>{OWN_DELIMITERS[0]}</script><script type=x-template>{template}</script>"

    [problem] = page_problems(compile_page(html), Path("task.html"), ["v"])

    assert "entity that begins or ends an expression" in problem.message
    assert not page_problems(compile_page(html.replace("${v}", "${v|raw}")), Path("t"), ["v"])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a&amp;b&ampc&amp=d&amp", "a&b&ampc&amp=d&"),
        ("?a&copy=1&copy;2&copy", "?a&copy=1\u00a92\u00a9"),
        ("&#106;ava&#x73;cript&colon;&nosuch;&#93", "javascript:&nosuch;]"),
        ("&notit; &notin;", "&notit; \u2209"),
    ],
)
def test_attributes_are_read_as_browsers_read_them(written: str, read: str) -> None:
    assert escapes.attribute_text(written) == read


@pytest.mark.parametrize("code", OWN_DELIMITERS)
def test_an_expression_of_the_page_determines_no_folder_of_a_script(code: str) -> None:
    html = "<script src='[[ a/b ]]${v}'><\\/script>"
    page = compile_page(f"<script>{code}</script><script type=text/x-tmpl>{html}</script>")

    [problem] = page_problems(page, Path("task.html"), ["v"])

    assert not problem.warning
    assert "script is run" in problem.message


@pytest.mark.parametrize(
    "code",
    [
        "f(['<=', '>='])",
        "f(['&&', '||'])",
        "m = [['$$', '$$']]",
        "x = {delimiter: ','}",
        "f(['a[', ']'])",
    ],
)
def test_other_texts_of_such_characters_are_no_delimiters(code: str) -> None:
    assert list(own_delimiters(code)) == []


def test_a_value_beside_text_of_the_author_begins_no_expression() -> None:
    html = "<p>{${v}{ f(${w}) }}</p>"
    page = compile_page(f"<script type=text/x-template>{html}</script>")

    for value in ("", "{", "x{"):
        body = page.render({"v": value, "w": "x"}).body
        text = re.sub("<!---->", "|", body)
        assert "{{" not in unescape(text)


@pytest.mark.parametrize(
    "html",
    [
        "<script src=https://host/vue@3></script><p>${a}${b}{ f() }}</p>",
        "<script type=text/x-template><p>${a}${b}{ f() }}</p></script>",
    ],
)
@pytest.mark.parametrize("row", [{"a": "{", "b": ""}, {"a": "", "b": "{"}])
def test_a_value_beside_text_and_an_empty_value_begins_no_expression(
    html: str, row: dict[str, str]
) -> None:
    text = compile_page(html).render(row).body.replace("<!---->", "|")

    assert "{{" not in unescape(text)


@pytest.mark.parametrize("row", [{"a": "{", "b": ""}, {"a": "", "b": "{"}])
def test_a_value_beside_an_empty_value_in_an_attribute_is_refused(row: dict[str, str]) -> None:
    page = compile_page("<script src=angular.min.js></script><p title='${a}${b}{ f() }}'>x</p>")
    watch = MarkupWatch(page, Path("task.html"))
    watch.see(1, row)

    assert list(watch.problems())
    assert "{{" not in unescape(page.render(row).body)


@pytest.mark.parametrize(
    ("script", "begin"),
    [
        ("<script src=https://host/vue@3></script>", "{{"),
        ("<script src=angular.min.js></script>", "{{"),
        ("<script>new Vue({el: '#a', delimiters: ['[[', ']]']})</script>", "[["),
    ],
)
@pytest.mark.parametrize("written", ["{}", "&#{:d};", "&#x{:x};"])
def test_no_value_begins_an_expression_in_the_text_of_a_page(
    written: str, script: str, begin: str
) -> None:
    sign = begin[0]
    beside = written.format(sign if written == "{}" else ord(sign))
    page = compile_page(f"{script}<div id=a><p>{beside}${{v}}{beside} x ${{v}}${{v}}</p></div>")

    for value in (f"{begin}f()", sign, f'{sign}"a": 1', f"a{sign}", ""):
        text = page.render({"v": value}).body.partition("<p>")[2]
        assert begin not in unescape(text.replace("<!---->", "|"))
        shown = unescape(text.replace("<!---->", "")).partition("</p>")[0]
        assert shown == f"{sign}{value}{sign} x {value}{value}"


_VUE = "<script src=https://host/vue@3></script>"
_ANGULAR = "<script src=angular.min.js></script>"
_OWN_VUE = "<script>new Vue({el: '#a', delimiters: ['[[', ']]']})</script>"
_OWN_ANGULAR = (
    "<script>angular.module('a').config(p => p.startSymbol('[[').endSymbol(']]'))</script>"
)


@pytest.mark.parametrize(
    ("script", "html", "value"),
    [
        (_VUE, "<textarea>${v}</textarea>", "a {{f()}}"),
        (_VUE, "<svg><title>${v}</title></svg>", "{{f()}}"),
        (_VUE, "<textarea ng-non-bindable>${v}</textarea>", "{{f()}}"),
        (_VUE, "<textarea>{${v}</textarea>", "{f()}}"),
        (_VUE, "<textarea>&#123;${v}</textarea>", "{f()}}"),
        (_OWN_VUE, "<textarea>${v}</textarea>", "[[f()]]"),
        (_ANGULAR, "<textarea>${v}</textarea>", "{{f()}}"),
        (_ANGULAR, "<p title='${v}'>x</p>", "{{f()}}"),
        (_ANGULAR, "<p title='&lbrace;${v}'>x</p>", "{f()}}"),
        (_ANGULAR, "<p title=${v}>x</p>", "{{f()}}"),
        (_ANGULAR, "<p class='a ${v}'>x</p>", "ng-init:f()"),
        (_ANGULAR, "<p class='a ${v}'>x</p>", "{{f()}}"),
        (_ANGULAR, "<p v-pre data-a='${v}'>x</p>", "{{f()}}"),
        (_OWN_ANGULAR, "<a href='${v}'>x</a>", "[[f()]]"),
        (_VUE + _ANGULAR, "<textarea v-pre>${v}</textarea>", "{{f()}}"),
        ("<script src=knockout.punches.js></script>", "<p title='${v}'>x</p>", "{{f()}}"),
        ("<script src=ractive.min.js></script>", "<p title='${v}'>x</p>", "{{f()}}"),
        ("<script>new Ractive({el: a})</script>", "<p title='${v}' v-pre>x</p>", "{{f()}}"),
        ("<script src=https://host/vue@1.0.28></script>", "<p title='${v}'>x</p>", "{{f()}}"),
        ("<script src=https://host/vue/1.0.28/vue.js></script>", "<p alt='${v}'>x</p>", "{{f()}}"),
    ],
)
def test_a_value_that_a_framework_would_evaluate_in_a_page_is_refused(
    script: str, html: str, value: str
) -> None:
    page = compile_page(f"{script}\n{html}")
    watch = MarkupWatch(page, Path("task.html"))
    watch.see(1, {"v": 'a {"b": 1}'})
    watch.see(2, {"v": value})

    [problem] = watch.problems()

    assert not problem.warning
    assert problem.line == 2
    assert "the value of row 2 holds an expression" in problem.message
    assert "write ${v|raw}" in problem.message
    assert "f()" not in page.render({"v": value}).body.rpartition("</script>")[2]


@pytest.mark.parametrize(
    ("script", "html"),
    [
        (_VUE, "<textarea v-pre>HERE</textarea>"),
        (_VUE, "<p title='HERE'>x</p>"),
        (_ANGULAR, "<textarea ng-non-bindable>HERE</textarea>"),
        (_ANGULAR, "<p title='HERE' ng-non-bindable>x</p>"),
        (_VUE + _ANGULAR, "<textarea v-pre ng-non-bindable>HERE</textarea>"),
        ("", "<textarea title='HERE'>HERE</textarea>"),
        ("<script src=handlebars.js></script>", "<textarea title='HERE'>HERE</textarea>"),
    ],
)
def test_a_value_with_braces_stays_where_no_framework_evaluates_it(script: str, html: str) -> None:
    page = compile_page(script + html.replace("HERE", "${v}"))
    watch = MarkupWatch(page, Path("task.html"))
    watch.see(1, {"v": "{{f()}}"})

    assert [*watch.problems()] == []
    body = page.render({"v": "{{f()}}"}).body.replace(">\n", ">")
    assert html.replace("HERE", "{{f()}}") in body


def _refusals(html: str, value: str, folder: Path | None = None) -> list[str]:
    """Return what is said of a value of the column ``v``."""
    watch = MarkupWatch(compile_page(html, folder=folder), Path("task.html"))
    watch.see(1, {"v": value})
    return [str(problem) for problem in watch.problems()]


_FIELD = "<textarea>${v}</textarea>"


@pytest.mark.parametrize(
    ("script", "around"),
    [
        (_VUE, "<div v-pre>HERE</div>"),
        (_VUE, "<div id=app><section v-pre><p>a<p>b<label>HERE</section></div>"),
        (_VUE, "<ul><li v-pre><ul><li>HERE</ul></ul>"),
        (_VUE, "<table><tr><td v-pre><p>HERE</table>"),
        (_VUE, "<div v-pre><table><tr><td>a<td>HERE</table></div>"),
        (_VUE, "<div v-pre><br><input><select><option>a<option>b</select>HERE</div>"),
        (_VUE, "<p>a</div><div v-pre>HERE</div>"),
        (_ANGULAR, "<div ng-non-bindable id=a class=b><p title='${v}'>x</p>HERE</div>"),
        (_VUE + _ANGULAR, "<div v-pre><div ng-non-bindable>HERE</div></div>"),
        (_VUE + _ANGULAR, "<div ng-non-bindable><textarea v-pre>${v}</textarea></div>"),
    ],
)
def test_an_element_with_a_framework_s_attribute_keeps_what_is_in_it_text(
    script: str, around: str
) -> None:
    assert _refusals(script + around.replace("HERE", _FIELD), "{{f()}}") == []


@pytest.mark.parametrize(
    ("script", "html"),
    [
        (_VUE, "<div v-pre></div>HERE"),
        (_VUE, "<div v-pre>a</div></div>HERE"),
        (_VUE, "<br v-pre>HERE"),
        (_VUE, "<section><div v-pre></section>HERE</div>"),
        (_VUE, "<p><span v-pre></p>HERE</span>"),
        (_VUE, "<p><span v-pre><div>HERE</div></span>"),
        (_VUE, "<ul><li><div v-pre><li>HERE</ul>"),
        (_VUE, "<table v-pre>HERE</table>"),
        (_VUE, "<td v-pre>HERE</td>"),
        (_VUE, "<table><tr><td><div v-pre><td>HERE</table>"),
        (_VUE, "<table><tr><td><div v-pre><tr><td>HERE</table>"),
        (_VUE, "<select><div v-pre>HERE</div>"),
        (_VUE, "<div><select v-pre>HERE</div>"),
        (_VUE, "<table><caption v-pre>a<tr><td>HERE</table>"),
        (_VUE, "<table><caption v-pre>a<tbody><tr><td>HERE</table>"),
        (_VUE, "<h1 v-pre>a</h2>HERE</h1>"),
        (_VUE, "<ruby><rt v-pre>a<rp>HERE</ruby>"),
        (_VUE, "<image v-pre>HERE"),
        (_VUE, "<keygen v-pre>HERE"),
        (_VUE, "<button><b v-pre><button>HERE</button>"),
        (_VUE, "<svg><g v-pre><p>HERE</g></svg>"),
        (_VUE, "<form v-pre>HERE</form>"),
        # Version 3 ignores it on the element that it is mounted on.
        (_VUE, "<div v-pre id=app>HERE</div>"),
        (_VUE, "<div v-pre class=app>HERE</div>"),
        (_VUE + "<script>app.mount('main')</script>", "<main v-pre>HERE</main>"),
        (_VUE + "<script>app.mount('body > main')</script>", "<main v-pre>HERE</main>"),
        (_VUE + "<script>app.mount('[data-app]')</script>", "<div data-app v-pre>HERE</div>"),
        (_VUE + "<script>app.mount(\"[data-app='a']\")</script>", "<p data-app v-pre>HERE</p>"),
        (_VUE + "<script src=https://host/own.js></script>", "<div v-pre>HERE</div>"),
        (_VUE + _ANGULAR, "<div v-pre>HERE</div>"),
    ],
)
def test_an_element_that_may_be_closed_keeps_nothing_text(script: str, html: str) -> None:
    [problem] = _refusals(script + html.replace("HERE", _FIELD), "{{f()}}")

    assert "holds an expression" in problem


_NUNJUCKS = "<script src=nunjucks.min.js></script>"
_TEMPLATE = "<script type=text/x-nunjucks id=t>{{ a }}</script>"
_FIELD_READERS = (
    "f(a.value)",
    "f(a.defaultValue == 1)",
    "f($('textarea').val())",
    "f($('textarea').contents())",
    "f($('textarea').prop('value'))",
    "f(a.firstChild.data)",
    "f(a['innerHTML'])",
    "let { textContent } = a; f(textContent)",
    "f(new FormData(a))",
    "f($('form').serializeArray())",
)


@pytest.mark.parametrize(
    ("html", "is_refused"),
    [
        (f"{_NUNJUCKS}{_TEMPLATE}<script>f($('#t').html())</script>", False),
        (f"{_NUNJUCKS}{_TEMPLATE}<script>a.innerHTML = render('{{{{ a }}}}')</script>", False),
        ("<script src=jsrender.js></script><script>$.templates('#t')</script>" + _TEMPLATE, False),
        ("<script src=doT.js></script><script>doT.template('{{= a }}')</script>", False),
        (f"{_NUNJUCKS}{_TEMPLATE}<script>f($('#u').html())</script>", True),
        (f"{_NUNJUCKS}{_TEMPLATE}<script>f(document.body.innerHTML)</script>", True),
        (f"{_NUNJUCKS}{_TEMPLATE}<script>f($('#t').html(), $(x).text())</script>", True),
        (f"{_NUNJUCKS}{_TEMPLATE}<script src=https://host/own.js></script>", True),
        ("<script src=jsrender.js></script><script>$.templates('#u')</script>" + _TEMPLATE, True),
        (f"{_VUE}{_TEMPLATE}<script>f($('#t').html())</script>", True),
        (f"{_NUNJUCKS}{_TEMPLATE}<script>a.value = render('{{{{ a }}}}')</script>", False),
        (f"{_NUNJUCKS}<button type=button onclick='a.value = 1'>a</button>", False),
        (f"{_NUNJUCKS}<button type=button onclick='f(a.innerHTML)'>a</button>", True),
        *((f"{_NUNJUCKS}<script>{code}</script>", True) for code in _FIELD_READERS),
    ],
)
def test_a_value_is_refused_in_a_field_only_where_an_engine_may_read_the_field(
    html: str, is_refused: bool
) -> None:
    assert len(_refusals(html + _FIELD, "{{f()}}")) == is_refused


@pytest.mark.parametrize("code", [OWN_DELIMITERS[0], OWN_DELIMITERS[2]])
@pytest.mark.parametrize(
    ("script", "is_read"),
    [
        ("<script src=app.js></script>", True),
        ("<script src=/js/app.js></script>", True),
        ("<script type=module src='js/app.js?v=2'></script>", True),
        ("<script src='js\\vue-app.js'></script>", True),
        ("<script src=js/a%20b.js></script>", True),
        ("<script src=large.js></script>", False),
        ("<script src=missing.js></script>", False),
        ("<script src=../outside.js></script>", False),
        ("<script src=link.js></script>", False),
        ("<script src=https://host/app.js></script>", False),
        ("<script src='${v}.js'></script>", False),
    ],
)
def test_delimiters_are_found_in_script_files_of_the_folder(
    tmp_path: Path, code: str, script: str, is_read: bool
) -> None:
    folder = tmp_path / "page"
    (folder / "js").mkdir(parents=True)
    for name in ("app.js", "js/app.js", "js/vue-app.js", "js/a b.js", "../outside.js"):
        (folder / name).write_text(code, encoding="utf-8")
    (folder / "large.js").write_text(" " * MOST_BYTES + code, encoding="utf-8")
    (folder / "link.js").symlink_to(tmp_path / "outside.js")
    library = _VUE if "Vue" in code else _ANGULAR

    assert len(_refusals(library + script + _FIELD, "[[f()]]", folder)) == is_read


@pytest.mark.parametrize("number", [1, 6])
def test_a_script_file_that_is_not_read_to_its_end_may_mount_vue_on_any_element(
    tmp_path: Path, number: int
) -> None:
    names = [f"app{each}.js" for each in range(number)]
    for name in names:
        (tmp_path / name).write_text("//" * (MOST_BYTES // 2) + "\napp.mount('main')")
    page = _VUE + "".join(f"<script src={name}></script>" for name in names)

    assert _refusals(f"{page}<main v-pre>{_FIELD}</main>", "{{f()}}", tmp_path)


def test_an_empty_script_file_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "app.js").touch()

    page = f"{_VUE}<script src=app.js></script><main v-pre>{_FIELD}</main>"

    assert _refusals(page, "{{f()}}", tmp_path) == []


def test_a_library_s_own_code_names_no_delimiters_of_the_page(tmp_path: Path) -> None:
    code = "_.templateSettings = {evaluate: /<%([\\s\\S]+?)%>/g, interpolate: /<%=(.+?)%>/g}"
    (tmp_path / "underscore.js").write_text(code, encoding="utf-8")

    page = "<script src=underscore.js></script><script type=text/html><b><%= '${v}' %></b></script>"
    compiled = compile_page(page, folder=tmp_path)

    assert compiled.render({"v": "it's"}).body == compile_page(page).render({"v": "it's"}).body


@pytest.mark.parametrize(
    ("script", "remedy"),
    [
        (_VUE, "<textarea> has `v-pre`;"),
        (_ANGULAR, "<textarea> has `ng-non-bindable`;"),
        (_VUE + _ANGULAR, "<textarea> has `v-pre` and `ng-non-bindable`;"),
    ],
)
def test_the_refusal_of_an_expression_names_what_keeps_it_text(script: str, remedy: str) -> None:
    watch = MarkupWatch(compile_page(f"{script}<textarea>${{v}}</textarea>"), Path("task.html"))
    watch.see(1, {"v": "{{f()}}"})

    [problem] = watch.problems()

    assert f"; it stays text if {remedy}" in problem.message


_PUNCHES = "<script src=knockout.punches.js></script>"
_RACTIVE = "<script src=ractive.js></script>"
_VUE_1 = "<script src=https://host/vue@1.0.28/dist/vue.min.js></script>"
#: What reads expressions in the text of a page.
_READ_TEXT = [_VUE, _ANGULAR, _PUNCHES, _RACTIVE]
_ENDS_STRINGS = "\" + f() + '` + f() }} </p>\\ \n"


def _filled(html: str, value: str) -> tuple[list[str], str]:
    """Return what is said of the value of the column ``v``, and the page with it."""
    page = compile_page(html)
    file = Path("task.html")
    problems = [str(problem) for problem in page_problems(page, file, ["v"])]
    watch = MarkupWatch(page, file)
    watch.see(1, {"v": value})
    problems += [str(each) for each in watch.problems() if not each.warning]
    return problems, page.render({"v": value}).body.rpartition("</script>")[2]


@pytest.mark.parametrize(
    "html",
    [
        '<p>{{ f("HERE") }}</p>',
        "<p>{{ f('HERE') }}</p>",
        "<p>a {{ `${own}HERE` }} b</p>".replace("${own}", ""),
        "<p>{{ f(&quot;HERE&quot;) }}</p>",
        "<p>&lbrace;&#123; f('HERE') &#x7d;}</p>",
        "<p>{{ x }} {{ a ? 'HERE' : 'it\\'s HERE' }} {{ y }}</p>",
        "<textarea>{{ f('HERE') }}</textarea>",
        "<template><p>{{ f('HERE') }}</p></template>",
        "<svg><text>{{ f('HERE') }}</text></svg>",
    ],
)
@pytest.mark.parametrize("script", _READ_TEXT)
def test_a_value_stays_in_a_string_of_an_expression_of_the_page(script: str, html: str) -> None:
    problems, body = _filled(script + html.replace("HERE", "${v}"), _ENDS_STRINGS)

    assert problems == []
    assert body == html.replace("HERE", escapes.js_inside(_ENDS_STRINGS))


@pytest.mark.parametrize("html", ["<p>[[ f('HERE') ]]</p>", "<p>&#91;[ f('HERE') &rbrack;]</p>"])
@pytest.mark.parametrize("script", [_OWN_VUE, _OWN_ANGULAR])
def test_a_value_stays_in_a_string_between_delimiters_of_the_page(script: str, html: str) -> None:
    problems, body = _filled(script + html.replace("HERE", "${v}"), "' + f() ]] [[ f() ]]")

    assert problems == []
    assert body == html.replace("HERE", escapes.js_inside("' + f() ]] [[ f() ]]"))


@pytest.mark.parametrize(
    ("html", "escape"),
    [
        ("<p title='{{ f(\"HERE\") }}'>x</p>", str),
        ("<p title='a {{ f(&#39;HERE&#39;) }} b' class=a>x</p>", str),
        ("<p title=\"{{ f('HERE') }}\">x</p>", str),
        ('<p class=\'a {{ b ? "HERE" : "" }}\'>x</p>', str),
        ("<p data-a='&#123;{ \"HERE\" }}'>x</p>", str),
        ("<p style='color: {{ \"HERE\" }}'>x</p>", escapes.css),
        ("<iframe srcdoc='{{ \"HERE\" }}'></iframe>", escapes.html_text),
    ],
)
@pytest.mark.parametrize("script", [_ANGULAR, _PUNCHES, _RACTIVE, _VUE_1])
def test_a_value_stays_in_a_string_of_an_expression_of_an_attribute(
    script: str, html: str, escape: Callable[[str], str]
) -> None:
    problems, body = _filled(script + html.replace("HERE", "${v}"), _ENDS_STRINGS)

    assert problems == []
    assert body == html.replace("HERE", escapes.js_inside(escape(_ENDS_STRINGS)))


@pytest.mark.parametrize("value", ['" + f() + "', "a\\", "' + f()", "`", "}} {{ f()", "a\nb"])
@pytest.mark.parametrize("html", ["<img ng-src='HERE'>", "<a href='/a/HERE?b=HERE'>x</a>"])
def test_a_value_that_ends_a_string_in_an_address_is_refused(html: str, value: str) -> None:
    address = html.replace("HERE", '{{ f("${v}") }}')

    problems, body = _filled(f"{_ANGULAR}\n{address}", value)

    assert problems
    assert "task.html:2: ${v}: the value of row 1 has a character that could" in problems[0]
    assert "write ${v|raw}" in problems[0]
    assert "f()" not in body


@pytest.mark.parametrize(
    ("html", "value"),
    [
        ("<img ng-src='/a/{{ f(\"${v}\") }}'>", "dog (1), b.png"),
        ("<img ng-src='/a/{{ f(${v}) }}'>", "7"),
        ("<img ng-src='/a/{{ b.c_${v} }}'>", "q1"),
        ("<p>{{ f('${v}') }}</p>", "abc7"),
        ("<p>{{ f(${v}) + a[${v}] }}</p>", "7"),
        ("<p>{{${v}}}</p>", "1.5"),
        ("<p>{{ b.c_${v} | d }}</p>", "q1"),
        ("<p title='{{ b.c_${v} + ${v} }}'>x</p>", "1"),
    ],
)
def test_a_harmless_value_in_an_expression_of_the_page_is_written_as_it_is(
    html: str, value: str
) -> None:
    problems, body = _filled(_ANGULAR + html, value)

    assert problems == []
    assert body.replace("%20", " ") == html.replace("${v}", value)


@pytest.mark.parametrize(
    ("html", "value", "written"),
    [
        ("<p>{{ f(${v}) }}</p>", "a()", 'f("a\\u0028\\u0029")'),
        ("<p>{{ ${v} }}</p>", "f()", '{{ "f\\u0028\\u0029" }}'),
        ("<p>{{ ${v|text} }}</p>", "7", '{{ "7" }}'),
        ("<p>{{ f(${v}) }}</p>", '{"a": {"b": [[1]]}}', 'f({"a":{"b":[ [1] ]} })'),
    ],
)
def test_a_value_outside_of_strings_of_an_expression_is_a_literal(
    html: str, value: str, written: str
) -> None:
    problems, body = _filled(_VUE + html, value)

    assert problems == []
    assert written in unescape(body)


@pytest.mark.parametrize("html", ["<p>HERE</p>", "<textarea>HERE</textarea>"])
@pytest.mark.parametrize("script", _READ_TEXT)
@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("a ${v}", "stands outside of a string in an expression"),
        ("g() ${v} b", "stands outside of a string in an expression"),
        ("eval(&quot;${v}&quot;)", "decides which code is run in an expression"),
    ],
)
def test_a_value_that_decides_what_an_expression_of_the_page_runs_is_refused(
    code: str, fault: str, script: str, html: str
) -> None:
    for written in (html, "<a title='HERE' href='HERE'>x</a>"):
        if written != html and script in (_VUE, _RACTIVE):
            continue
        page = f"{script}\n{written.replace('HERE', f'{{{{ {code} }}}}')}"
        problems, body = _filled(page, "f()")

        assert problems
        assert all(f"task.html:2: ${{v}} {fault}" in problem for problem in problems)
        assert all("write ${v|raw}" in problem for problem in problems)
        assert "f()" not in body
        assert _filled(page.replace("${v}", "${v|raw}"), "f()")[0] == []
        assert page_problems(compile_page(page, trusted=True), Path("task.html"), ["v"]) == []


def test_a_value_beside_a_name_of_an_expression_is_refused_with_its_row() -> None:
    problems, body = _filled(_VUE + "<p>{{ item.a_${v} }}</p>", "x; f()")

    [problem] = problems
    assert "the value of row 1 is no part of a name" in problem
    assert "f()" not in body


@pytest.mark.parametrize("script", _READ_TEXT)
def test_trusted_values_in_expressions_of_the_page_are_code(script: str) -> None:
    html = f"{script}<p>{{{{ f('${{v}}') + ${{v}} }}}}</p>"

    for page in (compile_page(html.replace("${v}", "${v|raw}")), compile_page(html, trusted=True)):
        assert page.render({"v": "a()"}).body.endswith("<p>{{ f('a()') + a() }}</p>")


@pytest.mark.parametrize("script", _READ_TEXT)
def test_no_value_ends_an_expression_that_the_page_leaves_open(script: str) -> None:
    for html in ("<p>{{ ${v}</p>", "<p>{{ a ${v}} ${v}</p>", "<p>&#123;{ ${v}${v}}</p>"):
        for value in ("f() }}", "}", "", "a}}b", "it's"):
            problems, body = _filled(script + html, value)

            assert problems == []
            assert "}}" not in unescape(body.replace("<!---->", "|"))
            shown = unescape(body.replace("<!---->", ""))
            assert shown == unescape(html).replace("${v}", value)

    assert _filled(f"{script}<textarea>{{{{ ${{v}}</textarea>", "f() }}")[0]
    assert not _filled(f"{script}<textarea>{{{{ ${{v}}</textarea>", "it's }")[0]


@pytest.mark.parametrize(
    "html",
    [
        "<p>{{ a <b>${v}</b> }}</p>",
        "<p>{{ '${v}' + '<i>x</i>' }}</p>",
        "<p>{{ a</p><p>${v}</p><p>}}</p>",
        "<p>&lbrace;{ a</p><img alt='${v}'><p>b &#125;}</p>",
        "<textarea>{{ a</textarea><p>${v} }}</p>",
        "<p>{{ a <!-- b --> ${v} }}</p>",
    ],
)
def test_a_value_in_an_expression_with_tags_in_it_is_refused(html: str) -> None:
    problems, _ = _filled(f"{_VUE}\n{html}", "x")

    assert len(problems) == 1
    assert "task.html:2: ${v} stands in an expression that begins in the text of" in problems[0]
    assert _filled(f"{_VUE}\n{html.replace('${v}', '${v|raw}')}", "x")[0] == []
    if "textarea" not in html:
        assert _filled(_ANGULAR + html, "x")[0] == []


@pytest.mark.parametrize(
    "html", ["<p>{{ a</p><p>${v}</p>", "<p>{{ a</p><img alt='${v}'>", "<p>{{ a</p><p>${v}}</p>"]
)
def test_a_value_that_closes_an_expression_before_a_tag_is_refused_with_its_row(html: str) -> None:
    assert "could end the {{ of line 2" in _filled(f"{_VUE}\n{html}", "/f()}}")[0][0]
    for harmless in ("{{ a }}</p><p>${v}</p>", "<p v-pre>{{ a</p><p>${v}</p>"):
        assert _filled(f"{_VUE}\n{harmless}", "/f()}}")[0] == []
    assert _filled(f"{_VUE}\n{html}", "it's a")[0] == []


@pytest.mark.parametrize(
    ("script", "html"),
    [
        ("", "<p title='{{ \"HERE\" }}'>{{ 'HERE' }}</p>"),
        ("<script src=handlebars.js></script>", "<p>{{ 'HERE' }}</p>"),
        (_VUE, "<p title='{{ \"HERE\" }}'>x</p>"),
        (_VUE, "<div v-pre><p>{{ 'HERE' }}</p></div>"),
        (_VUE, "<p v-pre>{{ 'HERE' }}</p>"),
        (_VUE, "<textarea v-pre>{{ 'HERE' }}</textarea>"),
        (_ANGULAR, "<p ng-non-bindable title='{{ \"HERE\" }}'>{{ 'HERE' }}</p>"),
        (_VUE, "<p>}} 'HERE' {{ x }} 'HERE' {{ y }}</p>"),
    ],
)
def test_a_value_that_no_framework_evaluates_stays_as_it_is(script: str, html: str) -> None:
    problems, body = _filled(script + html.replace("HERE", "${v}"), "it's (a)")

    assert problems == []
    assert unescape(body) == html.replace("HERE", "it's (a)")


def test_braces_stay_in_the_text_of_a_page_without_a_framework() -> None:
    for script in ("", "<script src=own.js></script>", "<script src=handlebars.js></script>"):
        assert compile_page(f"{script}<p>${{v}}").render({"v": "{{a}}"}).body.endswith("{{a}}")


@pytest.mark.parametrize(
    ("html", "value", "is_refused"),
    [
        ("a ${v}", "ng-init:f()", True),
        ("a ${v}", "x; data-ng_bind: a", True),
        ("a ${v}", "own-directive: a = b", True),
        ("${v}:f()", "ng-init", False),
        ("${w}${v}", ":f()", True),
        ("${w}${v}", "init:x", True),
        ("ng-init:${v}", "f()", True),
        ("ng-class:${v}", "a | b", True),
        ("a ${v}", "md:flex hover:w-1/2", False),
        ("md:${v}", "w-1/2", False),
        ("a-${v}", "7 b", False),
    ],
)
def test_no_value_is_a_directive_in_a_class(html: str, value: str, is_refused: bool) -> None:
    page = compile_page(f"<script type=text/ng-template><p class='{html}'></p></script>")
    watch = MarkupWatch(page, Path("task.html"))
    watch.see(1, {"v": value, "w": "x"})

    assert bool(list(watch.problems())) is is_refused
    assert (escape(value) in page.render({"v": value}).body) is not is_refused


def test_a_page_in_an_attribute_of_a_template_has_no_expression() -> None:
    html = "<script type=text/ng-template><iframe srcdoc='${v}'></iframe></script>"

    body = compile_page(html).render({"v": "{{f()}}"}).body

    assert "{{" not in unescape(body)
    assert "{{f()}}" in unescape(unescape(body))


@pytest.mark.parametrize("name", ["ng-x", "ng_x", "ng:x", "data-ng_x", "data:ng:x", "x_ng-x"])
def test_every_spelling_of_an_attribute_of_angular_is_an_expression(name: str) -> None:
    html = f"<script type=text/ng-template><p {name}='${{v}}'></p></script>"

    page = compile_page(html)

    assert "a()" not in page.render({"v": "a()"}).body.replace('"a()"', "")


def test_values_in_code_of_an_engine_have_any_braces() -> None:
    html = "<script type=text/x-template><p :a=\"'${v}'\" @click=\"f('${v}')\">${v}</p></script>"
    watch = MarkupWatch(compile_page(html), Path("task.html"))
    watch.see(1, {"v": "{{f()}}"})

    assert list(watch.problems()) == []


def test_markup_in_values_of_templates_is_counted() -> None:
    html = "<script type=text/html><p v-html='${a}'>${v} ${own}</p></script>"
    watch = MarkupWatch(compile_page(html), Path("task.html"))
    watch.see(1, {"v": "<b>x</b>", "a": "<i>y</i>"})

    messages = [problem.message for problem in watch.problems()]

    assert [message.partition(" rows")[0] for message in messages] == [
        "${a}: 1 of 1",
        "${v}: 1 of 1",
    ]
