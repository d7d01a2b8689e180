"""Images, sounds and videos beside a form: what it names is served, and what is missing named."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import famulus
from famulus.contracts.plan import Role
from famulus_form.blueprint import FormBlueprint
from famulus_form.options import FormArgs, SharedFormState
from form_files import write_form

FORM = """instructions: {text: Look., good: [{image: {en: example.png, de: beispiel.png}}]}
questions:
- show:
  - image: "${img}"
  - audio: sounds/a.mp3
- name: which
  type: compare
  question: Which?
  a: {video: "clips/${n}.mp4"}
  b: {image: https://example.org/b.png}
- name: where
  type: boxes
  question: Where?
  image: map.png
"""
UNSHOWN = """data
javascript:alert(1)
https://example.org/a.mp3
cat.png
" FILE:///a.mp3"
"data:audio/wav;base64,AA"
"data:text/html,x"
"""
DATA = (
    "img,n\ncat.png,1\nhttps://example.org/x.png,2\nimg\\dog.png,3\n../up.png,4\n/img/cow.png,5\n"
)


def task_of(
    folder: Path, served: Path | None, form: str = FORM, data: str = DATA, **more: Any
) -> FormBlueprint:
    (folder / "data.csv").write_text(data)
    args = FormArgs(
        form=write_form(folder, form),
        data_csv=folder / "data.csv",
        extra_source_dir=served,
        **more,
    )
    context = famulus.Context(
        database=cast("Any", None), clock=famulus.system_clock, shared_state=SharedFormState()
    )
    return FormBlueprint(args, context)


def warnings(
    folder: Path, served: Path | None, form: str = FORM, **more: Any
) -> list[tuple[int, str]]:
    task = task_of(folder, served, form, **more)
    plan = famulus.Plan(
        task=famulus.TaskArgs(task_reward=Decimal("0.3")),
        blueprint=Role(type="form", args=task.args),
        architect=Role(type="local", args=None),
        provider=Role(type="mock", args=None),
        shared_state=task.context.shared_state,
        task_dir=Path(),
    )
    found = task.problems(plan)
    assert all(each.warning for each in found), found
    named = [(each.line or 0, each.message) for each in found if "is not" in each.message]
    return sorted(named, key=lambda each: each[0])


def served_of(task: FormBlueprint, names: Iterable[str]) -> set[str]:
    folders = [each for each in task.assets() if isinstance(each, famulus.AssetFolder)]
    return {name for name in names if any(each.serves(name) for each in folders)}


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


NAMED = (
    "example.png", "beispiel.png", "cat.png", "img/dog.png", "sounds/a.mp3", "map.png",
    *(f"clips/{n}.mp4" for n in range(1, 6)),
)  # fmt: skip


def test_what_a_form_and_its_rows_name_is_served_and_nothing_else(tmp_path: Path) -> None:
    others = ("data.csv", "form.yaml", "other.png", "clips/list.csv", ".x.png", "run.py")
    touch(tmp_path, *NAMED, *others)
    task = task_of(tmp_path, None)

    assert served_of(task, (*NAMED, *others)) == set(NAMED)
    assert served_of(task_of(tmp_path, tmp_path / "served"), NAMED) == set()


def test_rows_of_several_columns_name_one_file(tmp_path: Path) -> None:
    touch(tmp_path, "cat.png/1.png", "cat.png/2.png")
    show = "questions:\n- show: {image: '${img}/${n}.png'}\n- {name: a, type: text, question: Q}\n"

    assert served_of(task_of(tmp_path, None, show), ["cat.png/1.png", "cat.png/2.png"]) == {
        "cat.png/1.png"
    }


def test_each_missing_file_is_named_with_its_line_and_rows(tmp_path: Path) -> None:
    touch(tmp_path, "example.png", "map.png", "img/dog.png", "clips/1.mp4")

    found = warnings(tmp_path, None)

    place = (
        f"is not in {tmp_path}: put it there, or name the folder that has it in "
        "blueprint.extra_source_dir"
    )
    assert [(line, message.partition(" is not")[0]) for line, message in found] == [
        (1, "beispiel.png"),
        (4, "${img}: cat.png, the file of line 2,"),
        (5, "sounds/a.mp3"),
        (9, "clips/${n}.mp4: clips/2.mp4, the file of line 3,"),
    ]
    assert found[0][1].endswith(place)
    assert found[1][1].endswith("(also line 5: ../up.png, line 6: /img/cow.png)")
    last = "line 4: clips/3.mp4, line 5: clips/4.mp4, line 6: clips/5.mp4"
    assert found[3][1].endswith(f"{place} (also {last})")


def test_each_address_of_a_row_that_is_not_shown_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "cat.png")
    for kind in ("audio", "image", "video"):
        form = (
            f"questions:\n- show: {{{kind}: '${{data}}'}}\n- {{name: a, type: text, question: Q}}\n"
        )

        assert warnings(tmp_path, None, form, data=UNSHOWN) == [
            (
                2,
                "${data}: 'javascript:alert(1)', the address of line 2, is not shown: begin with "
                "https://, or name a file (also line 5: ' FILE:///a.mp3', "
                "line 7: 'data:text/html,x')",
            )
        ]


def test_only_what_a_folder_does_not_have_is_missing(tmp_path: Path) -> None:
    served = tmp_path / "served"
    touch(served, *(name for name in NAMED if name not in ("beispiel.png", "clips/3.mp4")))
    touch(served, "img/cow.png", ".x.png")
    touch(tmp_path, "up.png")

    found = warnings(tmp_path, served)

    assert [(line, message.partition(" is not")[0]) for line, message in found] == [
        (1, "beispiel.png"),
        (4, "${img}: ../up.png, the file of line 5,"),
        (9, "clips/${n}.mp4: clips/3.mp4, the file of line 4,"),
    ]
    assert all("blueprint.extra_source_dir" in message for _, message in found)


def test_an_onboarding_has_files_too(tmp_path: Path) -> None:
    (tmp_path / "intro").mkdir()
    onboarding = tmp_path / "intro/onboarding.yaml"
    onboarding.write_text(
        "questions:\n- show: {image: first.png}\n- show: {image: second.png}\n"
        "- {name: a, type: text, question: Q, correct: b}\n"
    )
    touch(tmp_path, "intro/first.png", "second.png")
    question = "questions:\n- {name: a, type: text, question: '${img} ${n}'}\n"
    options: dict[str, Any] = {
        "onboarding_form": onboarding,
        "onboarding_qualification": "trained",
    }

    found = warnings(tmp_path, None, question, **options)

    assert [(line, message[:17]) for line, message in found] == [(3, "second.png is not")]
    assert served_of(task_of(tmp_path, None, question, **options), ["first.png"]) == {"first.png"}
