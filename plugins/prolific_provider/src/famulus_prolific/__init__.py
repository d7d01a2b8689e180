"""Prolific: the provider ``prolific``."""

from __future__ import annotations

from famulus import PluginSchema, hookimpl


@hookimpl
def famulus_register_schemas() -> list[PluginSchema]:
    """Register the tables of studies."""
    from famulus_prolific.schema import SCHEMA

    return [SCHEMA]
