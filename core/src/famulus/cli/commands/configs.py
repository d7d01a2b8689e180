"""``famulus config show``."""

from __future__ import annotations

from pathlib import Path

import click

from famulus.cli.arguments import with_configuration
from famulus.cli.failures import warn
from famulus.cli.output import say
from famulus.cli.session import Session, pass_session
from famulus.cli.texts.config_text import config_lines
from famulus.errors import UsageError
from famulus.operate.checking import draft_problems
from famulus.options.reading import read_configuration
from famulus.plan import draft_plan
from famulus.plugins import discover


@click.group
def config() -> None:
    """Look at configurations."""


@config.command
@with_configuration
@pass_session
def show(session: Session, config: str, overrides: tuple[str, ...]) -> None:
    """Show what a configuration resolves to, and where each value came from.

    Takes what `famulus launch` takes. Prints YAML that can be used as a configuration again, all
    options and defaults in it; secrets are left out. What is wrong is told on standard error, as
    `famulus check` does, and ends with status 2; what could be resolved is printed all the same.
    """
    plugins = discover()
    configuration = read_configuration(Path(config), overrides)
    for line, comment in config_lines(configuration, plugins):
        say(line, comment=comment)
    draft = draft_plan(configuration, plugins)
    warn(draft.warnings)
    with session.open_database() as database:
        found = draft_problems(draft, plugins, database)
    warn(each for each in found if each.warning)
    problems = [each for each in found if not each.warning]
    if problems:
        raise UsageError(problems)
