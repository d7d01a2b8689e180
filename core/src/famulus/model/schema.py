"""Tables that a plugin brings along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from famulus.model.migration import Migration


@frozen(kw_only=True)
class PluginSchema:
    """A plugin's own tables. ``name`` is the plugin's, and the prefix of every table's name.

    ``migrations`` are numbered from 1 without gaps and are never changed once released.
    """

    name: str
    migrations: Sequence[Migration]
