"""What core hands to every plugin it constructs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from famulus.clock import Clock
from famulus.contracts.plan import SharedTaskState

if TYPE_CHECKING:
    from famulus.model.database import Database

#: ``type`` for classes that have an attribute of that name themselves.
AnyClass = type


@frozen(kw_only=True)
class RequesterView:
    """The account that pays, as one provider knows it."""

    id: int
    name: str
    provider_type: str


@frozen(kw_only=True)
class Context:
    """The world a plugin works in. ``requester`` is None while a plan is only being checked."""

    database: Database
    clock: Clock
    shared_state: SharedTaskState
    requester: RequesterView | None = None
