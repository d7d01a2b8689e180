"""Serving runs with Flask: the architects ``local`` and ``external``, and the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import famulus

if TYPE_CHECKING:
    from famulus_flask.app import create_app as create_app

__all__ = ["create_app"]


@famulus.hookimpl
def famulus_register_architects() -> list[type[famulus.Architect]]:
    """Return the architects ``local`` and ``external``."""
    from famulus_flask.architect import LocalArchitect
    from famulus_flask.external import ExternalArchitect

    return [LocalArchitect, ExternalArchitect]


def __getattr__(name: str) -> Any:
    # Flask is only loaded to serve a run: the operator needs only the architects' classes.
    if name == "create_app":
        from famulus_flask.app import create_app

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
