"""The check of arrivals: they have to name an accepted HIT of the run."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import define, field

from famulus import Refusal, RefusalReason, UnavailableError
from famulus_mturk.calls import KeysError, Mturk, MTurkRefusedError
from famulus_mturk.catalogue import _
from famulus_mturk.meanings import Meaning

if TYPE_CHECKING:
    from famulus import Clock
    from famulus_mturk.arrivals import Accepted
    from famulus_mturk.records import HitRecords

#: How long the answer to "is this HIT accepted?" is cached: an accepted HIT stays accepted for a
#: while, one that is not may be accepted at any moment.
_CACHED = MappingProxyType({True: timedelta(minutes=1), False: timedelta(seconds=3)})
_CACHE_SIZE = 10_000
_NOT_OURS = _("Open the task from its page on MTurk.")
_OVER = _("This HIT is over. Return it if MTurk still shows it as yours, and accept another one.")
_NOT_ACCEPTED = _(
    "According to MTurk, this HIT has not been accepted. Accept it there first; if you have, "
    "reload this page in a minute."
)


@define(eq=False, kw_only=True)
class ArrivalCheck:
    """Refuses arrivals that do not come from MTurk. Used by many threads; holds only a cache."""

    records: HitRecords
    clock: Clock
    #: makes the client at the first arrival that needs it; None: MTurk is not asked
    mturk: Callable[[], Mturk] | None
    _known: OrderedDict[str, tuple[datetime, bool]] = field(factory=OrderedDict, init=False)
    _mutex: threading.Lock = field(factory=threading.Lock, init=False)

    def refuse(self, run: int, accepted: Accepted) -> Refusal | None:
        """Return the refusal of an arrival, or None.

        A HIT that the run has not opened, that has expired without a submission, or that another
        worker has submitted is refused without a call to MTurk.

        :raises famulus.UnavailableError: while the HIT may be a new one without a stored id, or
            while MTurk cannot be called.
        """
        found = self.records.look_up(run, [accepted.hit])
        row = found.rows.get(accepted.hit)
        if row is None:
            if found.is_any_unnamed:
                raise UnavailableError(f"HIT {accepted.hit} may be one that is being created")
            return Refusal(reason=RefusalReason.UNKNOWN_LINK, detail=_NOT_OURS)
        if row.worker_name is not None:
            # The worker who has submitted it gets the page that confirms it.
            theirs = (row.worker_name, row.assignment_id) == (accepted.worker, accepted.assignment)
            return None if theirs else Refusal(reason=RefusalReason.UNKNOWN_LINK, detail=_OVER)
        if row.ended or row.gone:
            return Refusal(reason=RefusalReason.UNKNOWN_LINK, detail=_OVER)
        if self._is_accepted(accepted.hit):
            return None
        return Refusal(reason=RefusalReason.UNKNOWN_LINK, detail=_NOT_ACCEPTED)

    def _is_accepted(self, hit: str) -> bool:
        """Return whether a HIT is accepted; True if MTurk cannot be asked."""
        if self.mturk is None:
            return True
        known = self._cached(hit)
        if known is not None:
            return known
        try:
            answer = self.mturk().call("get_hit", HITId=hit)
        except KeysError:
            # The requester's faulty keys must not affect the worker; the run has opened the HIT.
            return True
        except MTurkRefusedError as error:
            if error.meaning is not Meaning.MISSING:
                raise
            found = False
        else:
            found = str(answer["HIT"]["HITStatus"]) != "Assignable"
        self._cache(hit, found)
        return found

    def _cached(self, hit: str) -> bool | None:
        with self._mutex:
            when, found = self._known.get(hit, (None, False))
        # Negative where the clock was set back.
        if when is None or not timedelta(0) <= self.clock() - when < _CACHED[found]:
            return None
        return found

    def _cache(self, hit: str, found: bool) -> None:
        with self._mutex:
            self._known[hit] = (self.clock(), found)
            self._known.move_to_end(hit)
            if len(self._known) > _CACHE_SIZE:
                self._known.popitem(last=False)
