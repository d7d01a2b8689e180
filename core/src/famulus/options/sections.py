"""The options of a configuration for a run script: typed and assignable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from famulus.options.compat import ignored_options, type_key
from famulus.options.configuration import Configuration
from famulus.options.convert import fitting_values
from famulus.options.option_class import options_of
from famulus.options.scalars import to_anything
from famulus.options.source import SECTIONS
from famulus.options.suggest import did_you_mean


class Section(MutableMapping[str, Any]):
    """One section's options, as attributes and as a mapping.

    An option that is assigned before the launch counts as set by the command line, and is checked
    at the launch.
    """

    __slots__ = ("_assigned", "_cls", "_ignored", "_name", "_raw", "_type", "_values")

    def __init__(self, name: str, cls: type, configuration: Configuration) -> None:
        raw = configuration.sections[name]
        values = fitting_values(cls, raw, task_dir=configuration.task_dir)
        ignored = ignored_options(name, values)
        self._name = name
        self._cls = cls
        self._type = configuration.roles.get(name)
        self._raw = raw
        self._values = values
        self._ignored = {option: to_anything(raw.get(option)) for option in ignored}
        self._assigned: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name in Section.__slots__:
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(self._unknown(name)) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in Section.__slots__:
            object.__setattr__(self, name, value)
            return
        try:
            self[name] = value
        except KeyError:
            raise AttributeError(self._unknown(name)) from None

    def __getitem__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if name in self._ignored:
            return self._ignored[name]
        if self._type is not None and name == type_key(self._name):
            return self._type
        raise KeyError(name)

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._values:
            raise KeyError(name)
        self._values[name] = value
        self._assigned.add(name)

    def __delitem__(self, name: str) -> None:
        self[name] = options_of(self._cls)[name].default

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        options = options_of(self._cls)
        shown = (
            f"{name}={'…' if options[name].secret else repr(value)}"
            for name, value in self._values.items()
        )
        return f"<{self._name}: {', '.join(shown)}>"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def _unknown(self, name: str) -> str:
        if name == type_key(self._name):
            return f"another {self._name} is chosen where the script is started: {self._name}=NAME"
        return f"{self._name} has no option {name!r}{did_you_mean(name, self._values)}"


def _options(section: Section) -> dict[str, Any]:
    """Return the options that are set, unknown ones included."""
    options = options_of(section._cls)
    known = {
        name: value
        for name, value in section._values.items()
        if name in section._raw or value != options[name].default
    }
    return {**section._raw, **known}


@frozen(kw_only=True)
class Sections:
    """The sections of a run script's configuration, without the script's own arguments."""

    blueprint: Section
    architect: Section
    provider: Section
    task: Section
    _configuration: Configuration

    @property
    def task_dir(self) -> Path:
        """The folder that ``${task_dir}`` stands for."""
        return self._configuration.task_dir

    def configuration(self) -> Configuration:
        """Return the configuration with the assigned values."""
        sections = {name: getattr(self, name) for name in SECTIONS}
        assigned = {f"{name}.{key}" for name in SECTIONS for key in sections[name]._assigned}
        before = self._configuration
        return evolve(
            before,
            sections={name: _options(section) for name, section in sections.items()},
            origins={key: place for key, place in before.origins.items() if key not in assigned},
            overridden=before.overridden | assigned,
        )


def sections_of(configuration: Configuration, classes: Mapping[str, type]) -> Sections:
    """Return the sections of a configuration as a run script sees them.

    :param classes: the class of each section's options.
    """
    made = {name: Section(name, classes[name], configuration) for name in SECTIONS}
    return Sections(**made, configuration=configuration)
