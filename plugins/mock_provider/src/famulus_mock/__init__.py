"""Workers made up in the URL, for trying tasks out without a crowd."""

from __future__ import annotations

from famulus import PluginSchema, Provider, hookimpl


@hookimpl
def famulus_register_providers() -> list[type[Provider]]:
    """Register the provider ``mock``."""
    from famulus_mock.provider import MockProvider

    return [MockProvider]


@hookimpl
def famulus_register_schemas() -> list[PluginSchema]:
    """Register the tables of the provider ``mock``."""
    from famulus_mock.tables import SCHEMA

    return [SCHEMA]
