"""One source of a configuration (a file, a mapping, the command line) in the one native shape."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import Factory, define

from famulus.errors import Problem
from famulus.options.compat import FORMER_ROOT, IGNORED_KEYS
from famulus.options.scalars import Typed, shown
from famulus.options.suggest import did_you_mean

#: What a plugin fills.
ROLES = ("blueprint", "architect", "provider")
SECTIONS = (*ROLES, "task")
#: The value that stands for an option that is not set.
UNSET = "???"

_NOTHING_HERE = "does nothing here; the line can go"


@define(kw_only=True)
class Layer:
    """What one source says. ``lines`` is keyed by what the source calls things, ``origins`` by
    native dotted keys; both only know what a file has set.
    """

    file: Path | None = None
    lines: Mapping[str, int] = Factory(dict)
    #: names of a run script's own arguments, which stand beside the sections
    arguments: Collection[str] = ()
    roles: dict[str, str] = Factory(dict)
    #: section -> option -> value; a run script's argument -> value
    sections: dict[str, Any] = Factory(dict)
    #: names of files beside this one that it builds on
    includes: list[str] = Factory(list)
    origins: dict[str, tuple[Path, int]] = Factory(dict)
    problems: list[Problem] = Factory(list)
    warnings: list[Problem] = Factory(list)

    def problem(self, key: str, message: str) -> None:
        """Note that what stands at the key is wrong."""
        self.problems.append(self._at(key, message))

    def warn(self, key: str, message: str) -> None:
        """Note that what stands at the key has no effect."""
        self.warnings.append(self._at(key, message))

    def choose(self, role: str, name: str, key: str) -> None:
        """Note which plugin fills a role."""
        self.roles[role] = name
        if self.file is not None and key in self.lines:
            self.origins[f"defaults.{role}"] = (self.file, self.lines[key])

    def _at(self, key: str, message: str) -> Problem:
        return Problem(message, key=key, file=self.file, line=self.lines.get(key))


def layer_from_tree(
    tree: Mapping[str, Any],
    *,
    file: Path | None = None,
    lines: Mapping[str, int] | None = None,
    arguments: Collection[str] = (),
) -> Layer:
    """Read a tree in the native layout, or in the one of existing task folders (root key
    ``mephisto``). What is wrong with it is among the layer's ``problems``.

    :param arguments: names of a run script's own arguments.
    """
    layer = Layer(file=file, lines=lines or {}, arguments=arguments)
    former = FORMER_ROOT in tree
    known = ("defaults", FORMER_ROOT) if former else ("defaults", *SECTIONS)
    _read_defaults(layer, tree.get("defaults"))
    for key, value in _named(tree):
        if key == "defaults":
            continue
        if former and key == FORMER_ROOT:
            _read_former_root(layer, value)
        elif key in known:
            _read_section(layer, key, key, value)
        elif key in arguments:
            _take_origins(layer, key, key)
            layer.sections[key] = value
        elif former and key in SECTIONS:
            layer.problem(key, f"stands beside {FORMER_ROOT!r}; move it below that")
        else:
            _read_other(layer, key, key, (*known, *arguments))
    return layer


def _named(tree: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    return ((str(key), value) for key, value in tree.items())


def _read_former_root(layer: Layer, body: Any) -> None:
    for key, value in _named(_entries(layer, FORMER_ROOT, body)):
        path = f"{FORMER_ROOT}.{key}"
        if key in SECTIONS:
            _read_section(layer, key, path, value)
        else:
            _read_other(layer, key, path, SECTIONS)


def _read_other(layer: Layer, name: str, path: str, known: Iterable[str]) -> None:
    if name in IGNORED_KEYS:
        layer.warn(path, _NOTHING_HERE)
    else:
        layer.problem(path, f"unknown key{did_you_mean(name, known)}")


def _entries(layer: Layer, path: str, value: Any) -> dict[str, Any]:
    if value is None or value == UNSET:
        return {}
    if isinstance(value, Mapping):
        return dict(value)
    layer.problem(path, f"{shown(value)} is not a mapping of options to values")
    return {}


def _read_section(layer: Layer, section: str, path: str, value: Any) -> None:
    options = _entries(layer, path, value)
    _take_origins(layer, section, path)
    if section in ROLES:
        _read_type_key(layer, section, path, options)
    layer.sections[section] = options


def _take_origins(layer: Layer, section: str, path: str) -> None:
    if layer.file is None:
        return
    for key, line in layer.lines.items():
        if key == path or key.startswith(f"{path}."):
            layer.origins[section + key.removeprefix(path)] = (layer.file, line)


def _read_type_key(layer: Layer, role: str, path: str, options: dict[str, Any]) -> None:
    name = options.pop(f"_{role}_type", UNSET)
    key = f"{path}._{role}_type"
    if name is None or name == UNSET:
        return
    if role not in layer.roles:
        layer.choose(role, str(name), key)
    elif layer.roles[role] == str(name):
        layer.warn(key, "does nothing here, since defaults names the type; the line can go")
    else:
        message = f"names {str(name)!r}, but defaults names {layer.roles[role]!r}"
        layer.problem(key, message)


def _read_defaults(layer: Layer, defaults: Any) -> None:
    match defaults:
        case None:
            return
        case Mapping():
            entries = [(f"defaults.{key}", {key: value}) for key, value in defaults.items()]
        case list() | tuple():
            entries = [(f"defaults.{index}", entry) for index, entry in enumerate(defaults)]
        case _:
            layer.problem("defaults", _bad_default(defaults))
            return
    for key, entry in entries:
        _read_default(layer, key, entry)


def _read_default(layer: Layer, key: str, entry: Any) -> None:
    if isinstance(entry, str):
        if entry != "_self_":
            layer.includes.append(entry)
        return
    if not isinstance(entry, Mapping) or len(entry) != 1:
        layer.problem(key, _bad_default(entry))
        return
    ((word, value),) = entry.items()
    name = str(word).removeprefix("override ").strip().removeprefix("/")
    group = name.removeprefix(f"{FORMER_ROOT}/")
    if value is None or value == UNSET or isinstance(value, (list, Mapping)):
        layer.problem(key, f"{word} names no type: {shown(value)}")
    elif group in ROLES:
        layer.choose(group, str(value), key)
    elif group == "conf":
        layer.includes.append(str(value))
    elif group.split("/")[0] in IGNORED_KEYS:
        layer.warn(key, f"{word} {_NOTHING_HERE}")
    else:
        layer.problem(key, f"unknown role {word!r}{did_you_mean(group, ROLES)}")


def _bad_default(found: Any) -> str:
    return f"{shown(found)} is not 'ROLE: TYPE', such as '- blueprint: static_task'"


def layer_from_overrides(overrides: Iterable[str], *, arguments: Collection[str] = ()) -> Layer:
    """Read ``architect.port=1234`` and ``architect=local``; of two with one key the later wins.

    :param arguments: names of a run script's own arguments.
    """
    layer = Layer(arguments=arguments)
    for text in overrides:
        key, sign, value = text.partition("=")
        # A plus, with which existing commands add what a file leaves out, is not needed here.
        key = key.strip().lstrip("+").removeprefix("/")
        name = key.removeprefix(f"{FORMER_ROOT}.").removeprefix(f"{FORMER_ROOT}/")
        if not sign or not all(name.replace("/", ".").split(".")):
            found = f"{key}=…" if sign else text
            message = f"{found!r} is not 'OPTION=VALUE', such as architect.port=1234"
            layer.problems.append(Problem(message))
        else:
            _read_override(layer, name, value)
    return layer


def _read_override(layer: Layer, name: str, value: str) -> None:
    section, *path = name.split(".")
    if section in ROLES and path in ([], [f"_{section}_type"]):
        if value.strip():
            layer.choose(section, value.strip(), section)
        else:
            layer.problem(section, "names no type; write it as in architect=local")
    elif (section in SECTIONS and path) or section in layer.arguments:
        _set(layer, name, [section, *path], value)
    elif section in IGNORED_KEYS:
        layer.warn(name, "does nothing here")
    elif section in SECTIONS:
        layer.problem(name, "is a section; set its options: task.task_title=…")
    else:
        known = (*SECTIONS, *layer.arguments)
        near = did_you_mean(section, known, otherwise="an option begins with one of")
        layer.problem(name, f"unknown key {section!r}{near}")


def _set(layer: Layer, key: str, path: list[str], value: str) -> None:
    *parents, last = path
    node: Any = layer.sections
    for parent in parents:
        node = node.setdefault(parent, {})
        if not isinstance(node, dict):
            layer.problem(key, "is set both as a value and as a mapping")
            return
    # OmegaConf only sees through plain text; Merged makes typed text of the result again.
    node[last] = value if value == UNSET or "${" in value else Typed(value)
