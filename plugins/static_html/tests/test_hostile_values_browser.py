"""Hostile values in a browser, in every kind of place: no code runs, no address changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route
from playwright.sync_api import Page as Tab

from famulus_static_html.page import compile_page

pytestmark = pytest.mark.browser

# What is refused (imports, handlers, import maps …) is rendered all the same: a generator's rows
# are only known when they come.
ROWS = [
    "<p>${v}</p>",
    "<pre>${v}</pre>",
    "<textarea>${v}</textarea>",
    "<p>&${v};</p>",
    '<p title="${v}">x</p>',
    "<p title='${v}'>x</p>",
    "<input name='${v}' value='${v}'>",
    "<p style='color: ${v}'>x</p>",
    "<p style='background: url(\"${v}\")'>x</p>",
    "<style>p { color: ${v} }</style>",
    "<style>p::before { content: '${v}' }</style>",
    "<style>@import '${v}';</style>",
    "<style>@import url(${v});</style>",
    "<a href='${v}'>x</a>",
    "<img src='${v}'>",
    "<img srcset='${v} 2x'>",
    "<video src='${v}' poster='${v}'></video>",
    "<iframe src='${v}'></iframe>",
    "<embed src='${v}'>",
    "<object data='${v}'></object>",
    "<svg><use href='${v}'/></svg>",
    "<svg><image href='${v}'/></svg>",
    "<svg><title>${v}</title><a href='${v}'><text>x</text></a></svg>",
    "<p onclick='f(\"${v}\")' onmouseover='f(${v})' onfocus='f(`${v}`)' tabindex=0>x</p>",
    "<p onclick='f(&quot;${v}&quot;)' onmouseover=f('${v}') onfocus=f(${v}) tabindex=0>x</p>",
    "<p title=${v} onmouseover='f(\"${v}\", [${v}])'>x</p>",
    "<script src='lang/${v}.js'></script>",
    "<script src='/lang/${v}/a.js'></script>",
    "<link rel=stylesheet href='themes/${v}.css'>",
    "<script>let v = '${v}', w = \"${v}\", x = `${v}`, y = /${v}/, z = ${v};</script>",
    "<script>// ${v}\n/* ${v} */ let v = '<!-- <script' + '${v}';</script>",
    "<script type=module>import '${v}'</script>",
    "<script type=module>import('${v}').catch(() => 0)</script>",
    "<script>try { eval('${v}') } catch { /* the author's own text */ }</script>",
    "<script>setTimeout('${v}')</script>",
    '<script type="importmap">{"imports": {"a": "${v}"}}</script><script type=module>'
    "import('a').catch(() => 0)</script>",
    "<script type='application/json'>{\"v\": ${v}}</script>",
]  # fmt: skip
VALUES = [
    "</script><script>window.PWN = 1</script>",
    "\"><img src=x onerror='window.PWN = 1'>",
    "' onmouseover='window.PWN=1' onfocus='window.PWN=1' \" onmouseover=\"window.PWN=1\" `",
    "';window.PWN=1;'\";window.PWN=1;\"`;window.PWN=1;`${window.PWN=1}",
    '");window.PWN=1;("',
    "\\'; window.PWN = 1; //",
    "*/ window.PWN = 1 /*",
    "window.PWN = 1",
    "-->]]></style></title></textarea></pre></svg><script>window.PWN=1</script>",
    "javascript:window.top.PWN=1",
    " \x01JAVA\tscript\n:window.top.PWN=1",
    "data:text/html,<script>parent.PWN=1</script>",
    "data:text/javascript,window.PWN=1",
    "data:text/css,*{--pwn:1}",
    "//evil.test/x",
    "https://evil.test/x#",
    "../evil/x",
    "%2e%2e/%2e%2e/evil/x?",
    "} @import '//evil.test/x'; p { color: red",
]


_SITE = "http://page.test"
#: What the author has written, the placeholder itself among it, which stays where it is refused.
_OWN = (
    f"{_SITE}/run/7/lang/",
    f"{_SITE}/lang/",
    f"{_SITE}/run/7/themes/",
    f"{_SITE}/run/7/$%7Bv%7D",
)


class _Network:
    """Serves no page, and from addresses that no author has named, code that reports itself."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def __call__(self, route: Route) -> None:
        request = route.request
        self.loaded.append(f"{request.resource_type} {request.url}")
        if request.resource_type == "script":
            route.fulfill(content_type="text/javascript", body="window.top.PWN = 1")
        else:
            route.fulfill(content_type="text/html", body="")


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    tab = browser.new_page()
    yield tab
    tab.close()


@pytest.mark.parametrize("html", ROWS)
def test_no_value_runs_or_loads_code(tab: Tab, html: str) -> None:
    network = _Network()
    tab.route("**/*", network)
    compiled = compile_page(html)
    pages = [compiled.render({"v": value}) for value in VALUES]
    tab.goto(f"{_SITE}/run/7/")
    network.loaded.clear()

    tab.set_content(
        f"<!doctype html><html><head>{''.join(page.head for page in pages)}</head><body><form>"
        f"{''.join(page.body for page in pages)}</form>{''.join(page.scripts for page in pages)}"
        "</body></html>"
    )
    tab.evaluate("""() => document.querySelectorAll("body *").forEach((each) => {
      for (const name of ["mouseover", "focus"]) each.dispatchEvent(new Event(name));
    })""")
    tab.evaluate("() => new Promise((done) => setTimeout(done))")

    code = [each for each in network.loaded if each.startswith(("script ", "stylesheet "))]
    assert [each for each in code if not each.partition(" ")[2].startswith(_OWN)] == []
    if not any(each.startswith("script ") for each in code):
        assert tab.evaluate("window.PWN") is None
    assert tab.evaluate("""() => [...document.querySelectorAll("a")].every(
      (a) => !/^(javascript|data):/.test(a.href.baseVal ?? a.href))""")


# As Vue and AngularJS do, it evaluates expressions in what the browser has read of the page.
_ENGINE = """() => {
  const evaluated = (text) => text.replace(/\\{\\{([^]*?)\\}\\}/g, (_, code) => {
    try { return new Function("f", `return (${code})`)((value) => value); } catch { return "?"; }
  });
  const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (nodes.nextNode()) nodes.currentNode.data = evaluated(nodes.currentNode.data);
  for (const each of document.querySelectorAll("body *"))
    for (const attribute of each.attributes) attribute.value = evaluated(attribute.value);
}"""
_EVALUATED = [
    "<p>{{ f('${v}') }}</p>",
    '<p>{{ f("${v}") }}</p>',
    "<p>{{ f(`${v}`) }}</p>",
    "<p>{{ f(&quot;${v}&quot;) }}</p>",
    "<p>&#123;{ f('${v}') }&#125;</p>",
    "<p>{{ f(${v|text}) }}</p>",
    "<p>{{ ${v|text} }}</p>",
    "<textarea>{{ f('${v}') }}</textarea>",
    "<p title='{{ f(\"${v}\") }}'></p>",
    "<p title=\"{{ '${v}' }}\"></p>",
    '<p title="{{ f(${v|text}) }}"></p>',
    "<p title='{{ f(&#39;${v}&#39;) }}'></p>",
]


@pytest.mark.parametrize("html", _EVALUATED)
def test_an_engine_that_evaluates_the_page_reads_each_value_as_one_string(
    tab: Tab, html: str
) -> None:
    compiled = compile_page(f"<script src=angular.min.js></script>{html}")
    values = [*VALUES, "it's", "}} {{ window.PWN = 1 }}", "a\\", "a\nb"]
    pages = [compiled.render({"v": value}).body.partition("</script>")[2] for value in values]

    tab.set_content(f"<!doctype html><body><main>{''.join(pages)}</main></body>")
    tab.evaluate(_ENGINE)

    read = tab.evaluate(
        "[...document.querySelector('main').children].map((e) => e.title || e.textContent)"
    )
    assert read == values
    assert tab.evaluate("window.PWN") is None
