"""Merging the sources of a configuration, later ones over earlier ones, and interpolating."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import (
    GrammarParseError,
    InterpolationKeyError,
    InterpolationToMissingValueError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from famulus.errors import Problem, UsageError
from famulus.options.compat import FORMER_ROOT
from famulus.options.layers import SECTIONS, Layer
from famulus.options.origins import located
from famulus.options.references import LONGEST, MOST_NESTED, are_too_many, count_nested
from famulus.options.scalars import Typed
from famulus.options.suggest import did_you_mean

_DEEPEST = 50
#: What a message may cite of a value: the rest of it can be a secret.
_REFERENCE = re.compile(r"\$\{[^{}]*\}")
_MISSING_VARIABLE = re.compile(r"Environment variable '([^']*)' not found")
_NAME = re.compile(r"\$\{([^${}:]+)\}")


def _over(lower: Mapping[Any, Any], upper: Mapping[Any, Any]) -> dict[Any, Any]:
    # OmegaConf's own merge raises where a list meets a mapping, and keeps what "???" unsets.
    merged = dict(lower)
    for name, value in upper.items():
        below = merged.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = _over(below, value)
        merged[name] = value
    return merged


@define(kw_only=True)
class Merged:
    """What the sources say together, so far."""

    roles: dict[str, str] = field(factory=dict)
    origins: dict[str, tuple[Path, int]] = field(factory=dict)
    problems: list[Problem] = field(factory=list)
    warnings: list[Problem] = field(factory=list)
    #: keys that the command line has set; ``defaults.<role>`` for the choice of a plugin
    overridden: set[str] = field(factory=set)
    _tree: dict[str, Any] = field(factory=dict)
    _nested: int = 0

    def add(self, layer: Layer, *, typed: bool = False) -> None:
        """Put a source over those before it.

        Another type for a role drops what the earlier sources say of that role's options.
        """
        for role, name in layer.roles.items():
            if self.roles.setdefault(role, name) != name:
                self._drop(role)
            self.roles[role] = name
            self.origins.pop(f"defaults.{role}", None)
            if typed:
                self.overridden.add(f"defaults.{role}")
        for key, value in _leaves(layer.sections, ""):
            if isinstance(value, Mapping):
                continue
            self._forget(key)
            if typed:
                self.overridden.add(key)
        self.origins |= layer.origins
        self.problems += layer.problems
        self.warnings += layer.warnings
        self._tree = _over(self._tree, self._parseable(layer.sections, ""))

    def sections(self, task_dir: Path) -> dict[str, dict[str, Any]]:
        """Return the options of each section with what ``${…}`` refers to put in.

        What refers to nothing, or to itself, is left out and among the ``problems``; so is what is
        unset (``???``), which is no problem here.
        """
        root = self._root(task_dir)
        return {section: self._mapping(root[section], section) for section in SECTIONS}

    def arguments(self, names: Iterable[str], task_dir: Path) -> dict[str, Any]:
        """Return a run script's own arguments, as :meth:`sections` does the options."""
        root = self._root(task_dir)
        return dict(self._resolved(root, [name for name in names if name in self._tree], ""))

    def _root(self, task_dir: Path) -> DictConfig:
        names = {
            **{section: {} for section in SECTIONS},
            FORMER_ROOT: {section: f"${{{section}}}" for section in SECTIONS},
            "task_dir": task_dir,
        }
        if are_too_many(self._tree, FORMER_ROOT):
            raise UsageError(
                "the references (${…}) of the configuration stand for more than it may hold; "
                "write out what they mean"
            )
        # Objects are allowed so that scalars keep their text on the way through.
        return OmegaConf.create(_over(names, self._tree), flags={"allow_objects": True})

    def _drop(self, role: str) -> None:
        self._tree.pop(role, None)
        self._forget(role)

    def _forget(self, key: str) -> None:
        for known in [known for known in self.origins if f"{known}.".startswith(f"{key}.")]:
            del self.origins[known]

    def _refuse(self, key: str, message: str) -> None:
        origins = {} if key in self.overridden else self.origins
        self.problems.append(located(key, message, origins))

    def _parseable(self, value: Any, key: str) -> Any:
        if isinstance(value, Mapping):
            return {name: self._parseable(v, _below(key, name)) for name, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._parseable(item, _below(key, i)) for i, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        self._nested += count_nested(value)
        if len(value) > LONGEST or self._nested > MOST_NESTED:
            limit = (
                f"a value with references has at most {LONGEST:,} characters"
                if len(value) > LONGEST
                else f"there are more than {MOST_NESTED} references within references"
            )
            self._refuse(key, f"{limit}; write out what they mean")
            return "???"
        try:
            OmegaConf.create([value])
        except GrammarParseError:
            message = f"{_cited(value)} is not a valid reference; write '${{task.task_name}}'"
            self._refuse(key, message)
            return "???"
        return value

    def _mapping(self, node: DictConfig, key: str) -> dict[str, Any]:
        return dict(self._resolved(node, list(node), key))

    def _resolved(
        self, node: DictConfig | ListConfig, names: Sequence[Any], key: str
    ) -> Iterator[tuple[Any, Any]]:
        for name in names:
            below = _below(key, name)
            try:
                yield name, self._value(node[name], below)
            except MissingMandatoryValue:
                continue
            except OmegaConfBaseException as error:
                self._refuse(below, self._explained(error, node, name))

    def _value(self, value: Any, key: str) -> Any:
        if key.count(".") > _DEEPEST:
            raise OmegaConfBaseException("Recursive interpolation detected")
        if isinstance(value, DictConfig):
            return self._mapping(value, key)
        if isinstance(value, ListConfig):
            return [item for _, item in self._resolved(value, range(len(value)), key)]
        return Typed(value) if isinstance(value, str) and key in self.overridden else value

    def _explained(
        self, error: OmegaConfBaseException, node: DictConfig | ListConfig, name: Any
    ) -> str:
        parent = OmegaConf.to_container(node, resolve=False)
        raw = _cited(str(parent[name]))  # type: ignore[index]
        reason = str(error).splitlines()[0]
        if "Recursive" in reason or "parent node" in reason:
            return f"{raw} refers back to itself"
        if isinstance(error, InterpolationToMissingValueError):
            return f"{raw} refers to an option that is not set"
        if isinstance(error, InterpolationKeyError):
            return f"{raw} refers to what is not there{self._near(raw)}"
        variable = _MISSING_VARIABLE.search(reason)
        if variable is not None:
            return f"{raw} refers to an environment variable that is not set: {variable[1]}"
        return f"{raw} cannot be resolved: {reason}"

    def _near(self, raw: str) -> str:
        known = ["task_dir", *(key for key, _ in _leaves(self._tree, ""))]
        for name in _NAME.findall(raw):
            near = did_you_mean(name.strip().removeprefix(f"{FORMER_ROOT}."), known)
            if near.startswith("; did"):
                return near
        return ""


def _cited(raw: str) -> str:
    """Return the references of a value, or how a broken one begins, and nothing that surrounds
    them.
    """
    return " with ".join(map(repr, dict.fromkeys(_REFERENCE.findall(raw)))) or "'${'"


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping) or not value:
        yield key, value
        return
    for name in value:
        yield from _leaves(value[name], _below(key, name))


def _below(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)
