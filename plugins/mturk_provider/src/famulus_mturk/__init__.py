"""Amazon Mechanical Turk: the providers ``mturk`` and ``mturk_sandbox``."""

from __future__ import annotations

from famulus import PluginSchema, Provider, hookimpl


@hookimpl
def famulus_register_providers() -> list[type[Provider]]:
    """Register ``mturk``, where workers are paid, and ``mturk_sandbox``, with play money."""
    from famulus_mturk.provider import MturkProvider, MturkSandboxProvider

    return [MturkProvider, MturkSandboxProvider]


@hookimpl
def famulus_register_schemas() -> list[PluginSchema]:
    """Register the tables of HITs and qualification types."""
    from famulus_mturk.schema import SCHEMA

    return [SCHEMA]
