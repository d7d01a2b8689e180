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
    from famulus.contracts.provider import Provider
    from famulus.contracts.qualification_check import QualificationCheck
    from famulus.contracts.views import SubmittedUnit, UnitView, WorkerView
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
    #: when it happened, in UTC; that may be well before it is told
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
    """Return checks that are asked at each arrival whether the worker may work.

    Called once, when plugins are loaded. An empty list is fine; what is not a complete
    :class:`~famulus.QualificationCheck` class, or raising, refuses the plugin and no other.
    """


@hookspec
def famulus_register_schemas() -> list[PluginSchema]:  # type: ignore[empty-body]
    """Return tables of the plugin's own, with their numbered migrations.

    Called once, when plugins are loaded; raising refuses the plugin and no other. The migrations a
    database lacks run before an operator launches or resumes a run on it, and before a command has
    the plugin's provider speak to its platform. Tables that are newer than the plugin refuse the
    plugin; the tables of a plugin that is not installed are left alone.
    """


@hookspec
def famulus_run_launched(event: RunEvent) -> None:
    """Hear that a run is open to workers: it was launched, or resumed after a stop.

    Events are delivered in the operator's process after the commit, those of a run in the order
    they happened and one at a time, at least once: after a crash some may come again. Each plugin
    has a position of its own in them, and is called in a thread of its own, so that nothing it does
    delays another plugin, a worker or the end of a run. Raising, ``SystemExit`` too, is logged with
    the plugin's name, and that event does not come again. A plugin that is behind when the run
    ends, or is stopped, is waited for by seconds, then named in the log and left behind: it gets
    the remaining events once the run is resumed or, if it is over, reviewed. Events of a run that
    has no operator are delivered once it has one. A plugin that is installed while a run goes on
    gets the events from then on. The arguments are the plugin's own copies.
    """


@hookspec
def famulus_unit_assigned(event: RunEvent, unit: UnitView, worker: WorkerView) -> None:
    """Hear that a worker was given a unit. Delivered like :func:`famulus_run_launched`.

    A unit that comes back and is given to somebody else is told again, with the other worker.
    """


@hookspec
def famulus_unit_submitted(event: RunEvent, unit: SubmittedUnit) -> None:
    """Hear that answers were stored, late ones too. Delivered like :func:`famulus_run_launched`.

    Answers to the onboarding are not told.
    """


@hookspec
def famulus_unit_reviewed(event: RunEvent, unit: SubmittedUnit, decision: str) -> None:
    """Hear of a decision: ``accepted``, ``soft_rejected`` or ``rejected``; or ``undone``, when the
    last one told of this unit was taken back before anybody was paid or told on the platform.

    Delivered like :func:`famulus_run_launched`, as soon as it is decided. Work is mostly reviewed
    when its run is over and no operator has it: then whoever settles the decisions (``famulus
    review``) tells them in its own process, with what else of that run was not told yet. What a
    review that was cut off has not told, the next one of the task tells.
    """


@hookspec
def famulus_run_finished(event: RunEvent) -> None:
    """Hear that a run is over for good. Delivered like :func:`famulus_run_launched`.

    A run that is finished while no operator has it is told by the next review of its task.
    """
