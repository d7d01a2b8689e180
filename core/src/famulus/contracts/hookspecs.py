"""Every hook there is. Hooks register kinds and tell of events; classes carry the behaviour.

A plugin is a module or object behind an entry point of the group ``famulus``; its functions marked
with :data:`hookimpl` implement these. Arguments are passed by name: an implementation takes only
those it wants, so that later versions can add some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy
from attrs import frozen

if TYPE_CHECKING:
    from datetime import datetime

    from famulus.contracts.architect import Architect
    from famulus.contracts.blueprint import Blueprint
    from famulus.contracts.pages import SubmittedUnit, UnitView, WorkerView
    from famulus.contracts.provider import Provider
    from famulus.contracts.qualification_check import QualificationCheck
    from famulus.model.schema import PluginSchema

#: pluggy's project name, and the entry-point group plugins are found through.
PROJECT = "famulus"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@frozen(kw_only=True)
class RunEvent:
    """What event hooks are told of the run."""

    run_id: int
    task_name: str
    at: datetime


@hookspec
def famulus_register_blueprints() -> list[type[Blueprint]]:  # type: ignore[empty-body]
    """Return the kinds of task this plugin brings.

    Called once, when plugins are loaded. An empty list is fine; what is not a complete
    :class:`~famulus.Blueprint` class, or raising, refuses the plugin and no other.
    """


@hookspec
def famulus_register_architects() -> list[type[Architect]]:  # type: ignore[empty-body]
    """Return the architects this plugin brings.

    Called once, when plugins are loaded. An empty list is fine; what is not a complete
    :class:`~famulus.Architect` class, or raising, refuses the plugin and no other.
    """


@hookspec
def famulus_register_providers() -> list[type[Provider]]:  # type: ignore[empty-body]
    """Return the crowds this plugin brings.

    Called once, when plugins are loaded. An empty list is fine; what is not a complete
    :class:`~famulus.Provider` class, or raising, refuses the plugin and no other.
    """


@hookspec
def famulus_register_qualification_checks() -> list[type[QualificationCheck]]:  # type: ignore[empty-body]
    """Return checks that are asked at every arrival whether the worker may work.

    Called once, when plugins are loaded. An empty list is fine; what is not a complete
    :class:`~famulus.QualificationCheck` class, or raising, refuses the plugin and no other.
    """


@hookspec
def famulus_register_schemas() -> list[PluginSchema]:  # type: ignore[empty-body]
    """Return tables of the plugin's own, with their numbered migrations.

    Called once, when plugins are loaded; the migrations run when a database is opened. Tables that
    are newer than the plugin refuse the plugin; the tables of a plugin that is not installed are
    left alone.
    """


@hookspec
def famulus_run_launched(event: RunEvent) -> None:
    """Hear that a run is open to workers.

    Events are delivered by the operator after the commit, in the order they happened, at least
    once: after a crash some may come again. Raising is logged with the plugin's name and stops
    nothing; taking long delays later events, never a worker.
    """


@hookspec
def famulus_unit_assigned(event: RunEvent, unit: UnitView, worker: WorkerView) -> None:
    """Hear that a worker was given a unit. Delivered like :func:`famulus_run_launched`."""


@hookspec
def famulus_unit_submitted(event: RunEvent, unit: SubmittedUnit) -> None:
    """Hear that answers were stored, late ones too. Delivered like :func:`famulus_run_launched`."""


@hookspec
def famulus_unit_reviewed(event: RunEvent, unit: SubmittedUnit, decision: str) -> None:
    """Hear of a decision: ``accepted``, ``soft_rejected`` or ``rejected``. Delivered like
    :func:`famulus_run_launched`."""


@hookspec
def famulus_run_finished(event: RunEvent) -> None:
    """Hear that a run is over for good. Delivered like :func:`famulus_run_launched`."""
