"""The blueprint as core sees it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

import famulus
import famulus_static_html
from famulus.contracts.plan import Role
from famulus_static_html.blueprint import StaticTaskBlueprint
from famulus_static_html.options import SharedStaticTaskState, StaticTaskArgs
from submitted_units import submitted_unit

WORKER = famulus.WorkerView(id=1, name="x&y", provider_type="mock")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "task.html").write_text(
        "<p>${text} ${famulus_agent_id} ${mephisto_agent_id} ${provider_worker_id}</p>\n"
        "<input name=a>"
    )
    (tmp_path / "preview.html").write_text("<b>${text}</b>")
    (tmp_path / "onboarding.html").write_text("<i>${question}</i><select multiple name=o>")
    (tmp_path / "data.csv").write_text("id,text\n1,<one>\n2,two\n")
    return tmp_path


def _blueprint(state: famulus.SharedTaskState | None = None, **args: Any) -> StaticTaskBlueprint:
    context = famulus.Context(
        database=cast("Any", None),
        clock=famulus.system_clock,
        shared_state=state or SharedStaticTaskState(),
    )
    return StaticTaskBlueprint(StaticTaskArgs(**args), context)


def _problems(blueprint: StaticTaskBlueprint) -> list[famulus.Problem]:
    return [problem for problem in _found(blueprint) if not problem.warning]


def _found(
    blueprint: StaticTaskBlueprint, origins: dict[str, tuple[Path, int]] | None = None
) -> list[famulus.Problem]:
    plan = famulus.Plan(
        task=famulus.TaskArgs(task_reward=Decimal("0.3")),
        blueprint=Role(type="static_task", args=blueprint.args),
        architect=Role(type="local", args=None),
        provider=Role(type="mock", args=None),
        shared_state=blueprint.context.shared_state,
        task_dir=Path(),
        origins=origins or {},
    )
    return blueprint.problems(plan)


def _unit(data: dict[str, Any]) -> famulus.UnitView:
    return famulus.UnitView(id=1, assignment_id=1, index=0, data=data)


def test_the_plugin_brings_its_blueprint() -> None:
    assert famulus_static_html.famulus_register_blueprints() == [StaticTaskBlueprint]


def test_a_good_task_has_no_problems(files: Path) -> None:
    blueprint = _blueprint(
        SharedStaticTaskState(
            onboarding_data={"question": "?"}, validate_onboarding=lambda _: True
        ),
        task_source=files / "task.html",
        preview_source=files / "preview.html",
        onboarding_source=files / "onboarding.html",
        onboarding_qualification="q",
        extra_source_dir=files,
        data_csv=files / "data.csv",
    )

    assert _problems(blueprint) == []
    assert blueprint.assets() == (files,)
    assert not blueprint.data_is_code


def test_rows_can_be_streamed_again(files: Path) -> None:
    blueprint = _blueprint(task_source=files / "task.html", data_csv=files / "data.csv")

    first, second = list(blueprint.assignments()), list(blueprint.assignments())

    assert first == second == [{"id": "1", "text": "<one>"}, {"id": "2", "text": "two"}]


def test_the_task_page_is_filled_with_the_row_and_the_ids(files: Path) -> None:
    blueprint = _blueprint(task_source=files / "task.html")
    view = famulus.TaskView(agent_id=7, worker=WORKER, unit=_unit({"text": "<one>"}))

    page = blueprint.task_page(view)

    assert page.body.startswith("<p>&lt;one&gt; 7 7 x&amp;y</p>")


def test_the_preview_is_the_task_page_unless_there_is_one(files: Path) -> None:
    own = _blueprint(task_source=files / "task.html", preview_source=files / "preview.html")
    other = _blueprint(task_source=files / "task.html")

    assert own.preview_page(famulus.PreviewView(data={"text": "1"})).body == "<b>1</b>"
    assert other.preview_page(famulus.PreviewView(data=None)).body.startswith("<p>   </p>")


def _no_unit() -> famulus.UnitView:
    raise LookupError("an onboarding has no unit")


def test_the_onboarding_page_is_filled_with_onboarding_data(files: Path) -> None:
    blueprint = _blueprint(
        SharedStaticTaskState(onboarding_data={"question": "a?"}),
        task_source=files / "task.html",
        onboarding_source=files / "onboarding.html",
    )

    page = blueprint.onboarding_page(famulus.OnboardingView(agent_id=1, worker=WORKER))

    assert blueprint.has_onboarding
    assert page.body.startswith("<i>a?</i>")
    form = famulus.Form(fields=[("o", "1"), ("a", "2")])
    attempt = famulus.AttemptView(agent_id=1, onboarding=True, unit=_no_unit)
    assert blueprint.read_answers(form, attempt) == {"o": ["1"], "a": "2"}


ONBOARDING = famulus.AttemptView(agent_id=1, onboarding=True, unit=_no_unit)


@pytest.mark.parametrize("answer", [True, False, famulus.NotPassed("Read the first page again.")])
def test_validate_onboarding_gets_inputs_and_outputs(answer: bool | famulus.NotPassed) -> None:
    seen: list[Any] = []

    def validate(data: dict[str, Any]) -> bool | famulus.NotPassed:
        seen.append(data)
        return answer

    blueprint = _blueprint(
        SharedStaticTaskState(onboarding_data={"q": 1}, validate_onboarding=validate)
    )

    assert blueprint.onboarding_passed({"a": "2"}, ONBOARDING) is answer
    assert seen == [{"inputs": {"q": 1}, "outputs": {"a": "2"}}]


def test_validation_without_a_result_fails_no_worker() -> None:
    state = SharedStaticTaskState(validate_onboarding=lambda _: cast("Any", None))

    with pytest.raises(TypeError, match="must return True, False or NotPassed"):
        _blueprint(state).onboarding_passed({}, ONBOARDING)


def test_every_problem_is_named_at_once(files: Path) -> None:
    blueprint = _blueprint(
        task_source=files / "none.html",
        preview_source=files,
        onboarding_source=files / "onboarding.html",
        extra_source_dir=files / "data.csv",
        data_csv=files / "none.csv",
    )

    found = {(problem.key, problem.message.split(" ")[-1]) for problem in _problems(blueprint)}

    assert found >= {
        ("blueprint.task_source", "exist"),
        ("blueprint.preview_source", "file"),
        ("blueprint.data_csv", "exist"),
        ("shared_state.validate_onboarding", "script"),
        ("blueprint.extra_source_dir", "folder"),
    }
    assert any("${question} has no data" in str(problem) for problem in _problems(blueprint))


def test_a_placeholder_without_data_names_its_line_and_the_columns(files: Path) -> None:
    (files / "task.html").write_text("<p>${text}</p>\n<p title='${txet}'>x</p>")
    blueprint = _blueprint(task_source=files / "task.html", data_csv=files / "data.csv")

    assert [str(problem) for problem in _problems(blueprint)] == [
        f"{files / 'task.html'}:2: ${{txet}} has no data; did you mean ${{text}}? "
        "(columns: id, text); for the characters themselves, write &#36;{txet}"
    ]


def test_a_misspelt_filter_of_a_column_names_those_there_are(files: Path) -> None:
    (files / "task.html").write_text("<p>${text|rwa}</p>")
    blueprint = _blueprint(task_source=files / "task.html", data_csv=files / "data.csv")

    assert [str(problem) for problem in _problems(blueprint)] == [
        f"{files / 'task.html'}:1: ${{text|rwa}}: there is no '|rwa'; "
        "write ${text|raw} or ${text|text}"
    ]


def test_a_column_that_is_the_code_of_a_handler_is_refused_and_an_argument_is_not(
    files: Path,
) -> None:
    (files / "task.html").write_text(
        "<p onclick='f(`${i}`, \"${text}\")'>\n<p onclick='${text}'><input name=a>"
    )
    blueprint = _blueprint(task_source=files / "task.html", data_csv=files / "data.csv")

    assert [problem.line for problem in _problems(blueprint)] == [2]


def test_a_template_that_is_not_utf8_names_its_line(files: Path) -> None:
    (files / "task.html").write_bytes(b"<p>\n\xe9</p>")
    blueprint = _blueprint(task_source=files / "task.html", data_csv=files / "data.csv")

    [problem] = _problems(blueprint)

    found = (problem.key, problem.file, problem.line)
    assert found == ("blueprint.task_source", files / "task.html", 2)


def test_two_sources_of_data_are_both_named(files: Path) -> None:
    blueprint = _blueprint(
        SharedStaticTaskState(static_task_data=[{"text": "x"}]),
        task_source=files / "task.html",
        data_csv=files / "data.csv",
        data_jsonl=files / "data.jsonl",
    )

    [problem] = _problems(blueprint)

    for name in ("blueprint.data_csv", "blueprint.data_jsonl", "static_task_data"):
        assert name in problem.message


def test_an_empty_list_beside_a_file_is_no_second_source(files: Path) -> None:
    blueprint = _blueprint(
        SharedStaticTaskState(static_task_data=[]),
        task_source=files / "task.html",
        data_csv=files / "data.csv",
    )

    assert _problems(blueprint) == []


def test_a_column_may_not_hide_the_workers_values(files: Path) -> None:
    (files / "data.csv").write_text("text,provider_worker_id\n1,2\n")
    blueprint = _blueprint(task_source=files / "task.html", data_csv=files / "data.csv")

    [problem] = _problems(blueprint)

    assert "provider_worker_id" in problem.message


def test_no_data_is_a_problem(files: Path) -> None:
    [problem] = _problems(_blueprint(task_source=files / "task.html"))

    assert "data_jsonl" in problem.message


def test_an_onboarding_qualification_needs_an_onboarding(files: Path) -> None:
    blueprint = _blueprint(
        task_source=files / "task.html",
        data_csv=files / "data.csv",
        onboarding_qualification="q",
    )

    assert [problem.key for problem in _problems(blueprint)] == [
        "blueprint.onboarding_qualification"
    ]


def test_another_blueprints_state_is_refused(files: Path) -> None:
    blueprint = _blueprint(
        famulus.SharedTaskState(), task_source=files / "task.html", data_csv=files / "data.csv"
    )

    assert [problem.key for problem in _problems(blueprint)] == ["shared_state"]


def test_a_generator_is_read_once_and_not_by_the_check(files: Path) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield {"text": "1"}
        yield {"txt": "2"}

    state = SharedStaticTaskState(static_task_data=rows())
    blueprint = _blueprint(state, task_source=files / "task.html")

    assert _problems(blueprint) == []
    assert blueprint.data_is_code
    loading = blueprint.assignments()
    assert next(loading) == {"text": "1"}
    with pytest.raises(famulus.UsageError, match="row 2 lacks text"):
        next(loading)


def test_a_list_from_python_is_checked_like_a_file(files: Path) -> None:
    state = SharedStaticTaskState(static_task_data=[{"text": "1"}, {"id": 2}])
    blueprint = _blueprint(state, task_source=files / "task.html")

    [problem] = _problems(blueprint)

    assert problem.message == "row 2 has no text, which the page uses"


def test_a_home_folder_is_expanded(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(files))
    blueprint = _blueprint(task_source=Path("~/task.html"), data_csv=Path("~/data.csv"))

    assert _problems(blueprint) == []
    assert len(list(blueprint.assignments())) == 2


def test_a_page_that_broke_after_the_launch_is_reported(files: Path) -> None:
    (files / "task.html").write_text("<base href=${v}>")
    blueprint = _blueprint(task_source=files / "task.html")

    with pytest.raises(famulus.UsageError, match="stands in <base>"):
        blueprint.preview_page(famulus.PreviewView(data=None))


def test_a_reviewer_sees_inputs_and_answers_and_no_control_characters() -> None:
    file = {"name": "a.png", "size": 3, "type": "image/png", "sha256": "0"}
    answers = {
        "a": "\x1b[2Jx",
        "l": ["1", "2"],
        "f": file,
        "n": None,
        "m\nb: 2": "\u061c\u200b\ty\r\nz",
    }
    unit = submitted_unit(answers, {"text": "one\ntwo"})

    assert _blueprint().show(unit) == (
        "Inputs\n  text: one\n    two\n\n"
        "Outputs\n  a: \\x1b[2Jx\n  l: 1, 2\n  f: a.png (image/png, 3 bytes)\n  n: (none)\n"
        "  m\\nb: 2: \\u061c\\u200b    y\n    z"
    )


def test_making_an_instance_reads_nothing() -> None:
    assert _blueprint(task_source=Path("/none"), data_csv=Path("/none")).has_onboarding is False


@pytest.mark.parametrize(
    ("name", "is_private"),
    [
        ("task.yaml", True),
        ("deep/er/run.py", True),
        ("answers.db", True),
        ("data.csv", True),
        ("gold.csv", False),
        ("style.css", False),
        (".hidden/run.py", False),
        (".env.py", False),
    ],
)
def test_a_served_folder_with_private_files_is_a_warning(
    files: Path, name: str, is_private: bool
) -> None:
    served = files / "served"
    (served / name).parent.mkdir(parents=True)
    (served / name).write_text("id,text\n1,a\n")
    data = served / name if name == "data.csv" else files / "data.csv"
    blueprint = _blueprint(task_source=files / "task.html", extra_source_dir=served, data_csv=data)

    warnings = [
        each for each in _found(blueprint) if each.warning and "served to the public" in str(each)
    ]

    assert [each.key for each in warnings] == ["blueprint.extra_source_dir"] * is_private
    assert all(name in each.message for each in warnings)


def test_the_data_in_a_served_folder_is_a_warning_however_many_files_are_there(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("famulus.task_data.exposed_files._LOOKED_AT", 3)
    served = files / "served"
    (served / "z").mkdir(parents=True)
    for name in ("a.png", "b.png", "c.png", "z/data.csv"):
        (served / name).write_text("id,text\n1,a\n")
    (files / "link").symlink_to(served, target_is_directory=True)
    blueprint = _blueprint(
        task_source=files / "task.html",
        extra_source_dir=served,
        data_csv=files / "link" / "z" / "data.csv",
    )

    assert any("z/data.csv" in each.message for each in _found(blueprint) if each.warning)


def test_the_configuration_in_a_served_folder_is_a_warning(files: Path) -> None:
    (files / "served").mkdir()
    (files / "served" / "task.conf").write_text("")
    blueprint = _blueprint(
        task_source=files / "task.html",
        extra_source_dir=files / "served",
        data_csv=files / "data.csv",
    )
    origins = {"task.task_title": (files / "served" / "task.conf", 1)}

    assert any("task.conf" in each.message for each in _found(blueprint, origins) if each.warning)
