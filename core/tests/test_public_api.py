"""The names that ``import famulus`` offers, and its cost."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
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
    "famulus_flask",
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


#: What others have written is imported once; each of our own modules in a process of its own.
ALONE = """
import importlib, os, sys
import attrs, cattrs, click, itsdangerous, omegaconf, peewee, pluggy, rich.console, yaml

for name in sys.argv[1:]:
    child = os.fork()
    if not child:
        try:
            importlib.import_module(name)
        except BaseException as error:
            sys.stderr.write(f"{name}: {error!r}\\n")
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        sys.stderr.write(f"{name} ended with {status}\\n")
"""


@pytest.mark.slow
def test_every_module_can_be_imported_first_and_alone() -> None:
    """No module relies on another having been imported, and none warns."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ALONE, *modules()],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
