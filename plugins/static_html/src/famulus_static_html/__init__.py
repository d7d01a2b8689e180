"""The blueprint ``static_task``: a form in an HTML file, filled with a row of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import famulus

if TYPE_CHECKING:
    from famulus_static_html.options import SharedStaticTaskState as SharedStaticTaskState

__all__ = ["SharedStaticTaskState"]


@famulus.hookimpl
def famulus_register_blueprints() -> list[type[famulus.Blueprint]]:
    """Register ``static_task``."""
    from famulus_static_html.blueprint import StaticTaskBlueprint

    return [StaticTaskBlueprint]


def __getattr__(name: str) -> object:
    if name == "SharedStaticTaskState":
        from famulus_static_html.options import SharedStaticTaskState

        return SharedStaticTaskState
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
