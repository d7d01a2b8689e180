"""Merging the sources of a configuration, later ones over earlier ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

from famulus.errors import Problem
from famulus.options.interpolate import interpolate, leaves
from famulus.options.origins import located
from famulus.options.source import SECTIONS, ConfigSource
from famulus.options.suggest import nearest


@define(kw_only=True)
class Merged:
    """The merged content of the sources that were added so far."""

    roles: dict[str, str] = field(factory=dict)
    origins: dict[str, tuple[Path, int]] = field(factory=dict)
    problems: list[Problem] = field(factory=list)
    warnings: list[Problem] = field(factory=list)
    #: keys that the command line has set; ``defaults.<role>`` for the choice of a plugin
    overridden: set[str] = field(factory=set)
    _tree: dict[str, Any] = field(factory=dict)

    def add(self, source: ConfigSource, *, typed: bool = False) -> None:
        """Put a source over those before it.

        If it chooses another type for a role, the role's options from earlier sources are dropped.

        :param typed: whether the source is the command line.
        """
        for role, name in source.roles.items():
            if self.roles.setdefault(role, name) != name:
                self._tree.pop(role, None)
                self._forget(role)
            self.roles[role] = name
            self.origins.pop(f"defaults.{role}", None)
            if typed:
                self.overridden.add(f"defaults.{role}")
        self.problems += source.problems
        self.warnings += source.warnings
        for key in source.removed:
            self._remove(key)
        if typed:
            self.problems += self._parts_of_values(source)
        for key, value in leaves(source.sections):
            if isinstance(value, Mapping):
                continue
            self._forget(key)
            if typed:
                self.overridden.add(key)
        self.origins |= source.origins
        self._tree = _over(self._tree, source.sections)

    def resolved(self, task_dir: Path) -> dict[str, Any]:
        """Return the sections and the run script's arguments, with ``${…}`` resolved.

        Values that cannot be resolved are left out and added to ``problems``. Values that are not
        set (``???``) are left out without a problem.
        """
        sections: dict[str, Any] = {section: {} for section in SECTIONS}
        return interpolate(_over({**sections, "task_dir": task_dir}, self._tree), self._refuse)

    def _parts_of_values(self, source: ConfigSource) -> Iterator[Problem]:
        """Yield a problem for each key of the command line that is below a single value."""
        for key, _ in leaves(source.sections):
            above = ""
            node: Any = self._tree
            for name in key.split("."):
                node = node.get(name) if isinstance(node, Mapping) else None
                above = f"{above}.{name}" if above else name
                if node is None or isinstance(node, Mapping) or above == key:
                    continue
                message = (
                    f"is set on the command line, but {above} is one value in the configuration: "
                    f"make that a mapping, or drop it with '~{above}'"
                )
                yield located(key, message, self.origins)
                break

    def _forget(self, key: str) -> None:
        for known in [known for known in self.origins if f"{known}.".startswith(f"{key}.")]:
            del self.origins[known]

    def _remove(self, key: str) -> None:
        *parents, last = key.split(".")
        node: Any = self._tree
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        if isinstance(node, dict) and last in node:
            del node[last]
            self._forget(key)
            return
        near = nearest(key, [known for known, _ in leaves(self._tree)])
        meant = "" if near is None else f"; did you mean '~{near}'?"
        message = f"cannot be removed with '~', since the configuration does not set it{meant}"
        self.problems.append(Problem(message, key=key))

    def _refuse(self, key: str, message: str) -> None:
        self.problems.append(located(key, message, {} if key in self.overridden else self.origins))


def _over(lower: Mapping[Any, Any], upper: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return a copy of both mappings, the upper one over the lower one."""
    merged = {
        name: _over(value, {}) if isinstance(value, Mapping) else value
        for name, value in lower.items()
    }
    for name, value in upper.items():
        if isinstance(value, Mapping):
            below = merged.get(name)
            merged[name] = _over(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[name] = value
    return merged
