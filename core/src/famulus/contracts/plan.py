"""A plan: a whole configuration, read and typed, before anything exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import Factory, field, frozen

from famulus.config.options import callback
from famulus.config.task_args import TaskArgs
from famulus.errors import Problem


@frozen(kw_only=True)
class SharedTaskState:
    """What only Python can say of a run. Blueprints extend it with fields of their own.

    Fields made with :func:`famulus.callback` are functions and stay in the process that gives them;
    fields made with :func:`famulus.rows` take the data; all others must be JSON and are stored with
    the run.
    """

    #: conditions a worker has to meet: ``{"qualification_name", "comparator", "value"}`` each, with
    #: a comparator such as ``GreaterThan``, ``EqualTo``, ``In``, ``Exists`` or ``DoesNotExist``
    qualifications: list[dict[str, Any]] = field(factory=list)
    #: whatever a blueprint makes of it
    task_config: dict[str, Any] = field(factory=dict)
    worker_can_do_unit: Callable[..., bool] | None = callback(
        help="(worker, unit) -> bool: may this worker do this unit? Asked of a bounded number of "
        "units at each arrival.",
    )
    on_unit_submitted: Callable[..., None] | None = callback(
        help="(unit) -> None: called by the operator after a submission is stored, in order, at "
        "least once.",
    )


SharedStateClass = type[SharedTaskState]


@frozen(kw_only=True)
class Role:
    """One chosen plugin."""

    #: its type name
    type: str
    #: its options, of the plugin's own ``Args`` class
    args: Any


@frozen(kw_only=True)
class Plan:
    """A checked configuration and where each of its values came from."""

    task: TaskArgs
    blueprint: Role
    architect: Role
    provider: Role
    shared_state: SharedTaskState
    #: the folder that ``${task_dir}`` stands for
    task_dir: Path
    #: dotted key -> (file, line); only keys that a file has set
    origins: Mapping[str, tuple[Path, int]] = Factory(dict)
    #: whether the shared state came with the plan or is only the blueprint's default
    shared_state_given: bool = False

    @property
    def task_name(self) -> str:
        """The task's name; the blueprint's type when the user gave none."""
        return self.task.task_name or self.blueprint.type

    def problem(self, key: str, message: str) -> Problem:
        """Make a problem of one option, with the file and line that set it where one did."""
        file, line = self.origins.get(key, (None, None))
        return Problem(message, key=key, file=file, line=line)
