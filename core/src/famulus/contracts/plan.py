"""A plan: a complete configuration, typed and checked, before a run exists."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import Factory, define, frozen

from famulus.errors import Problem
from famulus.options.declare import callback, option
from famulus.options.task_args import TaskArgs

#: Suffix of a provider's own qualifications: ``mturk_specific_qualifications``.
SPECIFIC = "_specific_qualifications"


class _AnyProvider(ABCMeta):
    """Accept ``PROVIDER_specific_qualifications`` for every provider; core knows none by name."""

    def __call__(cls, **fields: Any) -> Any:
        specific = {name: fields.pop(name) for name in list(fields) if name.endswith(SPECIFIC)}
        state = super().__call__(**fields)
        vars(state).update(specific)
        return state


@define(kw_only=True, slots=False)
class SharedTaskState(metaclass=_AnyProvider):
    """The inputs of a run that only Python can give: functions, and data made by code.

    Blueprints extend it with fields of their own, in a class made with
    ``attrs.define(kw_only=True)``.

    A provider's own qualifications go to it as they are: ``mturk_specific_qualifications = […]``,
    here or assigned later, for the provider ``mturk``. Everything is checked at the launch.

    Fields made with :func:`famulus.callback` are functions and stay in the process that gives them;
    fields made with :func:`famulus.rows` take the data; all others must be JSON and are stored with
    the run.
    """

    qualifications: list[Any] = option(
        help="Conditions that workers have to meet, made with make_qualification_dict or "
        "QualificationRequirement.",
        factory=list,
    )
    specific_qualifications: dict[str, Any] = option(
        help="Qualifications in a provider's own format, by the provider's type; the same as "
        "PROVIDER_specific_qualifications.",
        factory=dict,
    )
    task_config: dict[str, Any] = option(
        help="Passed to the blueprint, which defines the keys.", factory=dict
    )
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
class ScriptCall:
    """The command that started a run script, kept so that `famulus resume` can start it again."""

    file: Path
    #: the name it was imported by, with ``python -m``; None when it was run as a file
    module: str | None = None
    #: the function that ``@task_script`` decorates
    function: str
    #: its arguments, without secrets
    arguments: Sequence[str] = ()
    #: the working directory of the call
    folder: Path
    #: the runs of the script's earlier launches; None for a launch that failed
    earlier: Sequence[int | None] = ()


@frozen(kw_only=True)
class Plan:
    """A checked configuration, and the origin of each of its values."""

    task: TaskArgs
    blueprint: Role
    architect: Role
    provider: Role
    shared_state: SharedTaskState
    #: the folder that ``${task_dir}`` stands for
    task_dir: Path
    #: dotted key -> (file, line); only keys that a file has set
    origins: Mapping[str, tuple[Path, int]] = Factory(dict)
    #: whether the shared state was given, and is not the blueprint's default
    shared_state_given: bool = False
    #: the run script that launches it, if there is one
    script: ScriptCall | None = None

    @property
    def task_name(self) -> str:
        """The task's name; the blueprint's type if none is set."""
        return self.task.task_name or self.blueprint.type

    def problem(self, key: str, message: str, *, warning: bool = False) -> Problem:
        """Return a problem of one option, with the file and line that set it, if one did."""
        file, line = self.origins.get(key, (None, None))
        return Problem(message, key=key, file=file, line=line, warning=warning)
