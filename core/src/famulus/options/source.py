"""One source of a configuration (a file, a mapping, the command line) in the native layout."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import Factory, define

from famulus.errors import Problem
from famulus.options.compat import IGNORED_KEYS, default_group, former_root, type_key
from famulus.options.scalars import UNSET, shown
from famulus.options.suggest import did_you_mean

#: The sections that are filled by a plugin.
ROLES = ("blueprint", "architect", "provider")
SECTIONS = (*ROLES, "task")

NOTHING_HERE = "has no effect; remove the line"


@define(kw_only=True)
class ConfigSource:
    """The values of one source, where each was set, and the problems of the source.

    ``lines`` is keyed by the source's own names, ``origins`` by native dotted keys; both contain
    only keys that a file has set.
    """

    file: Path | None = None
    lines: Mapping[str, int] = Factory(dict)
    #: names of a run script's own arguments, which stand beside the sections
    arguments: Collection[str] = ()
    roles: dict[str, str] = Factory(dict)
    #: section -> option -> value; a run script's argument -> value
    sections: dict[str, Any] = Factory(dict)
    #: dotted keys whose values from earlier sources are dropped
    removed: list[str] = Factory(list)
    #: names of files beside this one that it builds on
    includes: list[str] = Factory(list)
    origins: dict[str, tuple[Path, int]] = Factory(dict)
    problems: list[Problem] = Factory(list)
    warnings: list[Problem] = Factory(list)

    def problem(self, key: str, message: str) -> None:
        """Add a problem of a key."""
        self.problems.append(self._at(key, message))

    def warn(self, key: str, message: str) -> None:
        """Add a warning that a key has no effect."""
        self.warnings.append(self._at(key, message))

    def choose(self, role: str, name: str, key: str) -> None:
        """Set the plugin of a role."""
        self.roles[role] = name
        if self.file is not None and key in self.lines:
            self.origins[f"defaults.{role}"] = (self.file, self.lines[key])

    def set_section(self, name: str, path: str, value: Any) -> None:
        """Set a section, or an argument of the run script, with the lines of its keys."""
        self.sections[name] = value
        if self.file is None:
            return
        for key, line in self.lines.items():
            if key == path or key.startswith(f"{path}."):
                self.origins[name + key.removeprefix(path)] = (self.file, line)

    def _at(self, key: str, message: str) -> Problem:
        return Problem(message, key=key, file=self.file, line=self.lines.get(key))


def source_from_tree(
    tree: Mapping[str, Any],
    *,
    file: Path | None = None,
    lines: Mapping[str, int] | None = None,
    arguments: Collection[str] = (),
) -> ConfigSource:
    """Read a tree in the native layout, or in that of existing task folders.

    Its faults are among the source's ``problems``.

    :param arguments: names of a run script's own arguments.
    """
    source = ConfigSource(file=file, lines=lines or {}, arguments=arguments)
    _read_defaults(source, tree.get("defaults"))
    root = former_root(tree)
    known = ("defaults", *(SECTIONS if root is None else (root,)), *arguments)
    for key, value in tree.items():
        if key == "defaults":
            continue
        if key == root:
            for name, below in _entries(source, root, value).items():
                _read_key(source, str(name), f"{root}.{name}", below, SECTIONS)
        elif root is not None and key in SECTIONS and key not in arguments:
            source.problem(key, f"is beside {root!r}; move it below that key")
        else:
            _read_key(source, str(key), str(key), value, known)
    return source


def _read_key(
    source: ConfigSource, key: str, path: str, value: Any, known: Collection[str]
) -> None:
    if key in known and key in SECTIONS:
        _read_section(source, key, path, value)
    elif key in known and key in source.arguments:
        source.set_section(key, path, value)
    elif key in IGNORED_KEYS:
        source.warn(path, NOTHING_HERE)
    else:
        source.problem(path, f"unknown key{did_you_mean(key, known)}")


def _entries(source: ConfigSource, path: str, value: Any) -> dict[str, Any]:
    if value is None or value == UNSET:
        return {}
    if isinstance(value, Mapping):
        return dict(value)
    source.problem(path, f"{shown(value)} is not a mapping of options to values")
    return {}


def _read_section(source: ConfigSource, section: str, path: str, value: Any) -> None:
    options = _entries(source, path, value)
    if section in ROLES:
        _read_type_key(source, section, path, options)
    source.set_section(section, path, options)


def _read_type_key(source: ConfigSource, role: str, path: str, options: dict[str, Any]) -> None:
    name = options.pop(type_key(role), UNSET)
    key = f"{path}.{type_key(role)}"
    if name is None or name == UNSET:
        return
    if role not in source.roles:
        source.choose(role, str(name), key)
    elif source.roles[role] == str(name):
        source.warn(key, "has no effect, since defaults names the type; remove the line")
    else:
        message = f"names {str(name)!r}, but defaults names {source.roles[role]!r}; remove one"
        source.problem(key, message)


def _read_defaults(source: ConfigSource, defaults: Any) -> None:
    entries: Iterable[tuple[str, Any]]
    match defaults:
        case None:
            return
        case Mapping():
            entries = [(f"defaults.{key}", {key: value}) for key, value in defaults.items()]
        case list() | tuple():
            entries = [(f"defaults.{index}", entry) for index, entry in enumerate(defaults)]
        case _:
            source.problem("defaults", _bad_default(defaults))
            return
    for key, entry in entries:
        _read_default(source, key, entry)


def _read_default(source: ConfigSource, key: str, entry: Any) -> None:
    if isinstance(entry, str):
        if entry != "_self_":
            source.includes.append(entry)
        return
    if not isinstance(entry, Mapping) or len(entry) != 1:
        source.problem(key, _bad_default(entry))
        return
    ((word, value),) = entry.items()
    group = default_group(str(word))
    if value is None or value == UNSET or isinstance(value, (list, Mapping)):
        source.problem(key, f"{word} takes the name of one type, not {shown(value)}")
    elif group in ROLES:
        source.choose(group, str(value), key)
    elif group == "conf":
        source.includes.append(str(value))
    elif group.split("/")[0] in IGNORED_KEYS:
        source.warn(key, f"{word} {NOTHING_HERE}")
    else:
        source.problem(key, f"unknown role {word!r}{did_you_mean(group, ROLES)}")


def _bad_default(found: Any) -> str:
    return f"{shown(found)} is not 'ROLE: TYPE', such as '- blueprint: static_task'"
