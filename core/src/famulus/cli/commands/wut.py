"""``famulus wut``: what can be set, read from the installed classes only."""

from __future__ import annotations

import inspect
import re
import shlex
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from famulus.cli.output import say
from famulus.cli.session import Session
from famulus.cli.text_layout import wrapped
from famulus.errors import Problem, UsageError
from famulus.options.compat import plugin_hint
from famulus.options.describe import Described, describe_options, describe_state
from famulus.options.scalars import UNSET
from famulus.options.suggest import did_you_mean, nearest
from famulus.options.task_args import TaskArgs
from famulus.plugins import PluginInfo, Plugins, discover

#: Prose is no longer than this; tables may be, on a terminal that is.
_PROSE, _WIDEST = 80, 120
_NARROWEST = 40
_CROSS_REFERENCE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")
#: A line of a list, or an indented one.
_LAID_OUT = re.compile(r"^(?:[ \t]|[-*] )", re.MULTILINE)


class WutPage:
    """Prints prose, and only those rows of tables whose name contains one of the words.

    Without words it prints all rows.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._names: list[str] = []
        self._begun = False
        columns = shutil.get_terminal_size().columns
        self._width = max(min(columns, _WIDEST), _NARROWEST) if sys.stdout.isatty() else None

    def say(self, text: str, *, bold: bool = False) -> None:
        """Print a paragraph after an empty line; wrap it unless it has several lines."""
        lines = text.splitlines()
        if len(lines) == 1:
            lines = textwrap.wrap(text, min(self._width or _PROSE, _PROSE), break_on_hyphens=False)
        self._print(lines, bold=len(lines) if bold else 0)

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print the wanted rows below a title; nothing when there are none."""
        self._names += [row[0] for row in rows]
        wanted = [row for row in rows if not self._words or self._words_in(row[0])]
        if not wanted:
            return
        self.say(title)
        self._print(wrapped([head, *wanted], self._width), bold=1)

    def options(self, title: str, described: Iterable[Described]) -> None:
        """Print a table of options."""
        rows = [
            (
                each.dest,
                f"{each.type} (secret)" if each.secret else each.type,
                each.default,
                "yes" if each.required else "no",
                ", ".join(each.choices) or "-",
                each.help,
            )
            for each in described
        ]
        self.table(title, ("dest", "type", "default", "required", "choices", "help"), rows)

    def state(self, title: str, described: Iterable[Described]) -> None:
        """Print a table of the fields that a run script can set."""
        rows = [(each.dest, each.type, each.default, each.help) for each in described]
        self.table(title, ("dest", "type", "default", "help"), rows)

    def close(self) -> None:
        """Raise an error for words that no row's name contains.

        :raises UsageError: naming each such word.
        """
        known = list(dict.fromkeys(self._names))
        found = {word for name in known for word in self._words_in(name)}
        unknown = [word for word in self._words if word not in found]
        if unknown:
            raise UsageError(map(Problem, (_no_name_contains(word, known) for word in unknown)))

    def _words_in(self, name: str) -> list[str]:
        return [word for word in self._words if word.lower() in name.lower()]

    def _print(self, lines: Iterable[str], *, bold: int) -> None:
        """Print lines, the first ``bold`` of them in bold."""
        if self._begun:
            say()
        self._begun = True
        for number, line in enumerate(lines):
            say(line, bold=number < bold, wrap=False)


def _no_name_contains(word: str, known: Sequence[str]) -> str:
    near = nearest(word, known)
    hint = "" if near is None else f"; did you mean {near!r}?"
    return f"no name here contains {word!r}{hint}"


def paragraphs(cls: type) -> list[str]:
    """Return the paragraphs of a class's own docstring, without its markup.

    Lists and code keep their lines; any other paragraph is one line.
    """
    text = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    text = _CROSS_REFERENCE.sub(r"\1", text).replace("``", "`")
    parts = [part.strip("\n") for part in text.split("\n\n") if part.strip()]
    return [part if _LAID_OUT.search(part) else " ".join(part.split()) for part in parts]


def summary(cls: type) -> str:
    """Return the first sentence of a class's docstring."""
    first = next(iter(paragraphs(cls)), "")
    return re.split(r"(?<=[.!?])\s", first, maxsplit=1)[0]


class _Category(NamedTuple):
    about: str
    #: the plugins' types of this category
    classes: Callable[[PluginInfo], Sequence[type[Any]]] = lambda _: ()


_TASK, _CHECK = "task", "check"
#: Where a configuration sets the options of checks.
_CHECK_OPTIONS = "task.qualification_checks"
_CATEGORIES: Mapping[str, _Category] = MappingProxyType(
    {
        "blueprint": _Category("Kinds of task", lambda info: info.blueprints),
        "architect": _Category("Where a run is served", lambda info: info.architects),
        "provider": _Category("Where the workers come from", lambda info: info.providers),
        _TASK: _Category("What every task has: title, reward, limits"),
        _CHECK: _Category("Who may work, besides qualifications", lambda info: info.checks),
    }
)


def wut(session: Session, category: str | None, words: tuple[str, ...]) -> None:
    """Show what can be set, and what it is for."""
    name, sign, type_name = (category or "").partition("=")
    page = WutPage([word.removeprefix(f"{name}.") for word in words])
    plugins = discover()
    if name:
        _check_category(name, plugins)
    if not name:
        _show_categories(page, plugins, session)
    elif name == _TASK:
        _check_no_type(sign + type_name)
        _show_options(page, _TASK, _TASK, TaskArgs, TaskArgs)
    elif sign:
        _show_type(page, name, *_find(plugins, name, type_name))
    else:
        _show_types(page, name, plugins, session)
    page.close()


def _check_category(name: str, plugins: Plugins) -> None:
    if name in _CATEGORIES:
        return
    types = [f"{each}={name}" for each in _CATEGORIES if name in _types(plugins, each)]
    if types:
        near = f"; did you mean {types[0]!r}? (there are: {', '.join(sorted(_CATEGORIES))})"
    else:
        near = did_you_mean(name, _CATEGORIES, lists_all=True)
    raise UsageError(f"there is no category {name!r}{near}")


def _check_no_type(rest: str) -> None:
    if rest:
        raise UsageError(f"every task has the same options, so leave {rest!r} out")


def _show_categories(page: WutPage, plugins: Plugins, session: Session) -> None:
    rows = [
        (name, ", ".join(_types(plugins, name)) or "-", each.about)
        for name, each in _CATEGORIES.items()
    ]
    page.table("What can be set, by category:", ("category", "installed", "about"), rows)
    wut = session.command("wut")
    page.say(f"Go on with `{wut} blueprint`, then `{wut} blueprint=TYPE`, or with `{wut} task`.")


def _show_types(page: WutPage, category: str, plugins: Plugins, session: Session) -> None:
    rows = [
        (cls.type, info.distribution or "-", summary(cls))
        for info in plugins.accepted
        for cls in _CATEGORIES[category].classes(info)
    ]
    about = _CATEGORIES[category].about
    page.table(f"{about}:", (category, "distribution", "about"), sorted(rows))
    if not rows:
        page.say(f"No {category} is installed.")
    for problem in _refused(plugins):
        page.say(f"Besides, {problem}.")
    if rows:
        page.say(f"Go on with `{session.command('wut')} {category}={min(rows)[0]}`.")


def _show_type(page: WutPage, category: str, info: PluginInfo, cls: type[Any]) -> None:
    origin = f"{info.distribution} {info.version}".strip() or f"the plugin {info.name!r}"
    page.say(f"{category} {cls.type}, of {origin}", bold=True)
    section = f"{_CHECK_OPTIONS}.{cls.type}" if category == _CHECK else category
    _show_options(page, category, section, cls, cls.Args)
    requester = getattr(cls, "RequesterArgs", None)
    if requester is not None:
        title = f"What `famulus register {cls.type}` asks for besides a name:"
        page.options(title, describe_options(requester))
    state = getattr(cls, "SharedState", None)
    if state is not None:
        title = f"In Python, what a run script can give to {_importable(state)}:"
        page.state(title, describe_state(state))


def _show_options(
    page: WutPage, category: str, section: str, cls: type[Any], args: type[Any]
) -> None:
    for paragraph in paragraphs(cls):
        page.say(paragraph)
    described = describe_options(args)
    if not described:
        page.say("It has no options.")
        return
    page.options(
        f"{category.capitalize()} arguments, set below '{section}:' in a configuration, or on the "
        f"command line as in {_example(section, described)} ({UNSET} is not set):",
        described,
    )


def _example(section: str, described: Sequence[Described]) -> str:
    """Return an example of setting an option, preferably one that has a default."""
    plain = (each for each in described if each.default not in (UNSET, "") and not each.secret)
    first = next(plain, None)
    shown = f"{first.dest}={first.default}" if first else f"{described[0].dest}=VALUE"
    return shlex.quote(f"{section}.{shown}")


def _importable(cls: type) -> str:
    """Return a class's name with the shortest module that it can be imported from."""
    package = cls.__module__.partition(".")[0]
    exported = getattr(sys.modules[package], cls.__name__, None) is cls
    return f"{package if exported else cls.__module__}.{cls.__name__}"


def _find(plugins: Plugins, category: str, name: str) -> tuple[PluginInfo, type[Any]]:
    """Return a type and the plugin that brings it.

    :raises UsageError: listing the known names, and the reason for each refused plugin.
    """
    known = _types(plugins, category)
    if name not in known:
        unknown = Problem(_unknown(category, name, known))
        raise UsageError([unknown, *map(Problem, _refused(plugins))])
    if category != _CHECK:
        getattr(plugins, category)(name)
    return next(
        (info, cls)
        for info in plugins.accepted
        for cls in _CATEGORIES[category].classes(info)
        if cls.type == name
    )


def _unknown(category: str, name: str, known: Sequence[str]) -> str:
    hint = plugin_hint(category, name)
    if hint is None:
        return f"there is no {category} {name!r}" + did_you_mean(
            name, known, otherwise="installed", lists_all=True
        )
    return f"there is no {category} {name!r}; {hint}"


def _types(plugins: Plugins, category: str) -> list[str]:
    classes = _CATEGORIES[category].classes
    return sorted({cls.type for info in plugins.accepted for cls in classes(info)})


def _refused(plugins: Plugins) -> list[str]:
    return [
        f"the plugin {info.name!r} ({info.distribution or 'no distribution'}) cannot be used: "
        f"{info.refused}"
        for info in plugins.infos
        if info.refused
    ]
