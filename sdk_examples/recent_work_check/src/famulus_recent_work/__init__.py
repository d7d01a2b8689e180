"""The qualification check ``recent_work``: nobody who has worked on a task lately."""

from __future__ import annotations

import famulus


@famulus.hookimpl
def famulus_register_qualification_checks() -> list[type[famulus.QualificationCheck]]:
    """Register ``recent_work``."""
    from famulus_recent_work.check import RecentWork

    return [RecentWork]
