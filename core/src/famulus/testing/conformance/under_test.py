"""The methods that the author of a blueprint defines for its conformance class."""

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
    PluginHarness,
    PluginUnderTest,
    draft,
    open_harness,
    plugins_with,
    problems_of,
)
from famulus.testing.forms import FormData, HtmlForm


class BlueprintUnderTest:
    """The methods that an author defines; each test calls them with a folder of its own."""

    #: The class under test.
    blueprint: ClassVar[type[Blueprint]]
    #: Names of fields that the blueprint adds to a row, and that no data can be in.
    own_fields: ClassVar[frozenset[str]] = frozenset()
    #: Names of form fields whose values the answers do not hold, or hold in another form.
    not_in_answers: ClassVar[frozenset[str]] = frozenset()
    #: Seconds that a page may take to be made.
    page_seconds: ClassVar[float] = 1
    #: Seconds after which a test fails, since a method hangs.
    rule_seconds: ClassVar[float] = 120

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        """Return good options, as they would stand under ``blueprint:``, with a few rows of data.

        The files they name are written into ``tmp_path``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define configuration()")

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        """Return options that a launch must refuse, each by a description of its fault."""
        raise NotImplementedError(f"{type(self).__name__} must define broken_configurations()")

    def big_configuration(self, tmp_path: Path, rows: int) -> dict[str, Any] | None:
        """Return good options with that many rows of data; None if the data is never big."""
        return None

    def shared_state(self) -> SharedTaskState | None:
        """Return the shared state that a run script would give; called again for each resume."""
        return None

    def fill(self, form: HtmlForm, variant: int) -> FormData:
        """Fill in a form as a worker would; override it if the default answers are not accepted."""
        return form.fill(variant)

    def harness(self, tmp_path: Path) -> AbstractContextManager[PluginHarness]:
        """Open the harness of :meth:`configuration`."""
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
            seconds=self.rule_seconds,
        )

    def _roles(self) -> dict[str, str]:
        return {"blueprint": self.blueprint.type, "architect": "nowhere", "provider": "crowd"}

    def _plugins(self) -> Plugins:
        return plugins_with(PluginUnderTest(blueprints=[self.blueprint]))

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
    """Make a folder with that name, unless it exists, and return it."""
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    return folder
