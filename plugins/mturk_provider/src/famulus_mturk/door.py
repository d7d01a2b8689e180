"""Which arrivals get in: those that name a HIT of the run that somebody has accepted."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import define, field

from famulus import Refusal, RefusalReason, UnavailableError
from famulus_mturk.calls import KeysError, Mturk, RefusedError
from famulus_mturk.meanings import Meaning

if TYPE_CHECKING:
    from famulus import Clock
    from famulus_mturk.arrivals import Accepted
    from famulus_mturk.records import HitRecords

#: How long MTurk's word on a HIT is believed: an accepted one stays so while somebody works, and
#: the numbers of one that is not are soon others.
_BELIEVED = MappingProxyType({True: timedelta(minutes=1), False: timedelta(seconds=3)})
_REMEMBERED = 10_000
_NOT_OURS = "Open the task from its page on MTurk."
_OVER = "This HIT is over. Return it if MTurk still shows it as yours, and accept another one."
_NOT_ACCEPTED = (
    "MTurk does not say that anybody has accepted this HIT. Accept it there first; if you have, "
    "load this page again in a minute."
)


@define(eq=False, kw_only=True)
class Door:
    """Refuses arrivals that MTurk cannot have sent. Used by many threads; keeps only a cache."""

    records: HitRecords
    clock: Clock
    #: makes the client at the first arrival that needs it; None where MTurk is not asked
    mturk: Callable[[], Mturk] | None
    _known: OrderedDict[str, tuple[datetime, bool]] = field(factory=OrderedDict, init=False)
    _mutex: threading.Lock = field(factory=threading.Lock, init=False)

    def refuse(self, run: int, accepted: Accepted) -> Refusal | None:
        """Return why an arrival gets nothing, or None.

        A HIT that the run has not opened, one that has expired with nobody at work and one that
        somebody else has submitted are refused without asking MTurk.

        :raises famulus.UnavailableError: while the HIT may be one whose id is not known here yet,
            or MTurk cannot be asked.
        """
        row = self.records.by_hit(run, [accepted.hit]).get(accepted.hit)
        if row is None:
            if self.records.is_any_unnamed(run):
                raise UnavailableError(f"HIT {accepted.hit} may be one that is just being made")
            return Refusal(reason=RefusalReason.UNKNOWN_LINK, detail=_NOT_OURS)
        if row.worker_name is not None:
            # Whoever has submitted it sees that it is done.
            theirs = (row.worker_name, row.assignment_id) == (accepted.worker, accepted.assignment)
            return None if theirs else Refusal(reason=RefusalReason.UNKNOWN_LINK, detail=_OVER)
        if row.ended or row.gone:
            return Refusal(reason=RefusalReason.UNKNOWN_LINK, detail=_OVER)
        if self._is_accepted(accepted.hit):
            return None
        return Refusal(reason=RefusalReason.UNKNOWN_LINK, detail=_NOT_ACCEPTED)

    def _is_accepted(self, hit: str) -> bool:
        """Return whether somebody has accepted a HIT, as far as MTurk can be asked."""
        if self.mturk is None:
            return True
        known = self._remembered(hit)
        if known is not None:
            return known
        try:
            answer = self.mturk().call("get_hit", HITId=hit)
        except KeysError:
            # The requester's keys are no fault of the worker, and the run has opened the HIT.
            return True
        except RefusedError as error:
            if error.meaning is not Meaning.MISSING:
                raise
            found = False
        else:
            found = str(answer["HIT"]["HITStatus"]) != "Assignable"
        self._remember(hit, found)
        return found

    def _remembered(self, hit: str) -> bool | None:
        with self._mutex:
            when, found = self._known.get(hit, (None, False))
        if when is None or self.clock() - when >= _BELIEVED[found]:
            return None
        return found

    def _remember(self, hit: str, found: bool) -> None:
        with self._mutex:
            self._known[hit] = (self.clock(), found)
            self._known.move_to_end(hit)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
