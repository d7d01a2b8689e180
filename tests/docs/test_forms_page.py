"""The forms of docs/how-to/forms.md and of the examples have no problems."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from famulus_form.form_file import read_form
from famulus_form.kinds import KINDS
from famulus_form.options import FormArgs

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/forms.md").read_text(encoding="utf-8")
README = (ROOT / "plugins/form_task/README.md").read_text(encoding="utf-8")
FORMS = [
    found
    for text in (PAGE, README)
    for found in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
]
COMMON = frozenset(["name", "type", "question", "help", "required", "show", "show_if"])


@pytest.mark.parametrize("text", FORMS)
def test_a_form_of_the_page_can_be_launched(tmp_path: Path, text: str) -> None:
    (tmp_path / "form.yaml").write_text(text)

    assert not read_form(tmp_path / "form.yaml").problems


def test_the_form_of_the_example_can_be_launched() -> None:
    form = read_form(ROOT / "sdk_examples/judge_answers/form.yaml")

    assert not form.problems
    assert {"preference", "first_language"} <= {question.name for question in form.questions}


def test_the_page_lists_every_kind_with_its_keys() -> None:
    listed = {
        kind: set(re.findall(r"`(\w+)`", keys))
        for kind, keys in re.findall(r"^\| `(\w+)` \| (`.*?) \| .* \|$", PAGE, flags=re.MULTILINE)
        if kind in KINDS
    }

    for name, kind in KINDS.items():
        keys = {field.name for field in kind.__attrs_attrs__} - COMMON
        assert listed[name] == keys, name


def test_the_page_names_every_option_of_the_blueprint() -> None:
    own = {field.name for field in FormArgs.__attrs_attrs__} - {"block_qualification"}

    assert {name for name in own if name in PAGE} == own - {"units_per_assignment"}
