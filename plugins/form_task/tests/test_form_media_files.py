"""`check` warns of images, sounds and videos that workers of a form would not get."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

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
DATA = (
    "img,n\ncat.png,1\nhttps://example.org/x.png,2\nimg\\dog.png,3\n../up.png,4\n/img/cow.png,5\n"
)


def warnings(
    folder: Path, served: Path | None, form: str = FORM, **more: Any
) -> list[tuple[int, str]]:
    (folder / "data.csv").write_text(DATA)
    args = FormArgs(
        form=write_form(folder, form),
        data_csv=folder / "data.csv",
        extra_source_dir=served,
        **more,
    )
    context = famulus.Context(
        database=cast("Any", None), clock=famulus.system_clock, shared_state=SharedFormState()
    )
    task = FormBlueprint(args, context)
    plan = famulus.Plan(
        task=famulus.TaskArgs(task_reward=Decimal("0.3")),
        blueprint=Role(type="form", args=args),
        architect=Role(type="local", args=None),
        provider=Role(type="mock", args=None),
        shared_state=task.context.shared_state,
        task_dir=Path(),
    )
    found = task.problems(plan)
    assert all(each.warning for each in found), found
    named = [(each.line or 0, each.message) for each in found if "served" in each.message]
    return sorted(named, key=lambda each: each[0])


@pytest.mark.parametrize("beside", [False, True])
def test_each_address_is_named_where_no_folder_is_served(tmp_path: Path, beside: bool) -> None:
    for name in ("cat.png", "example.png", "map.png", "beispiel.png") if beside else ():
        (tmp_path / name).touch()

    found = warnings(tmp_path, None)

    assert [(line, message.partition(" is not served: ")[0]) for line, message in found] == [
        (1, "example.png"),
        (1, "beispiel.png"),
        (4, "cat.png, the file of line 2,"),
        (5, "sounds/a.mp3"),
        (9, "clips/1.mp4, the file of line 2,"),
        (14, "map.png"),
    ]
    assert all("blueprint.extra_source_dir" in message for _, message in found)
    assert dict(found)[4].endswith("(4 rows name such files)")


def test_only_what_a_folder_does_not_have_is_missing(tmp_path: Path) -> None:
    served = tmp_path / "served"
    names = ("example.png", "sounds/a.mp3", "map.png", "cat.png", "img/dog.png", "img/cow.png")
    for name in (*names, *(f"clips/{n}.mp4" for n in (1, 2, 4, 5)), ".x.png"):
        (served / name).parent.mkdir(parents=True, exist_ok=True)
        (served / name).touch()
    (tmp_path / "up.png").touch()

    found = warnings(tmp_path, served)

    place = f"is not in {served}, the folder of blueprint.extra_source_dir: put it there"
    assert found == [
        (1, f"beispiel.png {place}"),
        (
            4,
            f"../up.png, the file of line 5, is outside of {served}: put it there, and write its "
            "name in that folder",
        ),
        (9, f"clips/3.mp4, the file of line 4, {place}"),
    ]


def test_an_onboarding_has_files_too(tmp_path: Path) -> None:
    (tmp_path / "onboarding.yaml").write_text(
        "questions:\n- show: {image: first.png}\n- {name: a, type: text, question: Q, correct: b}\n"
    )
    question = "questions:\n- {name: a, type: text, question: '${img} ${n}'}\n"

    found = warnings(
        tmp_path, None, question, onboarding_form=tmp_path / "onboarding.yaml",
        onboarding_qualification="trained",
    )  # fmt: skip

    assert [(line, message[:23]) for line, message in found] == [(2, "first.png is not served")]
