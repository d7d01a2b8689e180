"""The faults in an error that cattrs has raised: the path and the reason of each."""

from __future__ import annotations

from collections.abc import Iterator

from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError

from famulus.options.option_class import options_of
from famulus.options.suggest import did_you_mean


def faults_of(
    error: Exception, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path of every refused value and the reason.

    ``cattrs.transform_error`` joins both into one text, and a problem needs them separately.
    """
    match error:
        case ClassValidationError():
            names = {each.attribute: each.name for each in options_of(error.cl).values()}
            noted, others = error.group_exceptions()
            below = [(each, names[note.name]) for each, note in noted]
        case IterableValidationError():
            items, others = error.group_exceptions()
            below = [(each, str(note.index)) for each, note in items]
        case ForbiddenExtraKeysError():
            for name in sorted(map(str, error.extra_fields)):
                near = did_you_mean(name, options_of(error.cl))
                yield (*path, name), f"unknown option{near}"
            return
        case _:
            yield path, reason_of(error)
            return
    for each in others:
        yield from faults_of(each, path)
    for each, name in below:
        yield from faults_of(each, (*path, name))


def sentence_of(error: Exception) -> str:
    """Return all reasons in one sentence, without their paths."""
    return "; ".join(message for _, message in faults_of(error))


def reason_of(error: Exception) -> str:
    """Return the reason for one refused value."""
    return str(error.args[0]) if error.args else type(error).__name__
