"""A resolved configuration, valid or not: every option, and the origin of its value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from famulus.options.compat import ignored_options, native_problem_key
from famulus.options.configuration import Configuration
from famulus.options.convert import make_converter
from famulus.options.option_class import Option, options_of
from famulus.options.option_values import unstructure
from famulus.options.scalars import UNSET
from famulus.options.source import ROLES, SECTIONS
from famulus.options.task_args import TaskArgs
from famulus.options.yaml_text import yaml_text
from famulus.plan.draft import PluginLookup, find_classes

#: Names of options that may be secret where no class declares it.
_SECRET_NAME = re.compile(
    r"secret|password|passwd|token|credential|api_?key|access_?key", re.IGNORECASE
)
#: A shorter secret would be found by chance in unrelated values.
_SHORTEST_SECRET = 4


@frozen(kw_only=True)
class ResolvedValue:
    """One value as YAML in one line, without secrets, and its origin."""

    text: str
    #: a file and line, or None for a default or the command line
    place: tuple[Path, int] | None = None
    overridden: bool = False
    secret: bool = False
    #: it has to be set, and is not
    missing: bool = False


#: Option -> its value, or the values below it.
Tree = Mapping[str, "ResolvedValue | Tree"]


def resolved_roles(configuration: Configuration) -> dict[str, ResolvedValue]:
    """Return the type of each role that is named."""
    resolution = _Resolution(configuration)
    return {
        role: resolution.leaf(yaml_text(configuration.roles[role]), f"defaults.{role}")
        for role in ROLES
        if role in configuration.roles
    }


def resolved_sections(configuration: Configuration, plugins: PluginLookup) -> dict[str, Tree]:
    """Return every option of each section; if its plugin is missing, only those that are set.

    An option that is not set, or whose value cannot be resolved, is ``???``.
    """
    resolution = _Resolution(configuration)
    classes, _ = find_classes(configuration.roles, plugins, configuration.origins)
    options = {role: cls.Args for role, cls in classes.items()} | {"task": TaskArgs}
    for section, cls in options.items():
        resolution.hide(cls, configuration.sections[section])
    return {section: resolution.section(section, options.get(section)) for section in SECTIONS}


class _Resolution:
    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._converter = make_converter(configuration.task_dir)
        self._secrets: set[str] = set()
        self._broken = {
            native_problem_key(problem.key)
            for problem in configuration.problems
            if problem.key is not None
        }

    def hide(self, cls: type, raw: Mapping[str, Any]) -> None:
        """Store the secrets of a section, so that values which refer to them are hidden too."""
        secrets = (name for name, option in options_of(cls).items() if option.secret)
        texts = {str(raw[name]) for name in secrets if raw.get(name) is not None}
        self._secrets |= {text for text in texts if len(text) >= _SHORTEST_SECRET}

    def section(self, section: str, cls: type | None) -> Tree:
        ignored = ignored_options(section, options_of(cls) if cls else ())
        raw = self._configuration.sections[section]
        kept = {name: value for name, value in raw.items() if name not in ignored}
        return self._options(cls, kept, section)

    def leaf(self, text: str, key: str, *, secret: bool = False) -> ResolvedValue:
        """Return a value with the origin of the nearest enclosing key that has an origin."""
        nearest = key
        while nearest:
            if nearest in self._configuration.overridden:
                return ResolvedValue(text=text, overridden=True, secret=secret)
            if nearest in self._configuration.origins:
                place = self._configuration.origins[nearest]
                return ResolvedValue(text=text, place=place, secret=secret)
            nearest = nearest.rpartition(".")[0]
        return ResolvedValue(text=text, secret=secret)

    def _options(self, cls: type | None, raw: Mapping[str, Any], key: str) -> Tree:
        options = {} if cls is None else options_of(cls)
        tree: dict[str, ResolvedValue | Tree] = {}
        for name, option in options.items():
            below = f"{key}.{name}"
            if name in raw:
                tree[name] = self._given(option, raw[name], below)
            elif below in self._broken:
                tree[name] = self.leaf(UNSET, below, secret=option.secret)
            else:
                tree[name] = self._default(option)
        for name in [name for name in raw if name not in options]:
            meant = get_close_matches(name, options, n=1)
            if meant and options[meant[0]].secret:
                tree[name] = self.leaf(UNSET, f"{key}.{name}", secret=True)
            else:
                tree[name] = self._untyped(raw[name], f"{key}.{name}")
        return tree

    def _given(self, option: Option, raw: Any, key: str) -> ResolvedValue | Tree:
        if option.secret:
            return self.leaf(UNSET, key, secret=True)
        nested = option.nested
        if nested is not None and isinstance(raw, Mapping):
            return self._options(nested, raw, key)
        try:
            value = self._converter.structure(raw, option.type)
        except Exception:  # noqa: BLE001 - a plugin's class, of which any code may fail
            return self._untyped(raw, key)
        return self._typed(value, key)

    def _typed(self, value: Any, key: str) -> ResolvedValue | Tree:
        if attrs.has(type(value)):
            return {
                name: ResolvedValue(text=UNSET, secret=True)
                if option.secret
                else self._typed(getattr(value, option.attribute), f"{key}.{name}")
                for name, option in options_of(type(value)).items()
            }
        if isinstance(value, Mapping) and value:
            below = {str(unstructure(name)): each for name, each in value.items()}
            return {name: self._entry(each, f"{key}.{name}") for name, each in below.items()}
        return self._shown(value, key)

    def _untyped(self, raw: Any, key: str) -> ResolvedValue | Tree:
        if isinstance(raw, Mapping) and raw:
            return {str(name): self._untyped(each, f"{key}.{name}") for name, each in raw.items()}
        return self._entry(raw, key)

    def _entry(self, value: Any, key: str) -> ResolvedValue | Tree:
        """Return a value, hidden if it has a name like a secret."""
        if _SECRET_NAME.search(key.rpartition(".")[2]):
            return self.leaf(UNSET, key, secret=True)
        return self._typed(value, key)

    def _shown(self, value: Any, key: str) -> ResolvedValue:
        if any(secret in str(value) for secret in self._secrets):
            return self.leaf(UNSET, key, secret=True)
        return self.leaf(_text(_without_secrets(value)), key)

    def _default(self, option: Option) -> ResolvedValue | Tree:
        if option.required:
            return ResolvedValue(text=UNSET, missing=True)
        try:
            value = option.default
            if option.secret:
                return ResolvedValue(text=UNSET, secret=value is not None)
            again = self._converter.structure(unstructure(value), option.type)
        except Exception:  # noqa: BLE001 - any error of a plugin's default
            return ResolvedValue(text=UNSET)
        return (
            ResolvedValue(text=UNSET) if value is None or again != value else self._typed(value, "")
        )


def _without_secrets(raw: Any) -> Any:
    match raw:
        case Mapping():
            return {
                name: UNSET if _SECRET_NAME.search(str(name)) else _without_secrets(each)
                for name, each in raw.items()
            }
        case list():
            return [_without_secrets(each) for each in raw]
    return raw


def _text(value: Any) -> str:
    many = isinstance(value, (list, tuple, set, frozenset))
    try:
        return yaml_text(unstructure(value) if many else value)
    except TypeError:
        return UNSET
