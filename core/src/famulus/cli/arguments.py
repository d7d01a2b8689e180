"""Arguments that several commands take."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

T = TypeVar("T")

#: What a database's 64-bit column can hold.
_LARGEST = 2**63 - 1


def row_number(what: str, command: str) -> Callable[[str], int]:
    """Return a function that reads the number of a row, without looking it up.

    :param what: the noun for such a row, such as ``run``; ``command`` lists the rows.
    """

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = 0
        if not 0 < number <= _LARGEST:
            raise click.BadParameter(
                f"{text!r} is not the number of a {what}; `famulus {command}` lists them"
            )
        return number

    # What help texts call the value of an option.
    read.__name__ = what
    return read


run_number = row_number("run", "runs")
run_argument = click.argument("run", type=run_number)


def json_option(command: Callable[..., T]) -> Callable[..., T]:
    """Add the option ``--json`` to a click command, which takes it as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def provider_options(command: Callable[..., T]) -> Callable[..., T]:
    """Add ``--provider`` and ``--requester``."""
    provider = click.option(
        "--provider",
        metavar="TYPE",
        help="Provider of the workers; needed where there are several.",
    )
    requester = click.option(
        "--requester",
        metavar="NAME",
        help="The account whose platform is informed; needed where there are several.",
    )
    return provider(requester(command))


def with_configuration(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the arguments ``CONFIG [OVERRIDES]...`` and the option ``--profile``.

    The profile is given to the command as the first of its ``overrides``.
    """

    @functools.wraps(function)
    def command(*args: Any, profile: str | None, overrides: tuple[str, ...], **more: Any) -> Any:
        from famulus.options.profiles import with_profile

        return function(*args, overrides=with_profile(profile, overrides), **more)

    option = click.option(
        "--profile",
        metavar="NAME",
        help="A profile of yours, which this configuration overrides; "
        "`famulus profiles` lists them.",
    )
    overrides = click.argument("overrides", nargs=-1)
    return click.argument("config", type=click.Path())(overrides(option(command)))
