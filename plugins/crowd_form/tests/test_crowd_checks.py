"""What `check` says of a template before any row is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from famulus_crowd_form.checks import _element_problems, _literal_columns
from famulus_crowd_form.styles import style_faults
from famulus_crowd_form.template import compile_template

INPUT = '<crowd-input name="a"></crowd-input>\n'


@pytest.mark.parametrize(
    ("source", "words", "is_warning"),
    [
        ("<crowd-polyline name=a>", "use <crowd-bounding-box>", False),
        ("<crowd-keypoint name=a>", "use <crowd-bounding-box>", False),
        ("<crowd-textract-analyze-document>", "use <crowd-input> for each value", False),
        ("<crowd-3d-point-cloud>", "nothing for three dimensions", False),
        ("<crowd-unheard>", "use ordinary HTML", False),
        ("<script>e.innerHTML = '<crowd-input>'</script>", "which get no fields", True),
        ("<script>e.innerHTML = '<crowd-card-of-mine>'</script>", "which get no fields", True),
        ("<script>e.shadowRoot.firstChild</script>", "uses shadowRoot", True),
        ("<script>e.labels = []</script>", "sets labels or categories", True),
        ("<script>e.categories=['x']</script>", "sets labels or categories", True),
    ],
)
def test_what_has_no_effect_is_named_with_its_line(
    source: str, words: str, is_warning: bool
) -> None:
    [problem] = _element_problems(INPUT + source, Path("task.html"))

    assert (problem.line, problem.warning) == (2, is_warning)
    assert words in problem.message


@pytest.mark.parametrize(
    "source",
    [
        "<script>e.innerHTML = '<crowd-alert type=error>x</crowd-alert>'</script>",
        "<script>if (e.labels == x || e.labels === y) f(() => e.categories => 1)</script>",
        "<crowd-card></crowd-card><crowd-toggle-button name=b></crowd-toggle-button>",
        "<!-- <crowd-keypoint> -->",
    ],
)
def test_what_works_has_no_problem(source: str) -> None:
    assert [*_element_problems(INPUT + source, Path("task.html"))] == []


def test_the_name_of_a_column_that_stays_is_named_once() -> None:
    source = "{{ task.input.a }}\n<script>`${a} ${b} ${a} ${c}`</script>${the d}"
    template = compile_template(source)

    found = [*_literal_columns(template, Path("task.html"), ["a", "c", "the d", "e"])]

    assert [(each.line, each.warning) for each in found] == [(2, True)] * 3
    assert [each.message.partition(": ")[2] for each in found] == [
        "write {{ task.input.a }} if it stands for the column 'a'",
        "write {{ task.input.c }} if it stands for the column 'c'",
        "write {{ task.input[\"the d\"] }} if it stands for the column 'the d'",
    ]
    assert [*_literal_columns(compile_template("${a}"), Path("task.html"), ["a"])] == []


@pytest.mark.parametrize(
    ("source", "value", "words"),
    [
        ('\n<b style="{{ task.input.x }}">', "a: url(b)", ["'a: url(b)' of the data"]),
        ('\n<b style="a: {{ task.input.x }}">', "b; c: d", ["'b; c: d' of the data"]),
        ("<style>\n{{ task.input.x }}</style>", "b { c: d }", ["'b { c: d }' of the data"]),
        ("<style>\nb { {{ task.input.x }} }</style>", "@c", ["'@c' of the data"]),
        ('\n<b style="a: url({{ task.input.x }})">', "data:b", ["only relative addresses"]),
        ('\n<b style="{{ task.input.x }}">', "a: b", []),
        ('\n<b style="a: url({{ task.input.x }})">', "b c/d", []),
        ("<style>\nb { content: '{{ task.input.x }}' }</style>", "a: b", []),
        ("<style>\n#{{ task.input.x }} { a: b }</style>", "c:d", []),
        ("<style>\n.a\\:b { a: '\\201c ' }</style>", "c", []),
    ],
)
def test_what_has_no_effect_in_a_style_is_named(source: str, value: str, words: list[str]) -> None:
    found = [*style_faults(compile_template(source).render({"x": value}))]

    assert [line for line, _ in found] == [2] * len(words)
    assert all(word in fault for word, (_, fault) in zip(words, found, strict=True))
