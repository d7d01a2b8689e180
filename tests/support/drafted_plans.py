"""Plans made of configurations as commands make them, without the checks of plugins."""

from __future__ import annotations

from collections.abc import Sequence

from famulus.contracts.plan import Plan, SharedTaskState
from famulus.errors import Problem, UsageError
from famulus.options.configuration import Configuration
from famulus.plan.draft import PluginLookup, draft_plan


def drafted_plan(
    configuration: Configuration,
    plugins: PluginLookup,
    shared_state: SharedTaskState | None = None,
) -> tuple[Plan, Sequence[Problem]]:
    """Return the plan of a draft without problems, and its warnings."""
    draft = draft_plan(configuration, plugins, shared_state)
    if draft.problems or draft.plan is None:
        raise UsageError(draft.problems)
    return draft.plan, draft.warnings
