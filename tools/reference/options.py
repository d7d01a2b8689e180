"""The pages of every option that a configuration can set."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from famulus import PluginInfo, SharedTaskState, TaskArgs, discover
from famulus.options.describe import Described, describe_options, describe_state
from famulus.options.scalars import UNSET

from .markdown import document, prose, table

FOLDER = "reference/options"
PAGE = "options.md"
ROOT = Path(__file__).parents[2]

#: Category -> the section of its options.
_SECTIONS = MappingProxyType(
    {
        "blueprint": "blueprint",
        "architect": "architect",
        "provider": "provider",
        "check": "task.qualification_checks.{type}",
    }
)

_INTRODUCTION = """
What can be set, a page for each type of the first-party plugins, and one for what every task has.
In a YAML file options stand in the sections `blueprint`, `architect`, `provider` and `task`; on the
command line they follow the file as `section.option=value`, and `section=type` chooses another
plugin. [Options](../how-to/options.md) describes how to find, set and check them.

```yaml
defaults:
  - blueprint: static_task
  - architect: local
  - provider: mock
architect:
  port: 3000
```

Paths start at the folder of the task; `${task_dir}` stands for it. An option that does not exist is
an error, with a suggestion. `famulus wut` prints these pages, and those of plugins that others have
written.
"""


def option_pages() -> dict[str, Callable[[], str]]:
    """Return what makes each page: the contents, then one for each type."""
    pages: dict[str, Callable[[], str]] = {
        f"reference/{PAGE}": _contents_page,
        f"{FOLDER}/task.md": _task_page,
    }
    for category, info, cls in _types():
        pages[f"{FOLDER}/{_file(category, cls)}"] = partial(_type_page, category, info, cls)
    return pages


def _contents_page() -> str:
    rows = [("[task](options/task.md)", "", prose(TaskArgs.__doc__, PAGE))]
    for category, info, cls in _types():
        link = f"[{category}: {cls.type}](options/{_file(category, cls)})"
        rows.append((link, f"`{info.distribution}`", _summary(cls)))
    return document(
        "Options",
        _INTRODUCTION,
        table(("options of", "distribution", "what it is"), rows),
        "## In Python",
        "What a run script can set for every blueprint; the pages above say what each adds.",
        _state(SharedTaskState, PAGE, ()),
    )


def _task_page() -> str:
    page = "options/task.md"
    return document("task", prose(TaskArgs.__doc__, page), _options(TaskArgs, "task", page))


def _type_page(category: str, info: PluginInfo, cls: type[Any]) -> str:
    page = f"options/{_file(category, cls)}"
    parts = [
        f"From the distribution `{info.distribution}`. In a terminal: "
        f"`famulus wut {category}={cls.type}`.",
        prose(cls.__doc__, page),
        _options(cls.Args, _SECTIONS[category].format(type=cls.type), page),
    ]
    requester = getattr(cls, "RequesterArgs", None)
    if requester is not None and describe_options(requester):
        parts.append("## Registering a requester")
        parts.append(f"`famulus register {cls.type}` asks for these, besides a name.")
        parts.append(_options(requester, "", page))
    state = getattr(cls, "SharedState", SharedTaskState)
    if state is not SharedTaskState:
        inherited = [each.dest for each in describe_state(SharedTaskState)]
        parts += ["## In Python", _state(state, page, inherited)]
        parts.append("Besides, there is [what every blueprint takes](../options.md#in-python).")
    return document(f"{category}: {cls.type}", *parts)


def _types() -> Iterator[tuple[str, PluginInfo, type[Any]]]:
    """Yield what the workspace's own plugins bring.

    :raises LookupError: when one of them is not installed, or refused.
    """
    files = sorted(ROOT.glob("plugins/*/pyproject.toml"))
    projects = [tomllib.loads(file.read_text(encoding="utf-8"))["project"] for file in files]
    # What plugins share is none itself.
    names = {each["name"] for each in projects if "entry-points" in each}
    infos = [info for info in discover().accepted if info.distribution in names]
    missing = names - {info.distribution for info in infos}
    if missing:
        raise LookupError(f"install {', '.join(sorted(missing))}; see `famulus plugins`")
    for category in _SECTIONS:
        for info in infos:
            yield from ((category, info, cls) for cls in getattr(info, f"{category}s"))


def _file(category: str, cls: type[Any]) -> str:
    return f"{category}-{cls.type}.md"


def _summary(cls: type[Any]) -> str:
    first = " ".join((cls.__doc__ or "").partition("\n\n")[0].split())
    return prose(re.split(r"(?<=[.!?])\s", first, maxsplit=1)[0], PAGE)


def _options(cls: type[Any], section: str, page: str) -> str:
    prefix = f"{section}." if section else ""
    rows = [
        (
            f"`{prefix}{each.dest}`",
            each.type + (", secret" if each.secret else ""),
            "" if each.default == UNSET else f"`{each.default}`",
            ", ".join(f"`{choice}`" for choice in each.choices),
            "yes" if each.required else "",
            _help(each, page),
        )
        for each in describe_options(cls)
    ]
    head = ("option", "type", "default", "choices", "required", "meaning")
    return table(head, rows) if rows else "It has no options."


def _state(cls: type[Any], page: str, inherited: Sequence[str]) -> str:
    rows = [
        (f"`{each.dest}`", each.type, f"`{each.default}`", _help(each, page))
        for each in describe_state(cls)
        if each.dest not in inherited
    ]
    module = cls.__module__.partition(".")[0]
    head = f"### {module}.{cls.__name__}\n\n{prose(cls.__doc__, page)}"
    return f"{head}\n\n{table(('field', 'type', 'default', 'meaning'), rows)}"


def _help(described: Described, page: str) -> str:
    return re.sub(r"\$\{\w+\}", r"`\g<0>`", prose(described.help, page))
