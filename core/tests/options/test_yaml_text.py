"""Values as YAML: a file with them reads back as the same values."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from famulus.options.configuration import read_configuration
from famulus.options.scalars import Plain, Typed, to_anything, to_decimal, to_text
from famulus.options.yaml_text import yaml_text

ANYTHING = st.text(st.characters(codec="utf-8"), max_size=30)
TEXTS = (ANYTHING | st.text("\\${}ab:'\"#[] \n", max_size=9)).filter(lambda text: text != "???")


def read_back(tmp_path: Path, text: str) -> Any:
    file = tmp_path / "task.yaml"
    file.write_text(f"blueprint:\n  some: {text}  # default\n", encoding="utf-8")
    return read_configuration(file).sections["blueprint"]["some"]


@given(TEXTS)
@example("???x")
@example("a: b")
@example("no")
@example("0.30")
@example("# x")
@example("")
@example("a\nb\n")
@example("${task_dir}")
@example("\\\\${x} $${y} \\")
@example("\x85\u2028\ufeff\t")
def test_text_is_read_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("text")

    assert to_text(read_back(folder, yaml_text(text))) == text
    assert list(map(to_text, read_back(folder, yaml_text([text])))) == [text]


@pytest.mark.parametrize(
    "value", [None, True, False, 0, -3, 0.5, 1e30, ["a, b", None, 1.5], {"a b": [1], "c": {}}, []]
)
def test_value_is_read_back_as_it_was(tmp_path: Path, value: Any) -> None:
    assert to_anything(read_back(tmp_path, yaml_text(value))) == value


def test_words_in_a_list_need_no_quotes() -> None:
    assert yaml_text(["a.b", "no", "3", "a b"]) == '[a.b, "no", "3", "a b"]'


def test_money_stays_exact_and_plain(tmp_path: Path) -> None:
    assert yaml_text(Decimal("0.30")) == "0.30"
    assert to_decimal(read_back(tmp_path, yaml_text(Decimal("0.30")))) == Decimal("0.30")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1234", "1234"),
        ("[a, b]", "[a, b]"),
        ("null", "null"),
        ("a: b", "'a: b'"),
        ("[a", "'[a'"),
        ("{a: 1}", "'{a: 1}'"),
        ("a #b", "'a #b'"),
        ("*a", "'*a'"),
    ],
)
def test_typed_text_of_unknown_type_is_left_as_it_is_where_yaml_allows(
    text: str, written: str
) -> None:
    assert yaml_text(Typed(text)) == written


def test_number_of_a_file_keeps_its_text() -> None:
    assert yaml_text(Plain("0802", 802)) == "0802"


def test_values_that_yaml_cannot_express_are_refused() -> None:
    with pytest.raises(TypeError, match="object cannot be written as YAML"):
        yaml_text(object())
