"""``famulus set``."""

from __future__ import annotations

from famulus.cli.limit_words import limit_words
from famulus.cli.output import say
from famulus.cli.session import Session
from famulus.cli.text_layout import aligned
from famulus.engine.limits import set_limits, unknown_limits
from famulus.engine.run_limits import run_limits
from famulus.engine.runs import find_run
from famulus.errors import Problem, UsageError
from famulus.options.scalars import Typed

_SECTION = "task."


def set_command(session: Session, run: int, limits: tuple[str, ...]) -> None:
    """Change limits of run RUN, whichever process operates it; without LIMITS, show them."""
    given = _given(limits)
    rows: list[tuple[str, ...]]
    with session.open_existing() as database:
        record = find_run(database, run)
        changes = set_limits(database, run, **given) if given else []
        after = find_run(database, run)
    if not given:
        say(f"Limits of run {run}, which is {record.status}:")
        limits_now = run_limits(after).items()
        rows = [(name, limit_words(name, each, record)) for name, each in limits_now]
    elif changes:
        say(f"Run {run}, from the next arrival on:")
        rows = [
            (
                change.name,
                limit_words(change.name, change.new, record),
                f"was {limit_words(change.name, change.old, record)}",
            )
            for change in changes
        ]
    else:
        say(f"Run {run} has these limits already.")
        return
    for line in aligned(rows):
        say(f"  {line}")


def _given(limits: tuple[str, ...]) -> dict[str, Typed]:
    given, problems = dict[str, Typed](), list[Problem]()
    for text in limits:
        key, sign, value = text.partition("=")
        name = key.strip().removeprefix(_SECTION)
        if sign and name:
            given[name] = Typed(value)
        else:
            found = f"{key}=…" if sign else text
            message = f"{found!r} is not 'LIMIT=VALUE', such as maximum_units_per_worker=5"
            problems.append(Problem(message))
    if problems:
        raise UsageError([*problems, *unknown_limits(given)])
    return given
