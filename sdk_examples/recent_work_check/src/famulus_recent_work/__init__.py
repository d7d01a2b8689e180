"""The qualification check ``recent_work``: refuses workers of a task who were here lately."""

from __future__ import annotations

import famulus


@famulus.hookimpl
def famulus_register_qualification_checks() -> list[type[famulus.QualificationCheck]]:
    """Register ``recent_work``."""
    from famulus_recent_work.check import RecentWork

    return [RecentWork]
