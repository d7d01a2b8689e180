"""The blueprint ``compare_texts``: which of two texts is better?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import famulus

if TYPE_CHECKING:
    from famulus_compare_texts.options import SharedCompareTextsState as SharedCompareTextsState

__all__ = ["SharedCompareTextsState"]


@famulus.hookimpl
def famulus_register_blueprints() -> list[type[famulus.Blueprint]]:
    """Register ``compare_texts``."""
    from famulus_compare_texts.blueprint import CompareTexts

    return [CompareTexts]


def __getattr__(name: str) -> object:
    if name == "SharedCompareTextsState":
        from famulus_compare_texts.options import SharedCompareTextsState

        return SharedCompareTextsState
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
