"""Deprecated names until they are removed."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import famulus
from famulus import FamulusDeprecationWarning
from famulus.deprecations import NAMES, Deprecation, adopt_renamed_methods

TIDY_UP = Deprecation(old="tidy_up", new="dispose", since="0.2", removed_in="0.4")


class Contract:
    """A contract whose method ``tidy_up`` is now ``dispose``."""

    def __init_subclass__(cls) -> None:
        adopt_renamed_methods(cls, {"tidy_up": TIDY_UP})

    def dispose(self) -> str:
        return "nothing to dispose of"


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in NAMES.items() for name in names]
)
def test_a_deprecated_name_is_the_present_one_and_warns_at_the_line_of_its_user(
    module: str, name: str
) -> None:
    assert module == "famulus"

    with pytest.warns(FamulusDeprecationWarning, match=f"{name} is deprecated since") as caught:
        found = getattr(famulus, name)

    assert found is getattr(famulus, NAMES[module][name].new)
    assert Path(caught[0].filename) == Path(__file__)


def test_a_deprecated_name_is_not_listed() -> None:
    assert not set(NAMES["famulus"]) & set(famulus.__all__)


def test_the_message_names_versions_and_the_remedy() -> None:
    assert str(TIDY_UP) == (
        "tidy_up is deprecated since Famulus 0.2 and will be removed in 0.4: use dispose"
    )


def test_a_plugin_with_a_method_of_the_deprecated_name_works_and_is_named() -> None:
    with pytest.warns(FamulusDeprecationWarning, match=r"\.Old: tidy_up is deprecated") as caught:

        class Old(Contract):
            def tidy_up(self) -> str:
                return "cleaned up"

    assert Old().dispose() == "cleaned up"
    assert Path(caught[0].filename) == Path(__file__)


def test_a_plugin_for_both_versions_is_left_alone() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class Both(Contract):
            def tidy_up(self) -> str:
                return "old"

            def dispose(self) -> str:
                return "new"

    assert Both().dispose() == "new"


def test_a_subclass_of_a_plugin_with_the_deprecated_name_inherits_its_method() -> None:
    with pytest.warns(FamulusDeprecationWarning, match=r"\.Old: "):

        class Old(Contract):
            def tidy_up(self) -> str:
                return "cleaned up"

    class Further(Old):
        pass

    assert Further().dispose() == "cleaned up"
