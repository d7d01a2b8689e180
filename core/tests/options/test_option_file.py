"""YAML files of plugins are read as classes of options, and problems have lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import frozen

import famulus


@frozen(kw_only=True)
class Item:
    name: str = famulus.option(help="The name.", required=True)
    size: int = famulus.option(help="The size.", default=1)


def read(tmp_path: Path, text: str) -> famulus.OptionFile:
    path = tmp_path / "items.yaml"
    path.write_text(text, encoding="utf-8")
    return famulus.OptionFile.read(path, "'items:'")


def test_a_part_becomes_an_object(tmp_path: Path) -> None:
    file = read(tmp_path, "items:\n- name: 0802\n  size: 3\n")

    assert file.typed(Item, file.tree["items"][0], "items.0") == Item(name="0802", size=3)
    assert not file.problems


def test_each_problem_of_a_part_has_its_line(tmp_path: Path) -> None:
    file = read(tmp_path, "items:\n- name: a\n  size: big\n  colour: red\n- size: 2\n")

    made = [file.typed(Item, part, f"items.{n}") for n, part in enumerate(file.tree["items"])]

    assert made == [None, None]
    assert {(problem.key, problem.line) for problem in file.problems} == {
        ("items.0.size", 3),
        ("items.0.colour", 4),
        ("items.1.name", 5),
    }


def test_a_problem_of_a_missing_part_is_at_the_nearest_line(tmp_path: Path) -> None:
    file = read(tmp_path, "\nitems:\n- name: a\n")

    file.refuse("items.0.size", "is needed")
    file.refuse("title", "is needed")

    assert [problem.line for problem in file.problems] == [3, 1]
    assert str(file.problems[0]) == f"{tmp_path / 'items.yaml'}:3: items.0.size: is needed"


def test_an_empty_file_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(famulus.UsageError, match="is empty; begin with 'items:'"):
        read(tmp_path, "")
