"""The arguments and options of the commands for links."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from famulus import Database, Problem, RunRecord, RunStatus, UsageError, list_runs
from famulus_links.limits import Limits

T = TypeVar("T")

_LONGEST_WORD = 100


def run_of_links(database: Database, number: int, *, for_new_links: bool = False) -> RunRecord:
    """Return a run whose workers come by links.

    :param for_new_links: whether links will be made: the run needs an address and must not be over.
    :raises famulus.UsageError: when it is not such a run.
    """
    found = next((each.record for each in list_runs(database) if each.record.id == number), None)
    if found is None:
        raise UsageError(f"there is no run {number}; `famulus runs` lists them")
    if found.provider_type != "links":
        raise UsageError(
            f"the workers of run {number} come from the provider {found.provider_type}; launch the "
            "task with provider=links to invite people"
        )
    if for_new_links and has_ended(found):
        raise UsageError(
            f"run {number} is {found.status}, and links lead to runs that are open; make them for"
            " another run"
        )
    if for_new_links and not found.url:
        raise UsageError(
            f"run {number} has no address yet; it has one once `famulus launch` says it is open"
        )
    return found


def only_here(url: str) -> str | None:
    """Return a warning if the address of a run only works on this machine, else None."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host != "localhost" and not host.endswith(".localhost"):
        try:
            address = ip_address(host)
        except ValueError:
            return None
        if not address.is_loopback and not address.is_unspecified:
            return None
    return (
        f"the links begin with {url}, which leads other machines to themselves; launch the run "
        "with architect.public_url, the address at which people reach it"
    )


def has_ended(run: RunRecord) -> bool:
    """Return whether a run is over for good, so that its links do not work any more."""
    return run.status in (RunStatus.FINISHED, RunStatus.FAILED)


def expiry(text: str) -> int:
    """Read when a link expires, as seconds since 1970: a time, or the end of a date.

    Without a time zone, it is in UTC.
    """
    try:
        moment = _read_moment(text.strip())
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is not a date or time, such as 2030-01-31 or 2030-01-31T18:00"
        ) from None
    return int(moment.timestamp())


def _read_moment(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def check_limits(database: Database, limits: Limits) -> None:
    """Refuse limits that are already reached.

    :raises famulus.UsageError: when the time at which the links expire has passed.
    """
    if limits.expires_at is not None and limits.expires_at <= database.clock().timestamp():
        raise UsageError(Problem("is over; choose a later time", key="--expires"))


def check_word(word: str) -> None:
    """Refuse a code word that cannot be typed into a field.

    :raises famulus.UsageError: for such a word.
    """
    if not word.strip():
        # Anyone could come in, as where a script's variable is not set.
        raise UsageError(Problem("is empty; give a word, or leave the option out", key="--word"))
    if len(word) > _LONGEST_WORD or not word.isprintable():
        message = f"has more than {_LONGEST_WORD} characters, or one that cannot be printed"
        raise UsageError(Problem(message, key="--word"))


def limit_options(command: Callable[..., T]) -> Callable[..., T]:
    """Add the options ``--uses`` and ``--expires``, which the command takes as ``limits``."""

    @functools.wraps(command)
    def with_limits(*args: Any, uses: int | None, expires: int | None, **more: Any) -> T:
        return command(*args, limits=Limits(uses=uses, expires_at=expires), **more)

    expires_option = click.option(
        "--expires",
        metavar="TIME",
        type=expiry,
        help="When the links expire, in UTC: a time, or a date, at whose end they expire.",
    )
    uses_option = click.option(
        "--uses",
        metavar="N",
        type=click.IntRange(min=1, max=10**9),
        help="The most units that a person can do by a link; for an open link, the most people.",
    )
    return uses_option(expires_option(with_limits))


run_argument = click.argument("run", type=click.IntRange(min=1, max=2**63 - 1))
