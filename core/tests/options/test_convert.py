from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional

import attrs
import pytest
from attrs import field, frozen, validators
from cattrs import Converter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from famulus.options.convert import make_converter, structure
from famulus.options.declare import option
from famulus.options.option_values import secrets_of, unstructure
from famulus.options.scalars import Plain, Refused, Typed

if TYPE_CHECKING:
    from fractions import Fraction

HERE = Path("/task")


class Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "dark-blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Shape(Enum):
    POINT = (0, 0)


@frozen
class Limits:
    low: int = 0
    high: int = field(default=9, validator=validators.ge(1))


@frozen(kw_only=True)
class Everything:
    text: str = "t"
    maybe: str | None = None
    old_maybe: Optional[int] = None  # noqa: UP045 - the old spelling has to work as well
    whole: int = 1
    real: float = 0.5
    money: Decimal = Decimal("0.10")
    truth: bool = False
    path: Path = Path("/p")
    words: list[str] = field(factory=list)
    numbers: tuple[int, ...] = ()
    pair: tuple[int, str] = (1, "a")
    names: frozenset[str] = frozenset()
    sequence: Sequence[Path] = field(factory=list)
    anything: Any = None
    things: dict[str, Any] = field(factory=dict)
    counts: Mapping[int, Decimal] = field(factory=dict)
    maybe_list: list[int] | None = None
    mixed: int | str = 0
    literal: Literal["a", "b", 3, None] = "a"
    colour: Colour = Colour.RED
    size: Size = Size.SMALL
    shape: Shape = Shape.POINT
    limits: Limits = field(factory=Limits)
    many: list[Limits] = field(factory=list)
    by_name: dict[str, Limits] = field(factory=dict)


def made(raw: Any, name: str) -> Any:
    """Return one option of Everything, made from a raw value."""
    whole, problems = structure(Everything, {name: raw}, prefix="x", origins={}, task_dir=HERE)
    assert problems == []
    return getattr(whole, name)


def refusals(cls: type, raw: Mapping[str, Any]) -> dict[str | None, str]:
    whole, problems = structure(cls, raw, prefix="x", origins={}, task_dir=HERE)
    assert whole is None
    assert problems
    return {problem.key: problem.message for problem in problems}


def refusal(raw: Any, name: str) -> str:
    ((key, message),) = refusals(Everything, {name: raw}).items()
    assert key == f"x.{name}"
    return message


def plain(text: str) -> Plain:
    return Plain(text, 0)


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("text", "as it is ", "as it is "),
        ("text", plain("0.30"), "0.30"),
        ("text", plain("no"), "no"),
        ("text", Typed("null"), "null"),
        ("text", Typed(" 1e3: x"), " 1e3: x"),
        ("text", Typed(""), ""),
        ("text", 3, "3"),
        ("maybe", None, None),
        ("maybe", Typed("null"), None),
        ("maybe", Typed(""), None),
        ("maybe", "null", "null"),
        ("old_maybe", Typed("3"), 3),
        ("old_maybe", None, None),
        ("whole", plain("3"), 3),
        ("whole", plain("-1_000"), -1000),
        ("whole", "3", 3),
        ("whole", Typed("+3"), 3),
        ("whole", 3, 3),
        ("real", plain("1e-3"), 0.001),
        ("real", plain(".5"), 0.5),
        ("real", Typed("2"), 2.0),
        ("real", 2, 2.0),
        ("money", plain("0.30"), Decimal("0.30")),
        ("money", plain("0.1000000000000000055"), Decimal("0.1000000000000000055")),
        ("money", plain("3"), Decimal(3)),
        ("money", "0.30", Decimal("0.30")),
        ("money", 0.3, Decimal("0.3")),
        ("money", 3, Decimal(3)),
        ("money", Decimal("0.30"), Decimal("0.30")),
        ("money", Typed("1.5"), Decimal("1.5")),
        ("truth", plain("yes"), True),
        ("truth", plain("Off"), False),
        ("truth", Typed("FALSE"), False),
        ("truth", Typed("on"), True),
        ("truth", True, True),
        ("path", "a/b", Path("/task/a/b")),
        ("path", Typed("/a"), Path("/a")),
        ("path", plain("3"), Path("/task/3")),
        ("path", Path("a"), Path("/task/a")),
        ("words", ["a", plain("0.30")], ["a", "0.30"]),
        ("words", Typed("[a,b]"), ["a", "b"]),
        ("words", Typed("a, b"), ["a", "b"]),
        ("words", Typed('["a,b", c]'), ["a,b", "c"]),
        ("words", Typed("[]"), []),
        ("words", Typed(""), []),
        ("numbers", [plain("1"), 2], (1, 2)),
        ("numbers", Typed("1,2"), (1, 2)),
        ("pair", [2, "b"], (2, "b")),
        ("names", ["a", "a"], frozenset({"a"})),
        ("sequence", ["a"], [Path("/task/a")]),
        ("anything", Plain("1.5", 1.5), 1.5),
        ("anything", Typed("1.5"), "1.5"),
        ("anything", {"a": [Plain("1", 1), None]}, {"a": [1, None]}),
        ("things", {"a": Plain("yes", True)}, {"a": True}),
        ("things", Typed("{}"), {}),
        ("counts", {"1": plain("0.10")}, {1: Decimal("0.10")}),
        ("maybe_list", Typed("null"), None),
        ("maybe_list", Typed("1"), [1]),
        ("mixed", Typed("3"), 3),
        ("mixed", "x", "x"),
        ("mixed", "3", "3"),
        ("mixed", plain("3"), 3),
        ("literal", "b", "b"),
        ("literal", plain("3"), 3),
        ("literal", None, None),
        ("colour", "dark-blue", Colour.DARK_BLUE),
        ("colour", Typed("DARK_BLUE"), Colour.DARK_BLUE),
        ("colour", Colour.RED, Colour.RED),
        ("size", plain("2"), Size.LARGE),
        ("size", "LARGE", Size.LARGE),
        ("shape", "POINT", Shape.POINT),
        ("limits", {"low": plain("1")}, Limits(low=1)),
        ("limits", None, Limits()),
        ("limits", Limits(low=3), Limits(low=3)),
        ("many", [{"low": 1}, {}], [Limits(low=1), Limits()]),
        ("by_name", {"a": {"high": Typed("2")}}, {"a": Limits(high=2)}),
    ],
)
def test_value_is_made(name: str, raw: Any, expected: Any) -> None:
    value = made(raw, name)

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        (
            "text",
            None,
            "null (nothing) is not a string; leave the line out to have the default, 't'",
        ),
        ("text", ["a"], "a list is not a string"),
        ("text", {"a": 1}, "a mapping is not a string"),
        ("text", True, "True is not a string"),
        ("whole", plain("2.9"), "2.9 is not a whole number, such as 3"),
        ("whole", 2.9, "2.9 is not a whole number, such as 3"),
        ("whole", 2.0, "2.0 is not a whole number, such as 3"),
        ("whole", True, "True is not a whole number, such as 3"),
        ("whole", plain("yes"), "yes is not a whole number, such as 3"),
        ("whole", plain("010"), "010 is not a whole number, such as 3"),
        ("whole", plain("0x10"), "0x10 is not a whole number, such as 3"),
        ("whole", plain("1:30"), "1:30 is not a whole number, such as 3"),
        ("whole", Typed(""), "'' is not a whole number, such as 3"),
        ("whole", "٣", "'٣' is not a whole number, such as 3"),
        ("whole", "9" * 5000, f"'{'9' * 59}… is too large"),
        ("real", plain(".nan"), ".nan is not a number, such as 0.5"),
        ("real", float("inf"), "inf is not a finite number"),
        ("real", "1e999", "'1e999' is not a finite number"),
        ("real", 10**400, f"{'1' + '0' * 59}… is not a finite number"),
        ("money", plain(".inf"), ".inf is not an amount, such as 0.30"),
        ("money", float("nan"), "nan is not an amount, such as 0.30"),
        ("money", Decimal("NaN"), "NaN is not an amount, such as 0.30"),
        ("money", "NaN", "'NaN' is not an amount, such as 0.30"),
        ("money", "0,30", "'0,30' is not an amount, such as 0.30"),
        ("money", "$1", "'$1' is not an amount, such as 0.30"),
        ("money", True, "True is not an amount, such as 0.30"),
        ("truth", "false", "'false' is neither true nor false (leave the quotes out)"),
        ("truth", plain("0"), "0 is neither true nor false"),
        ("truth", 1, "1 is neither true nor false"),
        ("truth", Typed("maybe"), "'maybe' is neither true nor false"),
        ("truth", Typed(""), "'' is neither true nor false"),
        ("path", " ", "' ' is not a path"),
        ("path", "a\0b", "'a\\x00b' is not a path"),
        ("path", 3, "3 is not a path"),
        ("path", "~nobody-at-all/x", "there is no such user's home folder"),
        ("words", "a,b", "'a,b' is not a list, such as [a, b]"),
        ("words", {"a": 1}, "a mapping is not a list, such as [a, b]"),
        ("pair", [1], "has 1 items where 2 are needed"),
        ("things", ["a"], "a list is not a mapping of names to values"),
        ("things", Typed("a"), "'a' is not a mapping of names to values; set its keys one by one"),
        ("maybe_list", ["x"], "'x' is not a whole number, such as 3"),
        ("mixed", [], "a list is not a whole number, such as 3; a list is not a string"),
        ("literal", "c", "'c' is not allowed; use one of: 3, None, a, b"),
        ("colour", "dark blue", "'dark blue' is not allowed; did you mean 'dark-blue'?"),
        ("size", plain("9"), "9 is not allowed; use one of: 1, 2"),
        ("limits", 3, "3 is not a mapping of names to values"),
    ],
)
def test_lossy_or_unfit_value_is_refused(name: str, raw: Any, message: str) -> None:
    found = refusals(Everything, {name: raw})

    (key,) = found
    assert str(key).startswith(f"x.{name}")
    assert message in found[key]


def test_home_folder_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")

    assert made("~/a", "path") == Path("/home/somebody/a")


def test_every_problem_comes_at_once_with_its_own_key() -> None:
    raw = {
        "whole": "a",
        "many": [{"low": "b"}, {"hgh": 1}],
        "by_name": {"n": {"high": 0}},
        "counts": {"x": 1},
        "limits": {"high": 0, "low": "z"},
        "txt": 1,
    }

    assert refusals(Everything, raw) == {
        "x.txt": "unknown option; did you mean 'text'?",
        "x.whole": "'a' is not a whole number, such as 3",
        "x.counts.x": "'x' is not a whole number, such as 3",
        "x.limits.low": "'z' is not a whole number, such as 3",
        "x.limits.high": "'high' must be >= 1: 0",
        "x.many.0.low": "'b' is not a whole number, such as 3",
        "x.many.1.hgh": "unknown option; did you mean 'high'?",
        "x.by_name.n.high": "'high' must be >= 1: 0",
    }


def test_unknown_option_without_a_like_lists_all() -> None:
    assert refusals(Limits, {"zzz": 1}) == {"x.zzz": "unknown option; there are: high, low"}


def test_problem_has_the_line_of_the_nearest_key(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    origins = {"x": (file, 1), "x.whole": (file, 2), "x.many.1": (file, 5)}

    _, problems = structure(
        Everything,
        {"whole": "a", "money": "b", "many": [{"low": "a"}, {"low": "b"}]},
        prefix="x",
        origins=origins,
        task_dir=tmp_path,
    )

    assert {problem.key: (problem.file, problem.line) for problem in problems} == {
        "x.whole": (file, 2),
        "x.money": (file, 1),
        "x.many.0.low": (file, 1),
        "x.many.1.low": (file, 5),
    }


@frozen(kw_only=True)
class Described:
    name: str | None = option(help="What to call it.", required=True)
    mode: str = option(help="How.", default="fast", choices=("fast", "slow"))
    modes: list[str] = option(help="All.", factory=list, choices=("fast", "slow"))
    key: str | None = option(
        help="A key.", secret=True, choices=("sesame",), validator=validators.max_len(9)
    )
    bare: int


def test_missing_options_are_reported_with_the_line_to_write() -> None:
    assert refusals(Described, {}) == {
        "x.name": "is missing; set it as 'name: …' (What to call it.)",
        "x.bare": "is missing; set it as 'bare: …'",
    }


def test_required_option_set_to_null_is_missing() -> None:
    assert refusals(Described, {"name": None, "bare": 1})["x.name"].startswith("is missing")
    assert refusals(Described, {"name": Typed(""), "bare": 1})["x.name"].startswith("is missing")


def test_choices_are_enforced_for_values_and_items() -> None:
    found = refusals(Described, {"name": "n", "bare": 1, "mode": "fst", "modes": ["slow", "x"]})

    assert found == {
        "x.mode": "'fst' is not allowed; did you mean 'fast'?",
        "x.modes": "'x' is not allowed; use one of: fast, slow",
    }


@pytest.mark.parametrize("raw", ["guess", ["guess"], "a guess that is too long"])
def test_secret_is_not_shown_in_a_problem(raw: Any) -> None:
    found = refusals(Described, {"name": "n", "bare": 1, "key": raw})

    assert found == {"x.key": "cannot be used (a secret, not shown here)"}


@frozen
class Range:
    low: int = 0
    high: int = field(default=9)

    @high.validator
    def _is_above(self, attribute: attrs.Attribute[int], value: int) -> None:
        if value <= self.low:
            raise ValueError(f"{value} is not above low, {self.low}")


@frozen
class Sum:
    parts: list[int] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        if sum(self.parts) > 10:
            raise ValueError("the parts are more than 10 together")


def test_validator_may_compare_options() -> None:
    assert refusals(Range, {"low": 5, "high": 3}) == {"x.high": "3 is not above low, 5"}


def test_check_of_the_whole_names_the_section() -> None:
    assert refusals(Sum, {"parts": [6, 6]}) == {"x": "the parts are more than 10 together"}


@frozen
class Unreadable:
    ratio: Fraction


@frozen
class Odd:
    when: range = range(3)


def test_type_that_cannot_be_read_is_a_problem() -> None:
    assert "Fraction" in refusals(Unreadable, {"ratio": 1})["x"]


def test_type_that_no_configuration_can_express_is_a_problem() -> None:
    assert "its type is" in refusals(Odd, {"when": "x"})["x.when"]


@frozen(kw_only=True)
class Login:
    user: str = "me"
    password: str | None = option(help="…", secret=True)


@frozen(kw_only=True)
class Account:
    token: str | None = option(help="…", secret=True)
    login: Login = field(factory=Login)


def test_secrets_are_left_out_and_listed() -> None:
    account = Account(token="t", login=Login(password="p"))

    assert unstructure(account) == {"login": {"user": "me"}}
    assert secrets_of(account, "provider") == {
        "provider.token": "t",
        "provider.login.password": "p",
    }
    assert secrets_of(Account(), "provider") == {}


paths = st.from_regex(r"/[a-z~ ]{1,9}(/[a-z]{1,9})?", fullmatch=True).map(Path)
money = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)
limits = st.builds(Limits, low=st.integers(), high=st.integers(min_value=1))


@settings(max_examples=50)
@example(Everything(real=1.7e308, text="null", maybe="", path=Path("/~")))
@given(
    st.builds(
        Everything,
        text=st.text(),
        maybe=st.none() | st.text(),
        old_maybe=st.none() | st.integers(),
        whole=st.integers(),
        real=st.floats(allow_nan=False, allow_infinity=False),
        money=money,
        truth=st.booleans(),
        path=paths,
        words=st.lists(st.text()),
        numbers=st.lists(st.integers()).map(tuple),
        pair=st.tuples(st.integers(), st.text()),
        names=st.frozensets(st.text()),
        sequence=st.lists(paths),
        anything=st.none() | st.booleans() | st.text() | st.lists(st.integers()),
        counts=st.dictionaries(st.integers(), money),
        maybe_list=st.none() | st.lists(st.integers()),
        mixed=st.integers() | st.text(),
        literal=st.sampled_from(["a", "b", 3, None]),
        colour=st.sampled_from(Colour),
        size=st.sampled_from(Size),
        limits=limits,
        many=st.lists(limits),
        by_name=st.dictionaries(st.text(), limits),
    )
)
def test_stored_options_make_the_same_options(options: Everything) -> None:
    stored = json.loads(json.dumps(unstructure(options)))

    again, problems = structure(Everything, stored, prefix="x", origins={}, task_dir=HERE)

    assert problems == []
    assert again == options


@pytest.mark.parametrize(
    ("cls", "raw", "ours"),
    [
        pytest.param(bool, "false", Refused, id="scalars: cattrs takes any text for true"),
        pytest.param(int, 2.9, Refused, id="scalars: cattrs cuts what is not whole"),
        pytest.param(Colour, "DARK_BLUE", Colour.DARK_BLUE, id="enums: cattrs knows no names"),
        pytest.param(
            Literal["a", 3], Plain("3", 3), 3, id="literals: cattrs compares without the type"
        ),
        pytest.param(
            int | list[int], Typed("1,2"), [1, 2], id="unions: cattrs takes None and classes only"
        ),
        pytest.param(Any, Plain("0.30", 0.3), 0.3, id="anything: cattrs leaves it as it is"),
    ],
)
def test_each_hook_that_replaces_one_of_cattrs_is_needed(cls: Any, raw: Any, ours: Any) -> None:
    def outcome(converter: Converter) -> Any:
        try:
            return converter.structure(raw, cls)
        except Exception as error:  # noqa: BLE001 - any error of cattrs
            return type(error)

    assert outcome(make_converter(HERE)) == ours
    assert outcome(Converter()) != ours


@frozen(kw_only=True)
class Colliding:
    cl: int = 1
    converter: int = option(help="…", default=2)
    _private: int = 3


def test_options_may_have_any_name() -> None:
    made, problems = structure(
        Colliding,
        {"cl": 4, "converter": Typed("5"), "private": "6"},
        prefix="x",
        origins={},
        task_dir=HERE,
    )

    assert problems == []
    assert made == Colliding(cl=4, converter=5, private=6)
    assert refusals(Colliding, {"_private": 1, "private": "x"}).keys() == {
        "x._private",
        "x.private",
    }


def test_classes_may_hold_themselves() -> None:
    made, problems = structure(
        Tree, {"below": [{"below": [{}]}]}, prefix="x", origins={}, task_dir=HERE
    )

    assert problems == []
    assert made == Tree(below=[Tree(below=[Tree()])])
    assert refusals(Tree, {"below": [{"below": [{"x": 1}]}]}).keys() == {"x.below.0.below.0.x"}


@frozen(kw_only=True)
class Tree:
    below: list[Tree] = field(factory=list)


def test_untyped_lists_and_mappings_hold_plain_values() -> None:
    made, _ = structure(
        Loose,
        {"items": [Plain("1", 1)], "pairs": {"a": [Plain("2", 2)]}},
        prefix="x",
        origins={},
        task_dir=HERE,
    )

    assert made == Loose(items=[1], pairs={"a": [2]})


@frozen(kw_only=True)
class Loose:
    items: list = field(factory=list)  # type: ignore[type-arg]
    pairs: dict = field(factory=dict)  # type: ignore[type-arg]
