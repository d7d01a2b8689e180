"""``famulus config show``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from famulus.cli.output import say_commented
from famulus.cli.session import Session
from famulus.errors import UsageError, without_warnings
from famulus.operate.checking import draft_problems
from famulus.options.configuration import Configuration, read_configuration
from famulus.options.profiles import profile_name
from famulus.options.yaml_text import yaml_text
from famulus.plan import draft_plan
from famulus.plan.resolved import ResolvedValue, Tree, resolved_roles, resolved_sections
from famulus.plugins import Plugins, discover


def show(session: Session, config: str, overrides: tuple[str, ...]) -> None:
    """Show what a configuration resolves to, and where each value came from."""
    plugins = discover()
    configuration = read_configuration(Path(config), overrides)
    for line, comment in config_lines(configuration, plugins):
        say_commented(line, comment)
    draft = draft_plan(configuration, plugins)
    session.warn(*draft.warnings)
    with session.open_database() as database:
        found = draft_problems(draft, plugins, database, serving=False)
    session.warn(*(each for each in found if each.warning))
    if problems := without_warnings(found):
        raise UsageError(problems)


#: Comments stand below each other as far as lines are no longer than this.
_COMMENTS_AT = 48

_Line = tuple[str, str]


def config_lines(configuration: Configuration, plugins: Plugins) -> Iterator[_Line]:
    """Yield each line of an equivalent configuration file, with its comment.

    Secrets are left out.
    """
    yield "", f"# task_dir: {configuration.task_dir}"
    yield "defaults:", ""
    roles = resolved_roles(configuration)
    yield from _commented(
        [(f"  - {role}: {shown.text}", _origin(shown)) for role, shown in roles.items()]
    )
    for section, tree in resolved_sections(configuration, plugins).items():
        if tree:
            yield "", ""
            yield f"{section}:", ""
            yield from _commented(list(_lines(tree, 1)))


def _lines(tree: Tree, depth: int) -> Iterator[_Line]:
    for name, each in tree.items():
        key = f"{'  ' * depth}{yaml_text(name)}:"
        if isinstance(each, Mapping):
            yield key, ""
            yield from _lines(each, depth + 1)
        else:
            yield f"{key} {each.text}", _origin(each)


def _origin(shown: ResolvedValue) -> str:
    words = "required, but not set" if shown.missing else "default"
    if shown.overridden:
        words = "override"
    elif shown.place is not None:
        file, line = shown.place
        words = f"{_short(file)}:{line}"
    return f"{words}, a secret that is not shown" if shown.secret else words


def _short(file: Path) -> str:
    profile, folder = profile_name(file), Path.cwd()
    if profile is not None:
        return f"profile {profile}"
    return str(file.relative_to(folder) if file.is_relative_to(folder) else file)


def _commented(lines: Sequence[_Line]) -> list[_Line]:
    fitting = [len(text) for text, _ in lines if len(text) <= _COMMENTS_AT]
    start = max(fitting, default=0)
    return [
        (f"{text.ljust(start)}  ", f"# {comment}") if comment else (text, "")
        for text, comment in lines
    ]
