"""The description of a class of options, a third party's included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from attrs import Factory, field, frozen

from famulus.options.declare import callback, option, rows
from famulus.options.describe import describe_options, describe_state, type_words

if TYPE_CHECKING:
    from nowhere import Unresolvable  # type: ignore[import-not-found]


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Level(Enum):
    LOW = 1.5


@frozen(kw_only=True)
class Limits:
    most: int = option(help="How many.", default=3)
    token: str | None = option(help="Who asks.", secret=True)


@frozen(kw_only=True)
class Tree:
    child: Tree | None = option(help="One below.")


@frozen(kw_only=True)
class Odd:
    thing: Unresolvable | None = option(help="Who knows.")


def only(cls: type) -> Any:
    (described,) = describe_options(cls)
    return described


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (str, "str"),
        (int | None, "int"),
        (bool, "bool"),
        (Decimal | None, "decimal"),
        (Path, "path"),
        (Any, "any"),
        (list[str], "list of str"),
        (list[str] | None, "list of str"),
        (tuple[int, ...], "list of int"),
        (Sequence[Path], "list of path"),
        (list, "list"),
        (list[Any], "list"),
        (dict[str, Any], "mapping"),
        (Mapping[str, int], "mapping to int"),
        (list[dict[str, Any]], "list of mapping"),
        (int | str, "int or str"),
        (Literal["a", "b"], "str"),
        (Size, "str"),
        (Level, "str"),
        (Limits, "mapping"),
        (Callable[..., bool], "function"),
        ("Unresolvable | None", "Unresolvable"),
    ],
)
def test_type_is_said_in_words(annotation: Any, words: str) -> None:
    assert type_words(annotation) == words


@pytest.mark.parametrize(
    ("default", "words"),
    [
        (None, "???"),
        (True, "true"),
        (3, "3"),
        (Decimal("0.30"), "0.30"),
        ("", '""'),
        ("a b", "a b"),
        (["a", 2], "[a, 2]"),
        ({"a": None}, "{a: ???}"),
        (Size.SMALL, "small"),
        (Level.LOW, "LOW"),
        (Path("a/b"), "a/b"),
        ("x" * 99, "x" * 60 + "…"),
    ],
)
def test_default_is_said_as_yaml_has_it(default: Any, words: str) -> None:
    @frozen
    class Args:
        some: Any = option(help="", default=default)

    assert only(Args).default == words


def test_default_that_only_an_instance_has_is_not_made_up() -> None:
    @frozen
    class Args:
        some: int = field(default=Factory(lambda self: 1, takes_self=True))

    assert only(Args).default == "???"


def test_default_that_cannot_be_made_is_left_open() -> None:
    def fail() -> int:
        raise OSError("no such thing")

    @frozen
    class Args:
        some: int = option(help="", factory=fail)

    assert only(Args).default == "???"


def test_option_without_any_default_is_required() -> None:
    @frozen
    class Args:
        some: int

    described = only(Args)

    assert (described.required, described.default, described.help) == (True, "???", "")


def test_choices_come_from_the_option_or_from_its_type() -> None:
    @frozen(kw_only=True)
    class Args:
        given: str = option(help="", default="a", choices=("a", "b"))
        literal: Literal["c", "d"] = option(help="", default="c")
        size: Size | None = option(help="")
        sizes: list[Size] = option(help="", factory=list)

    choices = {each.dest: list(each.choices) for each in describe_options(Args)}

    assert choices == {
        "given": ["a", "b"],
        "literal": ["c", "d"],
        "size": ["small", "large"],
        "sizes": ["small", "large"],
    }


def test_nested_options_stand_below_theirs_with_the_defaults_they_have_there() -> None:
    @frozen(kw_only=True)
    class Args:
        limits: Limits = option(help="Limits.", factory=lambda: Limits(most=5, token="hush"))

    described = {each.dest: each for each in describe_options(Args)}

    assert list(described) == ["limits", "limits.most", "limits.token"]
    assert described["limits.most"].default == "5"
    assert described["limits.token"].default == "(hidden)"
    assert "hush" not in str(described)


def test_secret_default_is_hidden() -> None:
    @frozen
    class Args:
        some: str = option(help="", default="hush", secret=True)

    described = only(Args)

    assert described.secret
    assert described.default == "(hidden)"


def test_class_within_itself_ends() -> None:
    assert [each.dest for each in describe_options(Tree)] == ["child"]


def test_type_that_cannot_be_resolved_is_shown_as_written() -> None:
    assert only(Odd).type == "Unresolvable"


def test_state_is_described_as_python_has_it() -> None:
    def agree(worker: str) -> bool:
        return bool(worker)

    @frozen(kw_only=True)
    class State:
        check: Callable[[str], bool] = callback(help="Agrees.", default=agree)
        other: Callable[[str], bool] | None = callback(help="Nobody's.")
        data: Any = rows(help="Rows.")
        texts: list[str] = option(help="Texts.", factory=list)

    described = [(each.dest, each.type, each.default, each.help) for each in describe_state(State)]

    assert described == [
        ("check", "function", "agree", "Agrees."),
        ("other", "function", "None", "Nobody's."),
        ("data", "rows", "None", "Rows."),
        ("texts", "list of str", "[]", "Texts."),
    ]
