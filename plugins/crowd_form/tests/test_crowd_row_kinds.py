"""Rows whose pages differ in shown texts alone are checked once, and nothing is missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from famulus_crowd_form.checks import _Pages
from famulus_crowd_form.options import CrowdFormArgs
from famulus_crowd_form.page_files import files_beside
from famulus_crowd_form.row_kinds import RowKinds
from famulus_crowd_form.template import compile_template

OUTPUT = "{{ task.input.v }}"
FORM = "<crowd-form><crowd-input name=a></crowd-input>%s</crowd-form>"
SHOWN = [
    OUTPUT,
    "{{ task.input['v'] | strip | escape }}",
    f'<p title="a {OUTPUT}" data-x="{OUTPUT}" onclick="f(\'{OUTPUT}\')">x</p>',
    f'<img src="https://example.org/{OUTPUT}.png">',
    f'<input name=b value="{OUTPUT}"><textarea name=c>{OUTPUT}</textarea>',
    f'<crowd-classifier name=b header="{OUTPUT}" categories="[1, 2]">'
    f"<classification-target>{OUTPUT}</classification-target></crowd-classifier>",
    f'<crowd-entity-annotation name=b text="{OUTPUT}" labels="[1]"></crowd-entity-annotation>',
    f"<script>f('{OUTPUT}', {OUTPUT})</script><!-- {OUTPUT} -->",
]
EXACT = [
    "{% if task.input.v == 'a' %}<crowd-input name=a></crowd-input>{% endif %}",
    "{{ task.input.v | skip_autoescape }}",
    "{{ task.input.v | split: ',' | last | plus: 1 }}",
    "{% for each in task.input.v %}<crowd-input name='{{ each }}'></crowd-input>{% endfor %}",
    f'<crowd-input name="{OUTPUT}"></crowd-input>',
    f'<crowd-classifier name=b categories="{OUTPUT}"></crowd-classifier>',
    "<crowd-entity-annotation name=b text='{{ task.input.v }}' labels='[1]' initial-value="
    '\'[{"startOffset": 0, "endOffset": 3, "label": 1}]\'></crowd-entity-annotation>',
    f'<input name="{OUTPUT}">',
    f"<style>p {{ color: {OUTPUT} }}</style>",
    f'<p style="color: {OUTPUT}">x</p>',
    f'<img src="pictures/{OUTPUT}.png">',
    f"<{OUTPUT} a={OUTPUT}>",
]
EITHER = [f'<img src="{OUTPUT}">', f'<crowd-bounding-box name=b src="{OUTPUT}" labels="[1]">']
VALUES: list[Any] = [
    *("b", "c d", "", " ", "a", "https://x.org/1.png", "https://x.org/2.png", "s3://b/1.png"),
    *(
        "lost.png",
        "lost.png",
        "../x",
        "javascript:f()",
        "red",
        "a;b",
        "\\",
        "<b>",
        "'\"{{",
        "--><p",
    ),
    *(7, 7.5, True, None, ["a"], ["b", "c"], {"a": 1}, '["x", "x"]', "['p', 'q']", "[1, 2]", "a,2"),
]


def _problems(template: str, folder: Path, *, of_all: bool) -> list[str]:
    path = folder / "task.html"
    compiled = compile_template(FORM % template)
    args = CrowdFormArgs(task_source=path)
    pages = _Pages(compiled, files_beside(path, compiled, None), args)
    for place, value in enumerate(VALUES):
        if of_all:
            pages._good.clear()
        pages.see(place, {"v": value})
    return [str(problem) for problem in pages.problems()]


@pytest.mark.parametrize("template", [*SHOWN, *EXACT, *EITHER])
def test_no_fault_of_a_row_is_missed(template: str, tmp_path: Path) -> None:
    assert _problems(template, tmp_path, of_all=False) == _problems(template, tmp_path, of_all=True)


def _kinds(template: str) -> RowKinds:
    kinds = RowKinds.of_template(compile_template(FORM % template))
    assert kinds is not None
    return kinds


@pytest.mark.parametrize("template", SHOWN)
def test_rows_that_differ_in_shown_text_are_of_one_kind(template: str) -> None:
    kinds = _kinds(template)

    assert kinds.kind({"v": "a"}) == kinds.kind({"v": "<b>", "w": 1})
    assert kinds.kind({"v": "a"}) != kinds.kind({"v": " "})
    assert kinds.kind({"v": "a"}) != kinds.kind({"v": ["a"]})


@pytest.mark.parametrize("template", EXACT)
def test_rows_that_differ_in_what_decides_are_of_two(template: str) -> None:
    kinds = _kinds(template)

    assert kinds.kind({"v": "a"}) != kinds.kind({"v": "b"})
    assert kinds.kind({"v": 1}) != kinds.kind({"v": True})


@pytest.mark.parametrize("template", EITHER)
def test_addresses_of_other_hosts_are_of_one_kind(template: str) -> None:
    kinds = _kinds(template)

    assert kinds.kind({"v": "https://x.org/a.png"}) == kinds.kind({"v": "http://y.org/b"})
    assert kinds.kind({"v": "a.png"}) != kinds.kind({"v": "b.png"})
    assert kinds.kind({"v": "https://x.org/a b"}) != kinds.kind({"v": "https://x.org/a.png"})


def test_a_template_that_reads_any_column_has_no_kinds() -> None:
    template = compile_template(FORM % "{% for each in task.input %}{{ each }}{% endfor %}")

    assert RowKinds.of_template(template) is None
