"""The page of every option that a configuration can set."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import attrs

from famulus import PluginInfo, SharedTaskState, TaskArgs, discover
from famulus.config.options import choices_of, help_of, is_required, is_secret

from .classes import comments, default_of
from .markdown import annotation, document, prose, table

PAGE = "options.md"
ROOT = Path(__file__).parents[2]

#: Types as those know them who write YAML.
_WORDS = {
    "str": "text",
    "Path": "path",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "Decimal": "decimal number",
}

_INTRODUCTION = """
The options of the first-party plugins, and those every task has. In a YAML file they stand in the
sections `blueprint`, `architect`, `provider` and `task`; on the command line they follow the file
as `section.option=value`, and `section=type` chooses another plugin.

```yaml
defaults:
  - blueprint: static_task
  - architect: local
  - provider: mock
architect:
  port: 3000
```

Paths start at the folder of the task; `${task_dir}` stands for it. An option that does not exist is
an error, with a suggestion.
"""


def options_page() -> str:
    """Return the page: the task's options, then each plugin's."""
    parts = [_INTRODUCTION, f"## task\n\n{_class(TaskArgs, 'task')}"]
    infos = _first_party()
    for info in infos:
        for blueprint in info.blueprints:
            parts.append(f"## blueprint: {blueprint.type}\n\n{_class(blueprint.Args, 'blueprint')}")
            if blueprint.SharedState is not SharedTaskState:
                parts.append(_state(blueprint.SharedState))
    for info in infos:
        for architect in info.architects:
            parts.append(f"## architect: {architect.type}\n\n{_class(architect.Args, 'architect')}")
    for info in infos:
        for provider in info.providers:
            parts.append(f"## provider: {provider.type}\n\n{_class(provider.Args, 'provider')}")
    parts += ["## In Python", _state(SharedTaskState)]
    return document("Options", *parts)


def _first_party() -> list[PluginInfo]:
    """Return the workspace's own plugins.

    :raises LookupError: when one is not installed, or refused.
    """
    files = sorted(ROOT.glob("plugins/*/pyproject.toml"))
    names = {tomllib.loads(file.read_text(encoding="utf-8"))["project"]["name"] for file in files}
    found = [info for info in discover().accepted if info.distribution in names]
    missing = names - {info.distribution for info in found}
    if missing:
        raise LookupError(f"install {', '.join(sorted(missing))}; see `famulus plugins`")
    return found


def _class(cls: type[Any], section: str) -> str:
    rows = [
        (f"`{section}.{field.alias}`", _type(field), _default(field), _help(cls, field))
        for field in attrs.fields(cls)
    ]
    return f"{prose(cls.__doc__, PAGE)}\n\n{table(('option', 'type', 'default', 'meaning'), rows)}"


def _state(cls: type[Any]) -> str:
    rows = [
        (f"`{field.alias}`", f"`{annotation(field.type)}`", _default(field), _help(cls, field))
        for field in attrs.fields(cls)
        if not field.inherited
    ]
    module = cls.__module__.partition(".")[0]
    head = f"### {module}.{cls.__name__}\n\n{prose(cls.__doc__, PAGE)}"
    return f"{head}\n\n{table(('field', 'type', 'default', 'meaning'), rows)}"


def _type(field: attrs.Attribute[Any]) -> str:
    name = annotation(field.type).removesuffix(" | None")
    return _WORDS.get(name) or f"`{name}`"


def _default(field: attrs.Attribute[Any]) -> str:
    if is_required(field):
        return "**required**"
    default = default_of(field)
    return "" if default == "None" else f"`{default}`"


def _help(cls: type[Any], field: attrs.Attribute[Any]) -> str:
    text = help_of(field) or comments(cls).get(field.name, "")
    choices = choices_of(field)
    if choices is not None:
        text += f" One of {', '.join(f'`{choice}`' for choice in choices)}."
    if is_secret(field):
        text += " Secret: it is neither stored nor shown."
    return re.sub(r"\$\{\w+\}", r"`\g<0>`", prose(text, PAGE))
