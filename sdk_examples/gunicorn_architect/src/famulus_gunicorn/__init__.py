from __future__ import annotations

import famulus


@famulus.hookimpl
def famulus_register_architects() -> list[type[famulus.Architect]]:
    """Register ``gunicorn``."""
    from famulus_gunicorn.architect import Gunicorn

    return [Gunicorn]
