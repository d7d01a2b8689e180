"""What core hands to every plugin it constructs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import Factory, frozen

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
    #: the type name of the provider
    provider_type: str
    #: what :meth:`famulus.Provider.register` has returned to be kept
    settings: Mapping[str, Any] = Factory(dict)


@frozen(kw_only=True)
class Context:
    """What a plugin works with: the database, the clock, the shared state, who pays."""

    #: the run's database; a plugin's own tables are read and written through it
    database: Database
    #: the present moment in UTC; plugins ask it instead of the machine, so that tests can move it
    clock: Clock
    #: of the blueprint's own class. In a serving process its callbacks ask the operator over a
    #: local socket.
    shared_state: SharedTaskState
    #: who pays for the run. While a plan is only being checked, who will; None where that is not
    #: known yet, or made at need.
    requester: RequesterView | None = None
    #: None while a plan is only being checked
    run_id: int | None = None
