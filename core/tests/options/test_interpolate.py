"""References are followed as far as a configuration needs, and no further."""

from __future__ import annotations

import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from attrs import Factory, frozen

from famulus.options.configuration import read_configuration
from famulus.options.convert import structure
from famulus.options.declare import option
from famulus.options.interpolate import interpolate
from famulus.options.option_class import options_of
from famulus.options.scalars import Typed

HEAD = "defaults:\n  - blueprint: static_task\n  - architect: local\n  - provider: mock\ntask:\n"


def chain(text: str) -> str:
    """Return 40 options, each made of the next by a text in which ``@`` stands for its number."""
    quoted = text if text.startswith("[") else f"'{text}'"
    lines = [f"  a{number}: {quoted.replace('@', str(number + 1))}" for number in range(40)]
    return "\n".join([*lines, "  a40: a"])


BOMBS = {
    "texts": chain("${task.a@}${task.a@}"),
    "relative": chain("${.a@}${.a@}"),
    "former root": chain("${mephisto.task.a@}${mephisto.task.a@}"),
    "in brackets": chain("${task[a@]}${task[a@]}"),
    "lists": chain("['${task.a@}', '${task.a@}']"),
    "sections": "  a: '${task}${task}'\n  b: '${task}${blueprint}'\nblueprint:\n  c: ['${task}']",
    "large": "  a: '" + "${task.b}" * 1000 + f"'\n  b: '{'x' * 500_000}'",
    "deeply nested": "  a: '" + "${" * 400 + "task.b" + "}" * 400 + "'",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_references_that_are_made_to_take_long_are_refused_with_a_sentence(
    tmp_path: Path, bomb: str
) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(f"{HEAD}{BOMBS[bomb]}\n", encoding="utf-8")
    limited = (
        "import resource, runpy, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (500_000_000, 500_000_000))\n"
        # Seconds of processor time: a machine with other work may take many times as long.
        "resource.setrlimit(resource.RLIMIT_CPU, (10, 10))\n"
        "sys.argv[0] = 'famulus'; runpy.run_module('famulus', run_name='__main__')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", limited, "--database", tmp_path / "x.db", "check", file],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 20_000
    assert "write the values out" in done.stderr or "refers back to itself" in done.stderr


def test_references_of_everyday_use_are_followed(tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(
        f"{HEAD}  task_name: pilot\n  task_title: '${{.task_name}} and ${{task.task_name}}'\n"
        "  task_tags: '${task.${task.task_description}}'\n  task_description: task_title\n",
        encoding="utf-8",
    )

    configuration = read_configuration(file)

    assert configuration.problems == []
    assert str(configuration.sections["task"]["task_tags"]) == "pilot and pilot"


def resolved(**task: object) -> tuple[dict[str, object], dict[str, str]]:
    """Return what a tree resolves to, and the problems by key."""
    problems: dict[str, str] = {}
    tree = interpolate({"task": task}, problems.__setitem__)
    return tree["task"], problems


def test_many_references_are_followed_at_once() -> None:
    task, problems = resolved(a="${task.b}" * 3000, b="x", c="${task.${task.b}}" * 1000, x="y")

    assert problems == {}
    assert (task["a"], task["c"]) == ("x" * 3000, "y" * 1000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${task.b}", "value"),
        ("${ task.b }", "value"),
        ("${.b}", "value"),
        ("${task[b]}", "value"),
        ("${mephisto.task.b}", "value"),
        ("${.list[1]}", "second"),
        ("${.list.0} and ${.below.c}", "first and value"),
        ("${.alias.c}", "value"),
        ("a ${task.b}} b", "a value} b"),
        ("\\${task.b}", "${task.b}"),
        ("\\\\${task.b}", "\\value"),
        ("${oc.env:SET_HERE}", "there"),
        ("${oc.env:NOT_SET_HERE,other}", "other"),
        ("${oc.env:NOT_SET_HERE,'a, b'}", "a, b"),
        ("${oc.env:NOT_SET_HERE,${.b}}", "value"),
        ("${oc.env:NOT_SET_HERE,null}", None),
        ("${oc.select:task.b}", "value"),
        ("${oc.select:task.none}", None),
        ("${oc.select:task.none,3}", Typed("3")),
        ("${oc.decode:${.b}}", Typed("value")),
    ],
)
def test_reference_stands_for(text: str, expected: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET_HERE", "there")

    task, problems = resolved(
        a=text, b="value", list=["first", "second"], below={"c": "${..b}"}, alias="${.below}"
    )

    assert problems == {}
    assert task["a"] == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${}", "is not a valid reference"),
        ("${a b}", "is not a valid reference"),
        ("${task..b}", "is not a valid reference"),
        ("${task.b", "is not a valid reference"),
        ("${....b}", "refers to an unknown key"),
        ("${.list[2]}", "refers to an unknown key"),
        ("${.list[" + "9" * 5000 + "]}", "refers to an unknown key"),
        ("${.b.c}", "refers to an unknown key"),
        ("x${.list}", "refers to several values, which cannot be a part of a text"),
        ("${.broken}", "refers to an unknown key"),
        ("${.unset}", "refers to an option that is not set"),
        ("${now:%Y}", "cannot be resolved: Unsupported interpolation type now"),
    ],
)
def test_reference_that_leads_nowhere_is_a_problem(text: str, words: str) -> None:
    task, problems = resolved(a=text, b="value", list=["x"], broken="${zzz}", unset="???")

    assert "a" not in task
    assert words in problems["task.a"]


def test_values_that_are_referred_to_keep_their_type() -> None:
    task, _ = resolved(a="${.b}", b={"c": [1, None]}, d="${.e}", e=Typed("3"))

    assert task["a"] == {"c": [1, None]}
    assert task["d"] == Typed("3")


def test_many_references_that_lead_nowhere_are_found_at_once() -> None:
    names = {f"option_{number}": "${task.optoin}" for number in range(2_000)}

    task, problems = resolved(**names)

    assert task == {}
    assert len(problems) == 2_000
    assert sum("did you mean" in each for each in problems.values()) <= 10


def test_keys_that_are_numbers_in_python_are_found() -> None:
    task, _ = resolved(a="${.b.3}", b={3: "x"})

    assert task["a"] == "x"


def test_keys_that_are_written_alike_keep_their_own_values() -> None:
    tree = {"a": {"b": "1", "a.b": "2"}, "a.b": "3", "m": {1: "x", "1": "y"}, "c": "${a.b}"}
    problems: dict[str, str] = {}

    assert interpolate(tree, problems.__setitem__) == {**tree, "c": "1"}
    assert problems == {}


SECRET = "not for logs"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${task.${oc.env:TOKEN}}", "'${oc.env:TOKEN}' is not a valid reference"),
        ("${oc.env:${oc.env:TOKEN}}", "refers to an environment variable that is not set"),
        ("${oc.env:X_${task.key}}", "refers to an environment variable that is not set"),
        ("${oc.env:NOT_SET_HERE}", "an environment variable that is not set: NOT_SET_HERE"),
    ],
)
def test_message_does_not_quote_the_value_of_a_reference(
    text: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", SECRET)

    _, problems = resolved(a=text, key="${oc.env:TOKEN}")

    assert words in problems["task.a"]
    assert SECRET not in problems["task.a"]


def is_short(_: object, _field: object, value: object) -> None:
    if len(str(value)) > 2:
        raise ValueError(f"{value!r} is too long")


@frozen(kw_only=True)
class Options:
    """One option of each type that has a message of its own."""

    whole: int = 0
    number: float = 0.0
    amount: Decimal = Decimal(0)
    truth: bool = False
    items: list[int] = Factory(list)
    entries: dict[str, int] = Factory(dict)
    size: Literal["small", "large"] = "small"
    either: int | list[int] = 0
    color: str = option(help="", choices=["red"], default="red")
    short: str = option(help="", validator=is_short, default="")


@pytest.mark.parametrize("name", options_of(Options))
@pytest.mark.parametrize(
    "text",
    [
        "${oc.env:TOKEN}",
        "of ${oc.env:TOKEN}",
        "${.token}",
        "${oc.decode:${oc.env:TOKEN}}",
        "${oc.env:NOT_SET_HERE,${.token}}",
        "${oc.select:task.none,${.token}}",
        ["${task.token}"],
        {"key": "${task.token}"},
        Typed("${.token}"),
        Typed("[${.token}]"),
    ],
    ids=str,
)
def test_no_message_shows_a_value_of_the_environment(
    name: str, text: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    task, _ = resolved(**{name: text}, token="${oc.env:TOKEN}")
    del task["token"]

    _, problems = structure(Options, task, prefix="task", origins={}, task_dir=Path("/"))

    assert problems
    assert SECRET not in str(problems)


def test_text_from_the_environment_is_an_ordinary_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", "ab")

    task, _ = resolved(short="${oc.env:WORD}")
    made, _ = structure(Options, task, prefix="task", origins={}, task_dir=Path("/"))

    assert made is not None
    assert type(made.short) is str


def test_text_of_many_backslashes_is_read_at_once() -> None:
    text = "\\" * 100_001 + "x"
    problems: dict[str, str] = {}
    before = time.process_time()

    found = interpolate({"a": text + "${b}", "b": 1}, problems.__setitem__)

    assert found["a"] == f"{text}1"
    assert time.process_time() - before < 1
