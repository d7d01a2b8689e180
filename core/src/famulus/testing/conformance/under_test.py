"""What the author of a blueprint tells its conformance class, and the harness made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import SharedTaskState
from famulus.errors import Problem
from famulus.plugins import Plugins
from famulus.testing.conformance.harness import (
    Brings,
    PluginHarness,
    draft,
    open_harness,
    plugins_with,
    problems_of,
)
from famulus.testing.forms import Filled, HtmlForm


class BlueprintUnderTest:
    """What a conformance class has to be told; each test calls it with a folder of its own."""

    #: The class under test.
    blueprint: ClassVar[type[Blueprint]]
    #: Names of a row's fields that the blueprint makes itself: no data can be in them.
    own_fields: ClassVar[frozenset[str]] = frozenset()

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        """Return good options, as they would stand under ``blueprint:``, with a few rows of data.

        The files they name are written into ``tmp_path``.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define configuration()")

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        """Return options that must not be launched, by words for what is wrong with them."""
        raise NotImplementedError(f"{type(self).__name__} has to define broken_configurations()")

    def big_configuration(self, tmp_path: Path, rows: int) -> dict[str, Any] | None:
        """Return good options with so many rows of data; None where the data is never big."""
        return None

    def shared_state(self) -> SharedTaskState | None:
        """Return what a run script would give; called anew for each resume."""
        return None

    def fill(self, form: HtmlForm, variant: int) -> Filled:
        """Fill in a form as a worker would; override it where hurried answers are not taken."""
        return form.fill(variant)

    def harness(self, tmp_path: Path) -> AbstractContextManager[PluginHarness]:
        """Set up what core would make of :meth:`configuration`."""
        return self._harness_of(tmp_path, self.configuration(folder_in(tmp_path, "task")))

    def _harness_of(
        self, tmp_path: Path, options: Mapping[str, Any]
    ) -> AbstractContextManager[PluginHarness]:
        return open_harness(
            self._plugins(),
            tmp_path,
            state=self.shared_state,
            roles=self._roles(),
            options={"blueprint": options},
        )

    def _roles(self) -> dict[str, str]:
        return {"blueprint": self.blueprint.type, "architect": "nowhere", "provider": "crowd"}

    def _plugins(self) -> Plugins:
        return plugins_with(Brings(blueprints=[self.blueprint]))

    def _problems(self, harness: PluginHarness) -> list[Problem]:
        return problems_of(harness.blueprint().problems, harness.plan)

    def _problems_of_options(self, tmp_path: Path, options: Mapping[str, Any]) -> Sequence[Problem]:
        found = draft(
            self._plugins(),
            tmp_path,
            state=self.shared_state(),
            roles=self._roles(),
            options={"blueprint": options},
        )
        if found.problems or found.plan is None:
            return found.problems
        with self._harness_of(tmp_path, options) as harness:
            return self._problems(harness)


def folder_in(tmp_path: Path, name: str) -> Path:
    """Return a folder of its own for one purpose."""
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    return folder
