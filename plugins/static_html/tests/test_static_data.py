"""Data as people have it: results of MTurk, other encodings, attributes in a column."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

import famulus
from famulus.contracts.plan import Role
from famulus.engine.pages import SUBMISSION_FIELD, TOKEN_FIELD
from famulus_static_html.attributes import switches
from famulus_static_html.blueprint import StaticTaskBlueprint
from famulus_static_html.markup import LoadedRows, MarkupWatch
from famulus_static_html.options import SharedStaticTaskState, StaticTaskArgs
from famulus_static_html.page import compile_page

WORKER = famulus.WorkerView(id=1, name="zoe", provider_type="mock")


def _task(folder: Path, page: str | bytes, data: str | bytes, **args: Any) -> StaticTaskBlueprint:
    for name, content in (("task.html", page), ("data.csv", data)):
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    context = famulus.Context(
        database=cast("Any", None), clock=famulus.system_clock, shared_state=SharedStaticTaskState()
    )
    page_file, data_file = folder / "task.html", folder / "data.csv"
    options = StaticTaskArgs(task_source=page_file, data_csv=data_file, **args)
    return StaticTaskBlueprint(options, context)


def _problems(task: StaticTaskBlueprint) -> list[famulus.Problem]:
    plan = famulus.Plan(
        task=famulus.TaskArgs(task_reward=Decimal("0.3")),
        blueprint=Role(type="static_task", args=task.args),
        architect=Role(type="local", args=None),
        provider=Role(type="mock", args=None),
        shared_state=SharedStaticTaskState(),
        task_dir=Path(),
    )
    return task.problems(plan)


def _bodies(task: StaticTaskBlueprint) -> list[str]:
    bodies = []
    for row in task.assignments():
        unit = famulus.UnitView(id=1, assignment_id=1, index=0, data=row)
        bodies.append(task.task_page(famulus.TaskView(agent_id=7, worker=WORKER, unit=unit)).body)
    return bodies


RESULTS = "Title,Input.text,Input.name,Answer.a,name\nJudge,<b>x</b>,no,1,n\n"


def test_results_of_mturk_are_data(tmp_path: Path) -> None:
    task = _task(tmp_path, "<p>${text} ${name} ${Title}</p><input name=a>", RESULTS)

    (warning,) = _problems(task)

    assert warning.warning
    assert "1 of 1 rows have markup" in warning.message
    assert _bodies(task)[0].startswith("<p>&lt;b&gt;x&lt;/b&gt; n Judge</p>")


@pytest.mark.parametrize("page", ["${Input.text}|${text}", "${Input.text}|${Input.text}"])
def test_columns_of_results_have_both_names(tmp_path: Path, page: str) -> None:
    task = _task(tmp_path, f"<p>{page}</p><input name=a>", "Input.text,Answer.a\nx,1\n")

    assert _problems(task) == []
    assert _bodies(task)[0].startswith("<p>x|x</p>")


def test_a_column_of_results_is_stored_once_and_in_both_ways_shown(tmp_path: Path) -> None:
    task = _task(tmp_path, "<p>${text}|${Input.text}</p><input name=a>", "Input.text\nx\n")
    stored = [{"Input.text": "x"}, {"text": "x", "Input.text": "x"}]

    assert list(task.assignments()) == stored[:1]
    for row in stored:
        unit = famulus.UnitView(id=1, assignment_id=1, index=0, data=row)
        view = famulus.TaskView(agent_id=7, worker=WORKER, unit=unit)
        assert task.task_page(view).body.startswith("<p>x|x</p>")
    assert task.preview_page(famulus.PreviewView(data=stored[0])).body.startswith("<p>x|x</p>")


def test_fields_that_a_column_of_results_brings_are_lists(tmp_path: Path) -> None:
    boxes = "<input type=checkbox name=k value=1><input type=checkbox name=k value=2>"
    task = _task(tmp_path, "<p>${text|raw}</p>", f"Input.text\n{boxes}\n")
    (row,) = task.assignments()
    unit = famulus.UnitView(id=1, assignment_id=1, index=0, data=row)
    attempt = famulus.AttemptView(agent_id=7, onboarding=False, unit=lambda: unit)

    answers = task.read_answers(famulus.Form(fields=[("k", "1")]), attempt)

    assert answers == {"k": ["1"]}


def test_a_name_that_results_do_not_have_is_refused(tmp_path: Path) -> None:
    (problem,) = _problems(_task(tmp_path, "<p>${txt}</p><input name=a>", RESULTS))

    assert "did you mean ${text}?" in problem.message


SWITCHED = "<p>\n<input name=a type=checkbox ${checked}>"


def test_a_value_that_names_an_attribute_is_inserted(tmp_path: Path) -> None:
    task = _task(tmp_path, SWITCHED, 'checked,n\nchecked,1\n,2\n"checked=""true"" disabled",3\n')

    assert _problems(task) == []
    assert [body.partition("checkbox ")[2] for body in _bodies(task)] == [
        "checked>",
        ">",
        "checked disabled>",
    ]


def test_a_value_in_the_place_of_an_attribute_of_a_template_is_refused(tmp_path: Path) -> None:
    page = f"<script type=text/template>{SWITCHED}</script>"

    problems = _problems(_task(tmp_path, page, "checked\nchecked\nonfocus=go()\n"))

    assert ["line 3 of data.csv" in one.message for one in problems if not one.warning] == [True]


def test_another_value_in_the_place_of_an_attribute_is_refused_and_trusted(tmp_path: Path) -> None:
    data = "checked\nchecked\nonfocus=go()\nvalue=x\n"

    (problem,) = _problems(_task(tmp_path, SWITCHED, data))

    assert (problem.warning, problem.file, problem.line) == (False, tmp_path / "task.html", 2)
    assert "line 3 of data.csv" in problem.message
    assert "(2 rows are like that)" in problem.message
    assert "${checked|raw}, or set blueprint.trust_data=true" in problem.message
    assert not any("go()" in body for body in _bodies(_task(tmp_path, SWITCHED, data)))
    trusted = _task(tmp_path, SWITCHED, data, trust_data=True)
    assert _problems(trusted) == []
    assert _bodies(trusted)[2].endswith("checkbox value=x>")


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("", ""),
        (None, ""),
        (" Checked ", "checked"),
        ("checked=checked required=''", "checked required"),
        ("checked=no", None),
        ("onclick", None),
        ("checked><script>", None),
        ("checked='\"", None),
        (True, None),
    ],
)
def test_attributes_without_a_value(value: Any, named: str | None) -> None:
    assert switches(value) == named


def test_pages_are_in_the_encoding_that_they_name(tmp_path: Path) -> None:
    page = '<meta charset="windows-1252"><p>café “${a}”</p>\r\n<input name=a>'
    task = _task(tmp_path, page.encode("windows-1252"), "a\n1\n")

    assert _problems(task) == []
    assert _bodies(task)[0].startswith("<p>café “1”</p>\n")


def test_pages_are_in_utf_16_or_in_a_question_of_the_api(tmp_path: Path) -> None:
    page = "<p>${a}</p><input name=a>"
    question = f"<HTMLQuestion><HTMLContent><![CDATA[{page}]]></HTMLContent></HTMLQuestion>"

    for content in (page.encode("utf-16"), question.encode()):
        task = _task(tmp_path, content, "a\n1\n")
        assert _problems(task) == []
        assert _bodies(task)[0].startswith("<p>1</p><input name=a>")


@pytest.mark.parametrize("charset", ["no-such", "utf-8"])
def test_a_page_in_no_encoding_that_it_names_is_refused(tmp_path: Path, charset: str) -> None:
    page = f"<meta charset={charset}>\n<p>café</p>".encode("windows-1252")

    problem = _problems(_task(tmp_path, page, "a\n1\n"))[0]

    assert (problem.line, "is not UTF-8" in problem.message) == (2, True)


def test_the_option_for_an_encoding_is_named_and_holds(tmp_path: Path) -> None:
    page, data = "<p>${a}</p><input name=b>", "a\r\nJürgen\r\n".encode("windows-1252")

    (problem,) = _problems(_task(tmp_path, page, data))
    task = _task(tmp_path, page, data, data_encoding="windows-1252")

    assert (problem.line, "blueprint.data_encoding=windows-1252" in problem.message) == (2, True)
    assert _problems(task) == []
    assert _bodies(task)[0].startswith("<p>Jürgen</p>")


def test_files_that_are_not_served_are_warnings_that_name_the_option(tmp_path: Path) -> None:
    page = (
        "<script src=a.js></script>\n<img src='b%20c.png?1'><img src=/d.png><img src=//x/e.png>\n"
        "<img src=${a}><a href=f.html>f</a><img src=data:,><link rel=icon href=#><input name=a>"
    )
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.js").touch()

    unset = _problems(_task(tmp_path, page, "a\n1\n"))
    named = _problems(_task(tmp_path, page, "a\n1\n", extra_source_dir=tmp_path / "files"))

    assert [(one.line, one.warning) for one in unset] == [
        (1, True),
        (2, True),
        (2, True),
        (3, True),
    ]
    assert f"a.js is not in {tmp_path}" in unset[0].message
    assert [one.line for one in named] == [2, 2, 3]
    assert "b c.png is not in" in named[0].message
    assert "/d.png is not in" in named[1].message
    assert "${a}: 1, the file of line 2, is not in" in named[2].message
    assert all("blueprint.extra_source_dir" in one.message for one in [*unset, *named])


@pytest.mark.parametrize("name", [TOKEN_FIELD, SUBMISSION_FIELD])
@pytest.mark.parametrize(
    ("page", "data", "place"),
    [
        ("<p>\n<input name='{name}'>", "a\n1\n", "<input>"),
        ("<p>\n<textarea name={name}></textarea>", "a\n1\n", "<textarea>"),
        ("<script type=text/html>\n<input name={name}></script>", "a\n1\n", "<input>"),
        ("<p>\n<input name='${{a}}'>", "a\nx\n{name}\n", "line 3 of data.csv"),
        ("<p>\n<input name='famulus_${{a}}'>", "Input.a\ntoken\nsubmission\n", "of data.csv"),
        ("<p>\n${{a|raw}}", "a\n<input name={name}>\n", "line 2 of data.csv"),
    ],
)
def test_a_field_with_a_name_of_the_frame_is_refused(
    tmp_path: Path, name: str, page: str, data: str, place: str
) -> None:
    task = _task(tmp_path, page.format(name=name), data.format(name=name))

    problem = next(one for one in _problems(task) if "is reserved" in one.message)

    assert (problem.file, problem.line, problem.warning) == (tmp_path / "task.html", 2, False)
    assert place in problem.message


@pytest.mark.parametrize("page", ["<p id=famulus_token><input name=token>", "<input name='${a}'>"])
def test_other_names_are_the_authors(tmp_path: Path, page: str) -> None:
    assert _problems(_task(tmp_path, page, "a\nfamulus_x\n")) == []


def test_a_generated_row_with_a_name_of_the_frame_is_refused() -> None:
    page = compile_page("<input name='${a}'>")
    rows = LoadedRows(MarkupWatch(page, Path("task.html")))

    rows.see(1, {"a": "x"})

    with pytest.raises(famulus.UsageError, match="row 2, the name famulus_token is reserved"):
        rows.see(2, {"a": "famulus_token"})
