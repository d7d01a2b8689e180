"""The ``cfg`` of a run script: its configuration, and arguments of the script's own."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import attrs

from famulus.errors import Problem, UsageError
from famulus.options.compat import FORMER_ROOT, FormerNames
from famulus.options.option_class import options_of
from famulus.options.suggest import did_you_mean

if TYPE_CHECKING:
    from famulus.options.configuration import Configuration
    from famulus.options.sections import Section, Sections

T = TypeVar("T", bound="TaskConfig")

_RESERVED = frozenset(
    {
        "architect",
        "blueprint",
        "conf",
        "defaults",
        "famulus",
        FORMER_ROOT,
        "profile",
        "provider",
        "task",
        "task_dir",
    }
)


class TaskConfig(FormerNames):
    """The configuration of a run script.

    :func:`build_default_task_config` returns a base class to which a script adds arguments of its
    own, with ``attrs.define`` or ``dataclasses.dataclass``; ``@task_script`` makes the instance.
    """

    #: name of the file that is read unless ``conf=NAME`` picks another
    default_config_file: ClassVar[str] = ""

    def __setattr__(self, name: str, value: Any) -> None:
        # Only after construction, so that the class's own __init__ may set more.
        is_known = name in vars(self) or hasattr(type(self), name) or name.startswith("_")
        if "_sections" in vars(self) and not is_known:
            raise AttributeError(_unknown_argument(type(self), name))
        super().__setattr__(name, value)

    @property
    def famulus(self) -> Sections:
        """All sections; ``cfg.mephisto``, of existing scripts, is the same.

        :meth:`famulus.Operator.launch_task_run` takes them or ``cfg`` itself.
        """
        sections: Sections | None = vars(self).get("_sections")
        if sections is None:
            raise AttributeError("only @task_script fills in the sections of a configuration")
        return sections

    @property
    def blueprint(self) -> Section:
        """The blueprint's options."""
        return self.famulus.blueprint

    @property
    def architect(self) -> Section:
        """The architect's options."""
        return self.famulus.architect

    @property
    def provider(self) -> Section:
        """The provider's options."""
        return self.famulus.provider

    @property
    def task(self) -> Section:
        """The texts for workers, their pay, and the limits of the run."""
        return self.famulus.task

    @property
    def task_dir(self) -> Path:
        """The folder of the run script."""
        return self.famulus.task_dir


def build_default_task_config(default_config_file: str) -> type[TaskConfig]:
    """Return a base class for a script's own arguments, with the name of its YAML file."""
    return type("DefaultTaskConfig", (TaskConfig,), {"default_config_file": default_config_file})


def own_arguments(cls: type[TaskConfig]) -> type:
    """Return the script's own arguments as an attrs class of options.

    :raises UsageError: when the class is no class of options, or a name in it has another meaning.
    """
    for each in cls.__mro__:
        if each is TaskConfig:
            break
        fields = {"__attrs_attrs__", "__dataclass_fields__"} & vars(each).keys()
        if not fields and inspect.get_annotations(each):
            raise UsageError(f"{each.__name__} lacks a line above its class: @attrs.define")
    options = cls if attrs.has(cls) else _as_attrs(cls)
    taken = _RESERVED & options_of(options).keys()
    if taken:
        names = ", ".join(sorted(taken))
        raise UsageError(f"{cls.__name__} cannot have an argument named {names}; rename it")
    return options


def make_task_config(cls: type[T], sections: Sections, arguments: Mapping[str, Any]) -> T:
    """Return the ``cfg`` of a script.

    :raises UsageError: when the class itself refuses the arguments.
    """
    try:
        cfg = cls(**arguments)
    except Exception as error:  # the script's own class
        raise UsageError(Problem(str(error) or type(error).__name__)) from error
    # Bypasses the class's own __setattr__, since the class may be frozen.
    object.__setattr__(cfg, "_sections", sections)
    return cfg


def read_arguments(
    options: type, configuration: Configuration
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the script's own arguments, typed, and their problems.

    The command line's text for an argument without a type (``Any``) is read as YAML.
    """
    from famulus.options.convert import structure

    own = options_of(options)
    raw = {
        name: _untyped(value) if own[name].type is Any else value
        for name, value in configuration.arguments.items()
    }
    made, problems = structure(
        options, raw, prefix="", origins=configuration.origins, task_dir=configuration.task_dir
    )
    if problems:
        return {}, problems
    return {name: getattr(made, each.attribute) for name, each in own.items()}, []


def _unknown_argument(cls: type[TaskConfig], name: str) -> str:
    known = options_of(own_arguments(cls))
    near = did_you_mean(name, known, otherwise="its own are")
    return (
        f"{cls.__name__} has no argument {name!r}{near}; an option of a section is set as in "
        "cfg.task.task_title = …"
    )


def _untyped(value: Any) -> Any:
    import yaml

    from famulus.options.scalars import Typed

    if not isinstance(value, Typed):
        return value
    try:
        return yaml.safe_load(value.text)
    except yaml.YAMLError:
        return value


def _as_attrs(cls: type) -> type:
    if not hasattr(cls, "__dataclass_fields__"):
        return attrs.make_class(cls.__name__, {})
    try:
        types = typing.get_type_hints(cls)
    except NameError as error:
        raise UsageError(f"the types of {cls.__name__} cannot be read: {error}") from error
    fields = {
        field.name: _attribute(field, types[field.name])
        for field in dataclasses.fields(cls)
        if field.init
    }
    return attrs.make_class(cls.__name__, fields, kw_only=True)


def _attribute(field: dataclasses.Field[Any], annotation: Any) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return attrs.field(factory=field.default_factory, type=annotation)
    default = attrs.NOTHING if field.default is dataclasses.MISSING else field.default
    return attrs.field(default=default, type=annotation)
