"""What the author of a blueprint gives its conformance class, and the stage set up from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import SharedTaskState
from famulus.errors import Problem
from famulus.plugins import Plugins
from famulus.testing.conformance_stage import (
    Brings,
    Stage,
    draft,
    open_stage,
    plugins_with,
    problems_of,
)
from famulus.testing.forms import Filled, HtmlForm


class BlueprintSetting:
    """What a conformance class has to be told; each method gets a folder of the test's own."""

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

    def stage(self, tmp_path: Path) -> AbstractContextManager[Stage]:
        """Set up what core would make of :meth:`configuration`."""
        return self._stage_of(tmp_path, self.configuration(folder_in(tmp_path, "task")))

    def _stage_of(
        self, tmp_path: Path, options: Mapping[str, Any]
    ) -> AbstractContextManager[Stage]:
        return open_stage(
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

    def _problems(self, stage: Stage) -> list[Problem]:
        return problems_of(stage.blueprint().problems, stage.plan)

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
        with self._stage_of(tmp_path, options) as stage:
            return self._problems(stage)


def folder_in(tmp_path: Path, name: str) -> Path:
    """Return a folder of its own for one purpose."""
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    return folder
