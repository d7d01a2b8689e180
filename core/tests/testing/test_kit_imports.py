"""The modules that importing the kit loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

import famulus.testing


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_kit_loads_nothing_before_it_is_used() -> None:
    code = "import sys, famulus.testing; print({'peewee', 'hypothesis'} & set(sys.modules))"

    assert python(code) == "set()\n"


def test_kit_without_pytest_gives_the_remedy() -> None:
    code = "import sys; sys.modules['pytest'] = None; import famulus.testing"

    assert 'pip install "famulus[testing]"' in python(code)


@pytest.mark.parametrize("name", famulus.testing.__all__)
def test_every_exported_name_is_there(name: str) -> None:
    assert getattr(famulus.testing, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Conformity"):
        famulus.testing.Conformity  # noqa: B018
