"""Deprecated names until they are removed."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

import pytest
from attrs import fields_dict

import famulus.testing
from famulus import FamulusDeprecationWarning
from famulus.deprecations import (
    MEMBERS,
    NAMES,
    Deprecation,
    adopt_renamed_methods,
    keep_renamed_members,
)
from famulus.testing import HttpTransport, ScriptedWorker

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
    with pytest.warns(FamulusDeprecationWarning, match=f"{name} is deprecated since") as caught:
        found = getattr(importlib.import_module(module), name)

    assert found is getattr(importlib.import_module(module), NAMES[module][name].new)
    assert Path(caught[0].filename) == Path(__file__)


@pytest.mark.parametrize("module", NAMES)
def test_a_deprecated_name_is_not_listed(module: str) -> None:
    assert not set(NAMES[module]) & set(importlib.import_module(module).__all__)


@pytest.mark.parametrize(
    ("name", "deprecation"), [(name, each) for name, renames in MEMBERS.items() for each in renames]
)
def test_a_deprecated_member_is_another_name_of_one_that_exists(
    name: str, deprecation: Deprecation
) -> None:
    cls = getattr(famulus.testing, name)

    assert hasattr(cls, deprecation.new) or deprecation.new in fields_dict(cls)
    assert hasattr(cls, deprecation.old)


def test_a_deprecated_member_can_be_read_set_and_called() -> None:
    @keep_renamed_members
    class ScriptedWorker:
        transport = "there"

        def submit_all(self, most: int) -> int:
            return most

    worker: Any = ScriptedWorker()
    with pytest.warns(FamulusDeprecationWarning, match="ScriptedWorker: way is deprecated") as read:
        assert worker.way == "there"
    with pytest.warns(FamulusDeprecationWarning, match="ScriptedWorker: way is deprecated") as put:
        worker.way = "elsewhere"
    with pytest.warns(FamulusDeprecationWarning, match="ScriptedWorker: steady is") as called:
        assert worker.steady(3) == 3

    assert worker.transport == "elsewhere"
    assert {Path(each.filename) for each in [*read, *put, *called]} == {Path(__file__)}


def test_a_field_may_be_given_by_its_deprecated_name() -> None:
    transport = HttpTransport("http://127.0.0.1/")

    with pytest.warns(FamulusDeprecationWarning, match="ScriptedWorker: way is") as caught:
        worker = ScriptedWorker(way=transport, name="x")  # type: ignore[call-arg]

    assert worker.transport is transport
    assert Path(caught[0].filename) == Path(__file__)


def test_a_field_given_by_both_names_is_an_error() -> None:
    old, new = HttpTransport("http://127.0.0.1/old"), HttpTransport("http://127.0.0.1/new")

    with pytest.raises(TypeError, match="ScriptedWorker got way and transport: give transport"):
        ScriptedWorker(way=old, transport=new, name="x")  # type: ignore[call-arg]


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
