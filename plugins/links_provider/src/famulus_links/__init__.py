"""Workers who come by a link: invited one by one, or sent by a platform with parameters."""

from __future__ import annotations

from famulus import PluginSchema, Provider, hookimpl


@hookimpl
def famulus_register_providers() -> list[type[Provider]]:
    """Register the provider ``links``."""
    from famulus_links.provider import LinksProvider

    return [LinksProvider]


@hookimpl
def famulus_register_schemas() -> list[PluginSchema]:
    """Register the tables of the provider ``links``."""
    from famulus_links.tables import SCHEMA

    return [SCHEMA]
