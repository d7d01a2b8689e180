"""The blueprint ``crowd_form``: templates of SageMaker Ground Truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import famulus

if TYPE_CHECKING:
    from famulus_crowd_form.options import SharedCrowdFormState as SharedCrowdFormState

__all__ = ["SharedCrowdFormState"]


@famulus.hookimpl
def famulus_register_blueprints() -> list[type[famulus.Blueprint]]:
    """Register ``crowd_form``."""
    from famulus_crowd_form.blueprint import CrowdFormBlueprint

    return [CrowdFormBlueprint]


def __getattr__(name: str) -> object:
    if name == "SharedCrowdFormState":
        from famulus_crowd_form.options import SharedCrowdFormState

        return SharedCrowdFormState
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
