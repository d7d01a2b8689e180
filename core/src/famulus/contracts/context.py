"""The object that every plugin is constructed with."""

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
    """The environment of a plugin: the database, the clock, the shared state, the requester."""

    #: the run's database, which has the plugin's own tables too
    database: Database
    #: the current time in UTC; plugins use it in place of the system's, so that tests can set it
    clock: Clock
    #: an instance of the blueprint's ``SharedState``; in a serving process its callbacks call the
    #: operator over a local socket
    shared_state: SharedTaskState
    #: the account that pays for the run, or will pay when only a plan is checked; None if that
    #: is not known yet
    requester: RequesterView | None = None
    #: None while a plan is only being checked
    run_id: int | None = None
