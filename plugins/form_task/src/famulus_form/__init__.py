"""The blueprint ``form``: questions declared in YAML, over a row of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import famulus

if TYPE_CHECKING:
    from famulus_form.options import SharedFormState as SharedFormState

__all__ = ["SharedFormState"]


@famulus.hookimpl
def famulus_register_blueprints() -> list[type[famulus.Blueprint]]:
    """Register ``form``."""
    from famulus_form.blueprint import FormBlueprint

    return [FormBlueprint]


@famulus.hookimpl
def famulus_register_task_templates() -> list[famulus.TaskTemplate]:
    """Register the studies that ``famulus new task`` copies."""
    from famulus_form.templates import studies

    return studies()


def __getattr__(name: str) -> object:
    if name == "SharedFormState":
        from famulus_form.options import SharedFormState

        return SharedFormState
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
