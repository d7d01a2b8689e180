"""The pages about the code name files that exist, and show the layers as import-linter has them."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core/src/famulus"
ARCHITECTURE, CONTRIBUTING = "docs/architecture.md", "CONTRIBUTING.md"
#: A path with a folder, or the name of a module; ``NAME`` in one stands for any.
PATH = re.compile(r"`([\w.]+/[\w./]*|\w+\.py)`")
PAGES = (ARCHITECTURE, CONTRIBUTING)


@cache
def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def named_paths() -> list[tuple[str, str]]:
    """Return each page with each path that it names once."""
    found = [(page, path) for page in PAGES for path in PATH.findall(text(page))]
    return [each for each in dict.fromkeys(found) if "NAME" not in each[1]]


def rows(section: str, page: str) -> list[list[str]]:
    """Return the rows of the first table below a heading, without its head."""
    body = text(page).partition(f"\n{section}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", body, re.MULTILINE)
    assert table is not None, f"{page} has no table below {section!r}"
    lines = table[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(("page", "path"), named_paths())
def test_a_path_that_a_page_names_exists(page: str, path: str) -> None:
    assert (CORE / path).exists() or (ROOT / path).exists(), f"{page} names {path}"


def test_every_room_of_core_has_a_section() -> None:
    folders = {f"### `{each.name}/`" for each in CORE.iterdir() if (each / "__init__.py").is_file()}
    headings = set(re.findall(r"^### `\w+/`$", text(ARCHITECTURE), re.MULTILINE))

    assert headings == folders


def test_the_layers_of_the_engine_are_those_of_the_contract() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(
        each["layers"] for each in contracts if "famulus.engine" in each.get("containers", ())
    )
    section = text(ARCHITECTURE).partition("\n### `engine/`\n")[2]
    shown = re.search(r"(?:^ {4}\S.*\n)+", section, re.MULTILINE)

    assert shown is not None
    assert [line.strip() for line in shown[0].splitlines()] == layers


@pytest.mark.parametrize("way", ["a request", "a launch", "a decision", "a row of data"])
def test_a_way_has_ten_steps_that_name_a_file_or_go_on(way: str) -> None:
    section = text(ARCHITECTURE).partition(f"\n## The way of {way}\n")[2].partition("\n## ")[0]
    steps = re.findall(r"^(\d+)\. (.*(?:\n +.*)*)$", section, re.MULTILINE)

    assert [int(number) for number, _ in steps] == list(range(1, 11))
    assert [step for _, step in steps if not PATH.search(step)] == []


def test_where_to_look_names_what_is_in_the_files() -> None:
    answers = rows("## Where to look", CONTRIBUTING)

    assert len(answers) == 10
    for question, files, names in answers:
        sources = "\n".join(
            (CORE / path).read_text(encoding="utf-8") for path in PATH.findall(files)
        )
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"^ *(?:def |class )?{name}\b", sources, re.MULTILINE), question
