"""The names that ``import famulus`` offers, and its cost."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import famulus

SOURCE = Path(famulus.__file__)
#: Modules that are slow to import, and plugins.
HEAVY = {
    "peewee",
    "flask",
    "click",
    "omegaconf",
    "rich",
    "cattrs",
    "pluggy",
    "psycopg",
    "yaml",
    "famulus_static_html",
    "famulus_crowd_form",
    "famulus_flask",
    "famulus_form",
    "famulus_links",
    "famulus_marks",
    "famulus_mock",
    "famulus.model",
    "famulus.cli",
}


def typed_names() -> dict[str, str]:
    """Return the names that type checkers see, each with the module it is taken from."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    found = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for name in node.names:
            assert name.asname == name.name, "a re-export repeats its name"
            found[name.name] = str(node.module)
    return found


def test_the_three_lists_of_names_agree() -> None:
    assert len(famulus.__all__) == len(set(famulus.__all__))
    assert set(famulus._WHERE) == set(famulus.__all__)
    assert typed_names() == famulus._WHERE


@pytest.mark.parametrize("name", famulus.__all__)
def test_every_listed_name_is_defined_in_its_module(name: str) -> None:
    thing = getattr(famulus, name)

    assert thing is not None
    assert getattr(thing, "__module__", famulus._WHERE[name]).startswith(
        (famulus._WHERE[name], "collections.abc", "typing", "types", "pluggy")
    )


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Operatr'"):
        famulus.Operatr  # noqa: B018


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nsys.stdout.write(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_the_package_loads_next_to_nothing() -> None:
    assert loaded_after("import famulus") & HEAVY == set()


def test_importing_the_command_line_does_not_load_the_database_or_a_plugin() -> None:
    assert (
        loaded_after("import famulus.cli")
        & {"peewee", "omegaconf", "flask", "famulus_flask", "famulus_static_html", "famulus_mock"}
        == set()
    )


def modules() -> list[str]:
    found = pkgutil.walk_packages([str(SOURCE.parent)], "famulus.")
    return [module.name for module in found if not module.name.endswith("__main__")]


def imported_when_loaded(tree: ast.AST) -> set[str]:
    """Return the names that a module imports while it is loaded, not inside its functions."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        found |= imported_when_loaded(node)
    return found


def with_packages(name: str) -> set[str]:
    """Return a module's name and those of the packages that it is in."""
    parts = name.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts) + 1)}


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    """Each can be imported first and alone then."""
    known = {"famulus", *modules()}
    graph = {}
    for name in known:
        file = SOURCE.parent.joinpath(*name.split(".")[1:])
        file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
        wanted = imported_when_loaded(ast.parse(file.read_text(encoding="utf-8")))
        # An imported name is that of a module, or of something in it.
        found = {each for imported in wanted for each in with_packages(imported)}
        graph[name] = (found & known) - with_packages(name)

    order = list(TopologicalSorter(graph).static_order())

    assert len(order) == len(known)
    assert order.index("famulus.model.tables") < order.index("famulus.engine.gateway")


@pytest.mark.slow
def test_every_module_can_be_imported_without_a_warning() -> None:
    assert set(modules()) <= loaded_after(f"import {', '.join(modules())}")
