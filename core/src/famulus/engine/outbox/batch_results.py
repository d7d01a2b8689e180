"""The results of a call with many items, as a provider returns them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import TypeVar

from famulus.contracts.provider_views import Result
from famulus.engine.outbox.platform_call import CallResult, result_of
from famulus.model.outages import DatabaseUnavailableError

_log = logging.getLogger(__name__)


T = TypeVar("T")


def read_results(
    call: Callable[[], Iterable[tuple[str, Result]]], asked: Mapping[str, T]
) -> Generator[tuple[T, CallResult], None, None]:
    """Make a call and yield the first result of each item that was asked for, as it comes.

    An exception that the call raises becomes the result of every item without one. Items for which
    the call yields no result are left out here too.

    :param asked: each item, by the key that the provider knows it by.
    """
    left = dict(asked)
    try:
        for key, given in call():
            if isinstance(given, DatabaseUnavailableError):
                # Ours, and no statement about the platform, even where the provider has caught it.
                raise given
            if key in left:
                yield left.pop(key), result_of(given)
            else:
                known = "has a result already" if key in asked else "was not asked for"
                _log.warning(
                    "a provider returned the result %r for the key %r, which %s; it is ignored",
                    given,
                    key,
                    known,
                )
    except DatabaseUnavailableError:
        # The platform may have been called already: the rows stay claimed, and are delivered again
        # once their claims have expired, as after a crash.
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; kept, retried
        result = result_of(error)
        for item in left.values():
            yield item, result
