"""The page on security names tests that exist, for each of its lines; the versions that were tested
together are names and versions alone.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from tools.constraints import canonical, direct_requirements

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([\w./]+\.py)::(\w+)`", PAGE)
LINES = re.split(
    r"^(?=\d+\. \*\*)", PAGE.partition("## What is left to you")[0], flags=re.MULTILINE
)[1:]


@cache
def functions(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_every_test_that_is_named_exists(file: str, test: str) -> None:
    assert test.startswith("test_")
    assert test in functions(file)


def test_every_line_is_operated_by_a_test() -> None:
    assert len(LINES) == 20
    assert [line.split("**")[1] for line in LINES if "::test_" not in line] == []


def test_constraints_are_names_and_versions() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    first, *lines = text.splitlines()

    assert first.startswith("# Tested together on Python 3.")
    assert [each for each in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*", each)] == []
    names = [each.partition("==")[0] for each in lines]
    assert names == sorted(names)


def test_constraints_fit_what_the_packages_ask_for() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = dict(line.split("==") for line in text.splitlines() if "==" in line)
    asked = [Requirement(each) for each in direct_requirements()]
    asked = [each for each in asked if not each.name.startswith("famulus")]

    assert {canonical(each.name) for each in asked} <= pinned.keys()
    assert all(Version(pinned[canonical(each.name)]) in each.specifier for each in asked)
