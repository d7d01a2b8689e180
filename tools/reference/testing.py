"""The page of the testing kit: what authors define for its rules, and what their tests use."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any

import famulus.testing
from famulus.testing import pytest_plugin

from .api import entry
from .classes import comments
from .markdown import annotation, code, document, prose, signature, table, value
from .places import TESTING

PAGE = "testing.md"

_INTRODUCTION = """
Every name of `famulus.testing.__all__`, and the fixtures of `famulus.testing.pytest_plugin`: the
extra `famulus[testing]` brings what they need.

A conformance class has the rules of a contract as tests, which a class of yours inherits. Its entry
lists the attributes and methods that you define. [Writing a blueprint](../writing-a-blueprint.md),
[an architect](../writing-an-architect.md), [a provider](../writing-a-provider.md) and [a
check](../how-to/writing-a-check.md) show how.
"""
#: Methods with which the tests of a conformance class do their work.
_OF_THE_TESTS = frozenset({"harness", "make_check"})


def testing_page() -> str:
    """Return the page.

    :raises LookupError: when a name has no place on it.
    """
    placed = [name for names in TESTING.values() for name in names]
    wrong = set(placed) ^ set(famulus.testing.__all__)
    if wrong:
        raise LookupError(f"give each a place in tools/reference/places.py: {sorted(wrong)}")
    parts = [_INTRODUCTION]
    for title, names in TESTING.items():
        parts.append(f"## {title}")
        parts += [f"### {name}\n\n{_entry(name)}" for name in names]
    parts += ["## Fixtures", table(("fixture", "meaning"), _fixtures())]
    return document("The testing kit", *parts)


def _entry(name: str) -> str:
    exported = getattr(famulus.testing, name)
    if name.endswith("Conformance"):
        return _conformance(exported)
    return entry(name, exported, PAGE)


def _conformance(cls: type[Any]) -> str:
    """Return the rules of a class in short, and what an author defines for them."""
    attributes: list[tuple[str, str, str, str]] = []
    methods: list[str] = []
    for base in reversed(cls.__mro__[:-1]):
        said = comments(base)
        attributes += [
            (
                f"`{name}`",
                f"`{annotation(given).removeprefix('ClassVar[').removesuffix(']')}`",
                f"`{value(vars(base)[name])}`" if name in vars(base) else "",
                prose(said.get(name), PAGE),
            )
            for name, given in inspect.get_annotations(base).items()
            if not name.startswith("_")
        ]
        methods += [
            f"#### {cls.__name__}.{name}\n\n{code(signature(name, method))}\n\n"
            + prose(inspect.getdoc(method), PAGE)
            for name, method in vars(base).items()
            if inspect.isfunction(method) and not name.startswith(("_", "test_"))
            if name not in _OF_THE_TESTS
        ]
    head = ("class attribute", "type", "default", "meaning")
    return "\n\n".join([prose(cls.__doc__, PAGE), table(head, attributes), *methods])


def _fixtures() -> Iterator[tuple[str, str]]:
    """Yield the fixtures of the plugin, each with the first paragraph of its docstring."""
    for node in ast.parse(inspect.getsource(pytest_plugin)).body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        if any(ast.unparse(each).startswith("pytest.fixture") for each in node.decorator_list):
            said = (ast.get_docstring(node) or "").split("\n\n")[0]
            yield f"`{node.name}`", prose(said, PAGE)
