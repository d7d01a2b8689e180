"""The architect ``local``: serves a run with Flask from this machine, in a process of its own."""

from __future__ import annotations

import famulus


@famulus.hookimpl
def famulus_register_architects() -> list[type[famulus.Architect]]:
    """Return the architect ``local``."""
    from famulus_flask.architect import LocalArchitect

    return [LocalArchitect]
