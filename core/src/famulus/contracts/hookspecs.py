"""All hooks. Hooks register kinds of plugins and report events; classes carry the behaviour.

A plugin is a module or object behind an entry point of the group ``famulus``; its functions marked
with :data:`hookimpl` implement these. Arguments are passed by name: an implementation takes only
the arguments that it needs, so that later versions can add some.
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
    from famulus.contracts.task_template import TaskTemplate
    from famulus.contracts.views import SubmittedUnit, UnitView, WorkerView
    from famulus.model.schema import PluginSchema

#: pluggy's project name, and the entry-point group plugins are found through.
PROJECT = "famulus"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@frozen(kw_only=True)
class RunEvent:
    """The run that an event hook is called for."""

    run_id: int
    task_name: str
    #: when it happened, in UTC, which may be long before the hook is called
    at: datetime


@hookspec
def famulus_register_blueprints() -> list[type[Blueprint]]:  # type: ignore[empty-body]
    """Return the kinds of task that this plugin brings.

    Called once, when plugins are loaded. The list may be empty. Only this plugin is refused
    when it raises or returns anything but complete :class:`~famulus.Blueprint` classes.
    """


@hookspec
def famulus_register_architects() -> list[type[Architect]]:  # type: ignore[empty-body]
    """Return the architects that this plugin brings.

    Called once, when plugins are loaded. The list may be empty. Only this plugin is refused
    when it raises or returns anything but complete :class:`~famulus.Architect` classes.
    """


@hookspec
def famulus_register_providers() -> list[type[Provider]]:  # type: ignore[empty-body]
    """Return the providers that this plugin brings.

    Called once, when plugins are loaded. The list may be empty. Only this plugin is refused
    when it raises or returns anything but complete :class:`~famulus.Provider` classes.
    """


@hookspec
def famulus_register_qualification_checks() -> list[type[QualificationCheck]]:  # type: ignore[empty-body]
    """Return checks that are asked at each arrival whether the worker may work.

    Called once, when plugins are loaded. The list may be empty. Only this plugin is refused
    when it raises or returns anything but complete :class:`~famulus.QualificationCheck`
    classes.
    """


@hookspec
def famulus_register_schemas() -> list[PluginSchema]:  # type: ignore[empty-body]
    """Return the plugin's own tables with their numbered migrations.

    Called once, when plugins are loaded. When it raises, the plugin is refused, and no other.
    Migrations that a database lacks are run before an operator launches or resumes a run on it, and
    before a command has the plugin's provider call its platform. A plugin that is older than its
    tables is refused; the tables of a plugin that is not installed are left alone.
    """


@hookspec
def famulus_register_task_templates() -> list[TaskTemplate]:  # type: ignore[empty-body]
    """Return tasks to begin with, which ``famulus new task`` lists and copies.

    Called once, when plugins are loaded. The list may be empty. Only this plugin is refused when it
    raises or returns anything but :class:`~famulus.TaskTemplate` objects whose folders have a
    ``config.yaml``. A template cannot be copied if another plugin has one of the same name.
    """


@hookspec
def famulus_run_launched(event: RunEvent) -> None:
    """Handle the launch of a run, or its resumption after a stop: it is open to workers.

    Events are dispatched in the operator's process after the commit: those of one run in the order
    in which they happened, one at a time and at least once, so that some may come again after a
    crash. Each plugin has its own position in the sequence and its own thread; it delays no other
    plugin, no worker and not the end of a run. An exception, ``SystemExit`` too, is logged with the
    plugin's name, and the event is not dispatched to that plugin again.

    When the run ends or is stopped, plugins that are behind get a few seconds more. Those that are
    still behind are named in the log; they get the remaining events when the run is resumed or, if
    it is finished, reviewed. Events of a run without an operator are dispatched when it gets one. A
    plugin that is installed while a run is active gets the events from then on. The arguments are
    copies, which the plugin may change.
    """


@hookspec
def famulus_unit_assigned(event: RunEvent, unit: UnitView, worker: WorkerView) -> None:
    """Handle the assignment of a unit to a worker; dispatched like :func:`famulus_run_launched`.

    Called again when a unit has come back and is assigned to another worker.
    """


@hookspec
def famulus_unit_submitted(event: RunEvent, unit: SubmittedUnit) -> None:
    """Handle stored answers, late ones too; dispatched like :func:`famulus_run_launched`.

    It is not called for answers to the onboarding.
    """


@hookspec
def famulus_unit_reviewed(event: RunEvent, unit: SubmittedUnit, decision: str) -> None:
    """Handle a reviewer's decision on a unit.

    :param decision: ``accepted``, ``soft_rejected`` or ``rejected``; or ``undone``, when the last
        decision that the hook was called with was taken back before it was applied. A requested
        return decides nothing, and calls no hook.

    Dispatched like :func:`famulus_run_launched`, as soon as it is decided. Work is mostly reviewed
    when its run is finished and has no operator: the process that applies the decisions (``famulus
    review``) dispatches them then, with all other events of that run that are still due. When a
    review is interrupted, the next one of the task dispatches the rest.
    """


@hookspec
def famulus_run_finished(event: RunEvent) -> None:
    """Handle the end of a run, which is final; dispatched like :func:`famulus_run_launched`.

    For a run that is finished without an operator, the next review of its task dispatches it.
    """
