"""Liquid templates: values are escaped where they stand, and faults have a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from liquid.exceptions import LiquidError

from famulus_crowd_form.template import compile_template, problem_of


def rendered(template: str, **row: Any) -> str:
    return compile_template(template).render(row)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ task.input.x }}", "&lt;b&gt; &#34;&amp;&#39;"),
        ("{{ task.input.x | escape }}", "&lt;b&gt; &#34;&amp;&#39;"),
        ("{{ task.input.x | skip_autoescape }}", "<b> \"&'"),
        ("{{ task.input.x | grant_read_access }}", "&lt;b&gt; &#34;&amp;&#39;"),
        ("{{ task.input['x'] | upcase | slice: 1 }}", "B"),
        ("{% if task.input.x contains 'b' %}yes{% else %}no{% endif %}", "yes"),
        ("{% for each in task.input.l %}{{ forloop.index }}{{ each }}{% endfor %}", "1a2&lt;"),
        ("<p title='{{ task.input.x }}'>", "<p title='&lt;b&gt; &#34;&amp;&#39;'>"),
        ("<p title={{ task.input.x }}>", "<p title=&lt;b&gt;&#32;&#34;&amp;&#39;>"),
        ("<p data-l='{{ task.input.l | to_json }}'>", "<p data-l='[&#34;a&#34;, &#34;&lt;&#34;]'>"),
        ("{% raw %}{{ task.input.x }}{% endraw %}", "{{ task.input.x }}"),
        ("{{ task.input.l }}", "[&#34;a&#34;, &#34;&lt;&#34;]"),
        ("<p data-l='{{ task.input.l }}'>", "<p data-l='[&#34;a&#34;, &#34;&lt;&#34;]'>"),
        ("{{ task.input.l[0] }}{{ task.input.l.size }}", "a2"),
        ("{{ task.input.l | join: '-' }}", "a-&lt;"),
        (
            "{% assign n = task.input.l.size | minus: 1 %}{% for i in (0..n) %}{{ i }}{% endfor %}",
            "01",
        ),
        ("{{ 'a &amp; b' | escape_once }}", "a &amp; b"),
        ("{{ 's3://b/k' | s3_presign }}", "s3://b/k"),
    ],
)
def test_values_are_text(source: str, expected: str) -> None:
    assert rendered(source, x="<b> \"&'", l=["a", "<"]) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("${x}", "&lt;b&gt; &#34;&amp;&#39;"),
        ("<p>${ x }</p><!-- ${x} ${y} -->", "<p>&lt;b&gt; &#34;&amp;&#39;</p><!-- ${x} ${y} -->"),
        ("<p title=${x}>", "<p title=&lt;b&gt;&#32;&#34;&amp;&#39;>"),
        ("<p class='${a-1} ${Long name}'>", "<p class='2 n'>"),
        ("<script>f('${x}')</script>", r"<script>f('\u003cb\u003e \u0022\u0026\u0027')</script>"),
        ("<script>f(`${i} ${j + 1} ${a-1}`)</script>", "<script>f(`${i} ${j + 1} 2`)</script>"),
        (
            "<script>f(${l}, '${l}')</script>",
            r"""<script>f(["a", "\u003c"], '[\u0022a\u0022, \u0022\u003c\u0022]')</script>""",
        ),
        ("{% raw %}${x}{% endraw %}{% if true %}{{ '${x}' }}{% endif %}", "${x}${x}"),
        (
            "<script>f(${a-1}, ${x})</script>",
            r'<script>f(2, "\u003cb\u003e \u0022\u0026\u0027")</script>',
        ),
        (
            "<script type=text/template><i>${x}</i></script>",
            "<script type=text/template><i>&lt;b&gt; &#34;&amp;&#39;</i></script>",
        ),
        ("$x {x} ${} ${", "$x {x} ${} ${"),
    ],
)
def test_placeholders_of_mturk_are_values(source: str, expected: str) -> None:
    assert (
        rendered(source, **{"x": "<b> \"&'", "a-1": 2, "Long name": "n", "l": '["a", "<"]'})
        == expected
    )


def test_columns_of_placeholders_are_needed_outside_of_scripts() -> None:
    template = compile_template("<p>\n${x}</p><script>`${i}`</script>")

    assert template.needed == {"x"}
    assert {(each.column, each.line) for each in template.variables} >= {("x", 2)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<script>f(`${x} {{ task.input.y }}`)</script>", "<script>f(`${x} 2`)</script>"),
        ("{% if task.input.y %}${x}{% endif %}<b title='${x}'>", "${x}<b title='${x}'>"),
        ("{{ task['input'].y }} ${ x }", "2 ${ x }"),
        ("<!-- ${x} {{ task.input.y }} --> ${x}", "<!-- ${x} 2 --> 1"),
        ("{% raw %}{{ task.input.y }}{% endraw %} ${x}", "{{ task.input.y }} 1"),
        ("{% comment %}{{ task.input.y }}{% endcomment %} ${x}", " 1"),
        ("{{ 'x' }} <b>task.input.y</b> ${x}", "x <b>task.input.y</b> 1"),
    ],
)
def test_placeholders_stay_in_a_template_of_ground_truth(source: str, expected: str) -> None:
    assert rendered(source, x=1, y=2) == expected


HOSTILE = "</script><b onx='1'>\"`${alert(1)}\\\n\u2028&#39;);//"


@pytest.mark.parametrize(
    "place",
    [
        '"{{ task.input.x }}"',
        "'a {{ task.input.x }} b'",
        "`{{ task.input.x }}`",
        "{{ task.input.x }}",
        "f({{ task.input.x }}, /['\"]/)",
        '"{{ task.input.x | escape }}"',
        "{{ task.input.x | to_json }}",
        "{{ task.input.x | to_json | skip_autoescape }}",
        "/* ' */ {{ task.input.x }} // {{ task.input.x | to_json }}",
        "'${x}' + `${x}` + ${x}",
    ],
)
def test_no_value_leaves_its_place_in_a_script(place: str) -> None:
    page = rendered(f"<script>const x = {place};</script><p>", x=HOSTILE)

    content = page.removeprefix("<script>const x = ").removesuffix(";</script><p>")
    assert not set("<>\n\u2028") & set(content)
    assert content.count("`") in (0, 2)
    assert "${" not in content
    if "task.input.x | to_json" in place and "//" not in place:
        assert json.loads(content) == HOSTILE


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("<script>n = {{ task.input.x }}</script>", "5", "<script>n = 5</script>"),
        ("<script>n = {{ task.input.x }}</script>", 5.5, "<script>n = 5.5</script>"),
        ("<script>n = {{ task.input.x }}</script>", True, "<script>n = true</script>"),
        ("<script>n = {{ task.input.x }}</script>", "a()", '<script>n = "a()"</script>'),
        ("<script>n = {{ task.input.y }}</script>", "", "<script>n = null</script>"),
        ("<b onclick='f(`{{ task.input.x }}`)'>", "`);g", "<b onclick='f(`\\u0060);g`)'>"),
        ('<b onclick="f({{ task.input.x }})">', "g()", '<b onclick="f(&#34;g()&#34;)">'),
        ('<a href="{{ task.input.x }}">', "java\tscript:f()", '<a href="about:invalid">'),
        ('<a href="{{ task.input.x }}">', "https://a/?a&b", '<a href="https://a/?a&amp;b">'),
        ('<img src="{{ task.input.x }}">', "data:text/html,x", '<img src="about:invalid">'),
        ("<iframe srcdoc='{{ task.input.x }}'>", "<b>", "<iframe srcdoc='&amp;lt;b&amp;gt;'>"),
        ("<input {{ task.input.x }}>", "a onx=b", "<input a&#32;onx&#61;b>"),
        ("<script type=a/json>[{{ task.input.x }}]", "<", '<script type=a/json>["\\u0026lt;"]'),
    ],
)  # fmt: skip
def test_values_are_escaped_for_their_place(source: str, value: Any, expected: str) -> None:
    assert rendered(source, x=value) == expected


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("<style>b { color: {{ task.input.x }} }", "#1e7a3c", "<style>b { color: #1e7a3c }"),
        ("<b style='width: {{ task.input.x }}'>", "12.5%", "<b style='width: 12.5%'>"),
        ("<b style='width: {{ task.input.x }}%'>", 12, "<b style='width: 12%'>"),
        ("<b style=width:{{ task.input.x }}>", "1;", "<b style=width:1\\3b&#32;>"),
        ("<style>{{ task.input.x | skip_autoescape }}", "b {}", "<style>b {}"),
        ("<style>b { content: '{{ task.input.x }}' }", "it's", "<style>b { content: 'it\\27 s' }"),
        ("{% cycle task.input.x, 'b' %}", "<", "&lt;"),
        ("<script>{% cycle 'g': 'a', \"b\", 3, true %}</script>", "", "<script>a</script>"),
    ],
)
def test_values_in_styles_are_words_numbers_colours_or_strings(
    source: str, value: Any, expected: str
) -> None:
    assert rendered(source, x=value) == expected


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [
        ("color: red", True),
        (" color:rgb(1, 2, 3); --a: calc(1px + var(--b)) !important;", True),
        ("red", True),
        ("background: url(//b)", False),
        ("background: image-set('b' 1x)", False),
        ("color: red} b { color: red", False),
        ("color: red /* ", False),
        ("color: xrgb(1)", False),
        ("width: expression(1)", False),
        ("@import b", False),
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        "<b style='%s'>",
        "<b style='a: b; {% if task.input.y != '' %}{{ task.input.y }}{% else %}%s{% endif %}'>",
        "<style>b { %s } </style>",
        "<style>i { a: 'x;' } b { a: b; /* ' */ %s } </style>",
    ],
)
def test_declarations_from_data_work_if_they_load_nothing(
    place: str, value: str, is_kept: bool
) -> None:
    page = rendered(place.replace("%s", "{{ task.input.x }}"), x=value, y="")

    assert (value in page) is is_kept


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("color: %s", "rgb(1 2 3 / 50%)", "rgb(1 2 3 / 50%)"),
        ("font: a%s", ", b c", ", b c"),
        ("color: %s", "red; a: b", r"red\3b \20 a\3a \20 b"),
        ("background: url(%s)", "a b.png", r"a\20 b\2e png"),
        ("background: url(i/%s)", "rgb(1)", r"rgb\28 1\29 "),
        ("background: url( '%s')", "https://a", r"https\3a \2f \2f a"),
        ("background: url(%s)", "data:image/png,a", r"about\3a invalid"),
        ("background: image-set('a' 1x, '%s' 2x)", "ftp://a", r"about\3a invalid"),
        ("background: url({{ task.input.y }}%s)", ":text/css,a", r"about\3a invalid"),
        ("content: '%s'", "color: red", r"color\3a \20 red"),
    ],
)
def test_what_is_from_data_in_a_declaration_stays_in_its_place(
    place: str, value: str, expected: str
) -> None:
    for around in ('<b style="{}">', "<style>b {{ {} }}</style>"):
        before, after = around.format(place).split("%s")
        page = rendered(f"{before}{{{{ task.input.x }}}}{after}", x=value, y="")

        assert page == before.replace("{{ task.input.y }}", "") + expected + after


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a.css", r"a\2e css"),
        ("data:text/css,b{}", r"about\3a invalid"),
        ("a.css:b", r"about\3a invalid"),
    ],
)
def test_a_style_sheet_from_data_is_an_address(value: str, expected: str) -> None:
    page = rendered("<style>@import '{{ task.input.x }}';", x=value)

    assert page == f"<style>@import '{expected}';"


@pytest.mark.parametrize(
    "address",
    [
        "{{ task.input.x }}{{ task.input.y }}",
        "{% if task.input.x %}{{ task.input.x }}{% endif %}{{ task.input.y }}",
        "{% unless task.input.x %}{% else %}{{ task.input.x }}{{ task.input.y }}{% endunless %}",
    ],
)
@pytest.mark.parametrize(
    ("x", "y"), [("javascript:f()", ""), ("java", "script:f()"), ("javascript", "\t:f()")]
)
def test_an_address_of_several_values_runs_no_code(address: str, x: str, y: str) -> None:
    assert "about:invalid" in rendered(f'<a href="{address}">', x=x, y=y)


@pytest.mark.parametrize("place", ["{{ task.input.x }}", "'{{ task.input.x }}'"])
@pytest.mark.parametrize("around", ["<style>b { color: %s }</style>", '<b style="color: %s">'])
def test_no_value_leaves_its_place_in_a_style(around: str, place: str) -> None:
    before, after = around.split("%s")

    page = rendered(around % place, x="red; } </style> a{background:url(//b)}'\"\\\n&#59;")

    content = page.removeprefix(before).removesuffix(after).strip("'")
    assert not set("<>;{}()'\"&#:/\n") & set(content)


def test_the_object_of_an_input_manifest_is_found() -> None:
    template = "{{ task.input.taskObject }}"

    assert rendered(template, source="a") == "a"
    assert rendered(template, **{"source-ref": "b.png"}) == "b.png"
    assert rendered(template, taskObject="c", source="a") == "c"


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("\n{{ task.input.x | nope }}", 2, "unknown filter 'nope': leave it out"),
        ("\n{{ task.input.x | upcasee }}", 2, "did you mean upcase?"),
        ("\n\n{% include 'secret' %}", 3, "{% include %} does not work here"),
        ("{% render 'secret' %}", 1, "{% render %} does not work here"),
        ("\n{% echo task.input.x %}", 2, "{% echo %} does not work here"),
        ("\n{{ task.input.x\n", 2, "is never closed: write }} behind it"),
        ("{{ x }}\n{% if x\n", 2, "is never closed: write %} behind it"),
        ("\n{% if x %}\na", 2, "write {% endif %} where it ends"),
        ("{% for x in y %}\n{% if x %}\n{% endfor %}", 3, "write {% endif %} before it"),
        ("{% for x in y %}{% if x %}\n\n", 1, "{% if x %} is never closed"),
        ("\n{% raw %}{% if x %}", 2, "write {% endraw %} where it ends"),
        ("\n{% endfor %}", 2, "closes nothing: leave it out"),
        ("\n{% else %}", 2, "stands outside of {% if %}"),
        ("{% if x %}\n{% when 'a' %}{% endif %}", 2, "stands outside of {% case %}"),
        ("\n{% for x in %}{% endfor %}", 2, "as in {% for item in task.input.column %}"),
        ("\n{% assign x = %}", 2, "as in {% assign name = task.input.column %}"),
        ("\n{% tablerow x in %}{% endtablerow %}", 2, "as in {% tablerow item in"),
        ("{% if x %}\n{% elsif x == %}{% endif %}", 2, "as in {% elsif task.input.column =="),
        ("{% case x %}\n{% when %}{% endcase %}", 2, "as in {% when 'text' %}"),
        ("\n{{ }}", 2, "as in {{ task.input.column }}"),
        ("\n{% elseif x %}", 2, "did you mean {% elsif %}?"),
        ("<script>\n{% cycle task.input.x, 'b' %}</script>", 2, "{% cycle %} of values"),
        ("\n<b onclick='{% cycle g: \"a\", x %}'>", 2, "{% cycle %} of values"),
        ("<style>\n{%- cycle x -%}</style>", 2, "{% cycle %} of values"),
        ("\n{% if %}{% endif %}", 2, "missing expression"),
        ("{% unheard %}", 1, "there is no tag {% unheard %}: leave it out"),
        ("<style>\n@import {{ x }};</style>", 2, 'write @import "{{ x }}"'),
    ],
)
def test_a_fault_of_a_template_has_a_line(source: str, line: int, words: str) -> None:
    with pytest.raises(LiquidError) as caught:
        compile_template(source)

    problem = problem_of(caught.value, Path("task.html"))
    assert problem.line == line
    assert words in problem.message


def test_no_row_makes_a_page_without_end() -> None:
    loop = "{% for a in task.input.l %}{% for b in task.input.l %}x{% endfor %}{% endfor %}"

    with pytest.raises(LiquidError, match="limit"):
        rendered(loop, l=[*range(1_000)])
