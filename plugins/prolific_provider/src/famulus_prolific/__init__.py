"""Prolific: the provider ``prolific``."""

from __future__ import annotations

from famulus import PluginSchema, Provider, hookimpl


@hookimpl
def famulus_register_providers() -> list[type[Provider]]:
    """Register ``prolific``, whose participants are paid."""
    from famulus_prolific.provider import ProlificProvider

    return [ProlificProvider]


@hookimpl
def famulus_register_schemas() -> list[PluginSchema]:
    """Register the tables of studies, bonuses, groups and subscriptions."""
    from famulus_prolific.schema import SCHEMA

    return [SCHEMA]
