"""Overrides on the command line: ``architect.port=1``, ``architect=local``, ``~task.task_tags``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from famulus.errors import Problem, UsageError
from famulus.options.compat import IGNORED_KEYS, native_key, type_key
from famulus.options.scalars import UNSET, Typed
from famulus.options.source import ROLES, SECTIONS, ConfigSource
from famulus.options.suggest import did_you_mean

_REMOVES = "~"


def source_from_overrides(
    overrides: Iterable[str], *, arguments: Collection[str] = ()
) -> ConfigSource:
    """Read the overrides of the command line; of two with the same key the later one wins.

    :param arguments: names of a run script's own arguments.
    """
    source = ConfigSource(arguments=arguments)
    for text in overrides:
        key, sign, value = text.partition("=")
        if key.strip().startswith(_REMOVES):
            _read_removal(source, native_key(key.strip().removeprefix(_REMOVES)))
            continue
        name = native_key(key)
        if not sign or not all(name.replace("/", ".").split(".")):
            found = f"{key.strip().lstrip('+').removeprefix('/')}=…" if sign else text
            message = f"{found!r} is not 'OPTION=VALUE', such as architect.port=1234"
            source.problems.append(Problem(message))
        else:
            _read_override(source, name, value)
    return source


def split_conf(overrides: Iterable[str]) -> tuple[str | None, list[str]]:
    """Take ``conf=NAME`` from the overrides.

    Return the name (the last one of several) and the other overrides.

    :raises UsageError: when it is there without a name.
    """
    name, rest = None, []
    for text in overrides:
        key, sign, value = text.partition("=")
        if key.strip() != "conf" or not sign:
            rest.append(text)
        elif value.strip():
            name = value.strip()
        else:
            raise UsageError(Problem("names no file; write it as in conf=my_config", key="conf"))
    return name, rest


def _read_removal(source: ConfigSource, name: str) -> None:
    section, *path = name.partition("=")[0].split(".")
    if section in ROLES and not path:
        message = f"a run needs its {section}; choose another one: {section}=NAME"
        source.problem(name, message)
    elif _is_settable(source, section, path):
        source.removed.append(".".join([section, *path]))
        _forget(source.sections, [section, *path])
    else:
        _refuse(source, section, name)


def _read_override(source: ConfigSource, name: str, value: str) -> None:
    section, *path = name.split(".")
    if section in ROLES and path in ([], [type_key(section)]):
        if value.strip():
            source.choose(section, value.strip(), section)
        else:
            source.problem(section, "names no type; write it as in architect=local")
    elif _is_settable(source, section, path):
        _set(source, name, [section, *path], value)
    else:
        _refuse(source, section, name)


def _is_settable(source: ConfigSource, section: str, path: list[str]) -> bool:
    return (section in SECTIONS and bool(path)) or section in source.arguments


def _refuse(source: ConfigSource, section: str, name: str) -> None:
    if section in IGNORED_KEYS:
        source.warn(name, "has no effect")
    elif section in SECTIONS:
        source.problem(name, "is a section; set its options: task.task_title=…")
    else:
        known = (*SECTIONS, *source.arguments)
        near = did_you_mean(section, known, otherwise="an option begins with one of")
        source.problem(name, f"unknown key {section!r}{near}")


def _set(source: ConfigSource, key: str, path: list[str], value: str) -> None:
    *parents, last = path
    node: Any = source.sections
    for parent in parents:
        node = node.setdefault(parent, {})
        if not isinstance(node, dict):
            source.problem(key, "is set both as a value and as a mapping; leave one of them out")
            return
    node[last] = UNSET if value == UNSET else Typed(value)


def _forget(node: Any, path: list[str]) -> None:
    """Drop the value that an earlier override has set."""
    *parents, last = path
    for parent in parents:
        node = node.get(parent) if isinstance(node, dict) else None
    if isinstance(node, dict):
        node.pop(last, None)
