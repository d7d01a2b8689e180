"""Core's own schema. Released steps are never changed; a test holds them beside the models."""

from __future__ import annotations

from famulus.model.migrations.m0001_initial import INITIAL
from famulus.model.schema import PluginSchema

CORE = PluginSchema(name="famulus", migrations=(INITIAL,))
