"""Elements that collect no answers here are refused, or at least warned of."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

import famulus
from famulus.contracts.plan import Role
from famulus_static_html.blueprint import StaticTaskBlueprint
from famulus_static_html.options import SharedStaticTaskState, StaticTaskArgs
from famulus_static_html.page import compile_page

TEMPLATE = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form>
  <crowd-image-classifier name="c" src="{{ task.input.taskObject | grant_read_access }}"
    categories="{{ task.input.labels | to_json | escape }}">
    <full-instructions>{% for each in task.input.labels %}<b>{{ each }}</b>{% endfor %}
    </full-instructions>
  </crowd-image-classifier>
  <crowd-input name="a"></crowd-input><crowd-input name="b"></crowd-input>
</crowd-form>
"""


def test_a_template_of_ground_truth_is_refused_with_every_line() -> None:
    problems = compile_page(TEMPLATE, Path("task.html")).problems

    assert [(problem.line, problem.message.split(" is an ")[0]) for problem in problems] == [
        (2, "<crowd-form>"),
        (3, "<crowd-image-classifier>"),
        (3, "{{ task.input.taskObject | grant_read_access }}"),
        (4, "{{ task.input.labels | to_json | escape }}"),
        (5, "{% for each in task.input.labels %}"),
        (8, "<crowd-input>"),
    ]
    assert {problem.file for problem in problems} == {Path("task.html")}


@pytest.mark.parametrize(
    "html",
    [
        "<p>{{task.input.x}}</p>",
        "<p>{{- task.input['x'] -}}</p>",
        "<p>{{ 'a' | append: task.input.x }}</p>",
        "<p>{% if task.input.x == 'a' %}</p>",
        "<script>let x = {{ task.input.x | to_json }};</script>",
        "<script type='application/json'>{{ task.input }}</script>",
        "<textarea name=a>{{ task.input.x }}</textarea>",
        "<style>p { color: {{ task.input.x }} }</style>",
        "<template>{{ task.input.x }}</template>",
        "<Crowd-Form></Crowd-Form>",
    ],
)
def test_placeholders_and_elements_of_other_platforms_are_refused(html: str) -> None:
    [problem] = compile_page(f"<p>\n</p>{html}").problems

    assert (problem.line, problem.warning) == (2, False)


@pytest.mark.parametrize(
    "html",
    [
        "<p>{{ title }} {{ task.title }} {% raw %}</p>",
        "<script type='text/template'>{{ task.input.x }}<crowd-form></crowd-form></script>",
        "<script type='text/x-handlebars'>{{#each items}}{{ task.input }}{{/each}}</script>",
        "<!-- <crowd-form> {{ task.input.x }} -->",
        "<p>task.input.x</p><my-crowd-form></my-crowd-form>",
    ],
)
def test_an_authors_own_templates_are_left_alone(html: str) -> None:
    assert compile_page(html).problems == ()


def _warnings(folder: Path, page: str, **args: Any) -> list[str]:
    (folder / "task.html").write_text(page)
    state = SharedStaticTaskState(static_task_data=[{"x": "1"}], validate_onboarding=bool)
    context = famulus.Context(
        database=cast("Any", None), clock=famulus.system_clock, shared_state=state
    )
    blueprint = StaticTaskBlueprint(
        StaticTaskArgs(task_source=folder / "task.html", **args), context
    )
    plan = famulus.Plan(
        task=famulus.TaskArgs(task_reward=Decimal("0.3")),
        blueprint=Role(type="static_task", args=blueprint.args),
        architect=Role(type="local", args=None),
        provider=Role(type="mock", args=None),
        shared_state=state,
        task_dir=Path(),
    )
    problems = blueprint.problems(plan)
    assert all(problem.warning for problem in problems)
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    "page",
    [
        "<p>x</p>",
        "<input><input name=''><input type=button name=a><input type=reset name=a>",
        "<script>document.write('<input name=a>')</script>",
        "<template><input name=a></template>",
        "<!-- <input name=a> --><div name=a></div>",
    ],
)
def test_a_page_without_a_named_field_is_doubtful(tmp_path: Path, page: str) -> None:
    assert _warnings(tmp_path, page) == [
        f"{tmp_path / 'task.html'}: has no field with a name, so that no answer is collected "
        "unless a script of the page makes fields"
    ]


@pytest.mark.parametrize(
    "page",
    [
        "<input name=a>",
        "<INPUT type=hidden NAME=a>",
        "<input type=submit name=a value=yes>",
        "<select name=a></select>",
        "<textarea name='q_${x}'></textarea>",
        "<button name=a value=yes>Yes</button>",
        "<my-field name=a></my-field>",
        "${x|raw}",
    ],
)
def test_a_named_field_is_enough(tmp_path: Path, page: str) -> None:
    assert _warnings(tmp_path, page) == []


def test_an_onboarding_without_a_field_is_doubtful_and_a_preview_is_not(tmp_path: Path) -> None:
    other = tmp_path / "other.html"
    other.write_text("<p>x</p>")

    assert _warnings(tmp_path, "<input name=a>", preview_source=other) == []
    [warning] = _warnings(
        tmp_path, "<input name=a>", onboarding_source=other, onboarding_qualification="q"
    )
    assert warning.startswith(f"{other}: has no field")
