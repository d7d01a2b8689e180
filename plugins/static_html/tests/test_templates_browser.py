"""Hostile values in templates in scripts: as markup where nothing reads the expressions of a
template, and as values of its language where an engine does.

The engines are a few lines each, with the syntax of strings of those that they are named after.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from famulus_static_html.columns import page_problems
from famulus_static_html.page import compile_page

pytestmark = pytest.mark.browser

FILE = Path("task.html")

VALUES = [
    "<img src=x onerror=window.PWN=1>",
    "</script><script>window.PWN = 1</script>",
    "\"><img src=x onerror='window.PWN = 1'>",
    "'><img src=x onerror='window.PWN = 1'>",
    "' onmouseover='window.PWN=1' onfocus='window.PWN=1' \" onmouseover=\"window.PWN=1\" `",
    "';window.PWN=1;'\";window.PWN=1;\"`;window.PWN=1;`${window.PWN=1}",
    "-->]]></textarea></svg><script>window.PWN=1</script>",
    "javascript:window.top.PWN=1",
    "window.PWN = 1",
    'it\'s "it"',
    "}}<img src=x onerror=window.PWN=1>{{",
    "'}}<img src=x onerror=window.PWN=1>",
    "]}}<img src=x onerror=window.PWN=1>",
    "--}}<img src=x onerror=window.PWN=1>",
    "\\'}}<img src=x onerror=window.PWN=1>",
    "'%><img src=x onerror=window.PWN=1><%'",
    "' + (window.PWN = 1) + '",
    '" + (window.PWN = 1) + "',
    "&#39; + (window.PWN = 1) + &#39;",
    "{{constructor.constructor('window.PWN = 1')()}}",
    "<%= window.PWN = 1 %>",
    "x onmouseover=window.PWN=1 ",
    "ipt><img src=x onerror=window.PWN=1>",
    "\\",
    "{",
    "[[window.PWN = 1]]",
    "<%window.PWN = 1%>",
    "[",
    "[window.PWN = 1]]",
]

#: What the pages of an engine have in their scripts: ``render``, by the name of the engine.
ENGINES = {
    "": "function render(text) { return text; }",
    "Handlebars": r"""
      var Handlebars = {escape: function (text) {
        return text.replace(/[&<>"']/g, function (sign) { return "&#" + sign.charCodeAt() + ";"; });
      }};
      var argument = "\\s*(?:a=)?(?:'((?:\\\\'|[^'])*)'|\"((?:\\\\\"|[^\"])*)\""
        + "|([\\w-]+|\\[[^\\]]*\\]))";
      var expression = new RegExp("{" + "{(?:!--[^]*?--|f" + argument + "\\s*)}}", "g");
      function render(text) {
        return text.replace(expression, function (all, single, double, word) {
          var value = single ? single.replace(/\\'/g, "'") : (double || "").replace(/\\"/g, '"');
          return Handlebars.escape(value || word || "");
        });
      }""",
    "Mustache": r"""
      var Mustache = {};
      function render(text) { return text.replace(/{{[^]*?}}/g, ""); }""",
    "_.template": r"""
      var _ = {template: function (text) {
        var code = text.split(/<%=([^]*?)%>/).map(function (piece, index) {
          return index % 2 ? "(" + piece + ")" : JSON.stringify(piece);
        });
        return Function("f", "return " + code.join("+"));
      }};
      function render(text) { return _.template(text)(escapeText); }""",
    "Vue": r"""
      var Vue = {evaluate: function (code) {
        return Function("f", "return (" + code + ")")(function (value) { return value; });
      }};
      function render(text) {
        var root = document.createElement("template");
        root.innerHTML = text;
        var nodes = document.createNodeIterator(root.content, NodeFilter.SHOW_TEXT), node;
        while (node = nodes.nextNode()) {
          node.data = node.data.replace(/{{([^]*?)}}/g, function (all, code) {
            return Vue.evaluate(code);
          });
        }
        return root.innerHTML;
      }""",
}
# Engines whose delimiters the page names.
ENGINES["Vue with delimiters"] = (
    ENGINES["Vue"].replace("/{{([^]*?)}}/", r"/\[\[([^]*?)\]\]/")
    + "; var options = {delimiters: ['[[', ']]']};"
)
ENGINES["Vue with percents"] = (
    ENGINES["Vue"].replace("/{{([^]*?)}}/", "/<%([^]*?)%>/")
    + "; var settings = {}; settings.delimiters = ['<%', '%>'];"
)
ENGINES["_.templateSettings"] = (
    ENGINES["_.template"].replace("<%=", r"\[\[").replace("%>", r"\]\]")
    + r"; _.templateSettings = {interpolate: /\[\[(.+?)\]\]/g};"
)
_TEXT = """
function escapeText(value) {
  var span = document.createElement("span");
  span.textContent = value;
  return span.innerHTML.replace(/"/g, "&quot;").replace(/'/g, "&#39;");
}"""

#: Engines and the templates that they are given, with the value in the text of each ``<i>``.
SHOWN = [
    ("", "text/template", "<i>${v}</i><p title='${v}'>x</p>"),
    ("", "text/template", "<p>{{f '${v}'}} {{f ${v}}} <%= '${v}' %> <% f(${v}) %></p>"),
    ("", "text/template", "<p title=\"{{f '${v}'}}\" alt='<%= \"${v}\" %>'>x</p>"),
    ("", "text/html", "<p title='{{f \"x\"}} ${v}'>{{!-- ${v} --}}</p><i>${v}</i>"),
    ("", "text/html", "<p>{{f '<${v}'}}{{f '</scr${v}'}}</p><a href=\"{{f '${v}'}}?a=${v}\">x</a>"),
    ("", "text/html", "<p :title=\"'${v}'\" @click=\"f('${v}')\" x-text='${v}'>x</p>"),
    ("", "text/html", "<p v-html=\"'${v}'\" v-model='a.${v}'>x</p>"),
    ("", "text/html", "<p hx-vals='{\"a\": \"${v}\"}' ng-init=\"a='${v}'\">x</p>"),
    ("", "text/html", "<p data-bind=\"text: '${v}'\">x</p>"),
    ("Handlebars", "text/template", "<i>{{f '${v}'}}</i><p title='{{f a=\"${v}\"}}'>x</p>"),
    ("Handlebars", "text/x-handlebars", '<i>{{f "${v}"}}</i><p title="{{f "${v}"}}">x</p>'),
    ("Handlebars", "text/template", "<p title='{{f ${v}}}'>{{!-- ${v} --}}{{f [${v}]}}</p>"),
    ("Handlebars", "text/template", "<p>{{f 'it\\'s ${v}'}}{{f '</scr${v}'}}</p>"),
    ("Handlebars", "text/template", "<p>{{f \"a\\\" ${v}}}</p>"),
    ("Mustache", "text/template", "<p title='{{f \"${v}\"}}'>{{! ${v} }}</p><i>${v}</i>"),
    ("_.template", "text/template", "<i><%= f('${v}') %></i><p title='<%= f(\"${v}\") %>'>x</p>"),
    ("_.template", "text/template", "<i><%= f(String(${v|text})) %></i>"),
    ("Vue with delimiters", "text/x-template", "<i>[[ f('${v}') ]]</i><i>${v}</i>"),
    ("Vue with delimiters", "text/x-template", "<i>[[ ${v|text} ]]</i>"),
    ("Vue with delimiters", "text/x-template", "<p title='[[ f(\"${v}\") ]]'>[${v}${v}[</p>"),
    ("Vue with percents", "text/x-template", "<i><% f('${v}') %></i><p>&lt;${v}${v}%</p>"),
    ("Vue with percents", "text/x-template", "<i>${v}</i>"),
    ("_.templateSettings", "text/template", "<i>[[f('${v}')]]</i><i>${v}</i>"),
    ("_.templateSettings", "text/template", "<p title='${v}'>[${v}${v}[</p>"),
    ("Vue", "text/x-template", "<p>{${v}{window.PWN = 1}}{${v}${v}</p>"),
    ("Vue", "text/x-template", "<i>{{ f('${v}') }}</i><i>{{ ${v|text} }}</i><i>${v}</i>"),
]  # fmt: skip


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Tab]:
    tab = browser.new_page()
    tab.route("**/*", lambda route: route.fulfill(content_type="text/html", body=""))
    yield tab
    tab.close()


@pytest.mark.parametrize(("engine", "kind", "html"), SHOWN, ids=range(len(SHOWN)))
def test_values_stay_in_their_place(tab: Tab, engine: str, kind: str, html: str) -> None:
    compiled = compile_page(
        f"<script>{_TEXT}{ENGINES[engine]}</script><script type={kind}>{html}</script>"
    )
    assert [each for each in compiled.problems if not each.warning] == []
    assert compiled.forbidden == ()
    pages = [compiled.render({"v": value}) for value in ("x", *VALUES)]
    tab.goto("http://page.test/")
    tab.set_content("<!doctype html><body>" + "".join(page.body for page in pages))

    results = tab.evaluate(
        """(kind) => [...document.querySelectorAll(`script[type="${kind}"]`)].map((script) => {
          const shown = document.createElement("div");
          try { shown.innerHTML = render(script.textContent); } catch (error) { return `${error}`; }
          document.body.append(shown);
          const elements = [...shown.querySelectorAll("*")];
          for (const each of elements) for (const name of ["mouseover", "focus", "click"]) {
            try { each.dispatchEvent(new Event(name)); } catch { /* code of the author's */ }
          }
          return {
            structure: elements.map((each) => each.localName + " " + each.getAttributeNames()),
            texts: elements.filter((each) => each.localName === "i").map((i) => i.textContent),
          };
        })""",
        kind,
    )

    assert tab.evaluate("new Promise((done) => setTimeout(() => done(window.PWN)))") is None
    assert len(results) == len(pages)
    for value, result in zip(VALUES, results[1:], strict=True):
        assert result["structure"] == results[0]["structure"], value
        # Strings of Handlebars have one escape, of their quotes.
        if engine != "Handlebars" or not ("</script" in value or value.endswith("\\")):
            assert set(result["texts"]) <= {value}


@pytest.mark.parametrize(
    "html",
    [
        "<p title=\"{{f \"${v}\"}}\">x</p>",
        "<p {{f '${v}'}}>x</p>",
        "<p onclick=\"f('{{x '${v}'}}')\">x</p>",
        "<style>a { b: '{{f '${v}'}}' }</style>",
    ],
)  # fmt: skip
def test_an_expression_that_is_other_markup_needs_the_name_of_its_engine(html: str) -> None:
    template = f"<script type=text/template>{html}</script>"
    for scripts, refused in (
        ("<script src=own.js></script>", True),
        ("<script src=handlebars.js></script><script src=underscore.js></script>", False),
    ):
        page = compile_page(scripts + template)

        messages = [each.message for each in page_problems(page, FILE, ["v"])]

        assert bool(messages) is refused
        assert all("${v|raw}" in message for message in messages)
        assert any("an expression of a template" in message for message in messages) is refused
