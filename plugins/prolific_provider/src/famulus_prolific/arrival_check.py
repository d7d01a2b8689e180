"""The check of arrivals: they have to name a submission to the run's study."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import define, field

from famulus import Refusal, UnavailableError
from famulus_prolific.api import ProlificApi, ProlificRefusedError
from famulus_prolific.arrivals import Arrived, not_ours
from famulus_prolific.catalogue import _
from famulus_prolific.secure_urls import SecureUrls, Signature
from famulus_prolific.tokens import NoTokenError

if TYPE_CHECKING:
    from famulus import Clock
    from famulus_prolific.arrival_records import ArrivalRecords
    from famulus_prolific.records import StudyRecords

#: How long the answer to "is this submission theirs?" is cached in memory: whose it is never
#: changes, and one that is not found may be begun at any moment.
_CACHED = MappingProxyType({True: timedelta(days=1), False: timedelta(seconds=3)})
_CACHE_SIZE = 10_000
_OVER = ("RETURNED", "TIMED-OUT", "TIMED OUT", "REJECTED")
_NOT_OURS = _("Open the study from its page on Prolific.")
_FORGED = _("This address was not made by Prolific for you. Open the study from its page there.")
_EXPIRED = _("This address is too old. Open the study again from its page on Prolific.")
_UNKNOWN = _(
    "According to Prolific, this submission is not yours, or it is over. Open the study from its "
    "page there; if you have just begun, reload this page in a minute."
)


@define(eq=False, kw_only=True)
class ArrivalCheck:
    """Refuses arrivals that do not come from Prolific. Used by many threads; holds only a cache.

    A reload makes no call, since the worker of each confirmed submission is stored.
    """

    records: StudyRecords
    arrivals: ArrivalRecords
    clock: Clock
    #: makes the client at the first arrival that needs it; None: Prolific is not asked
    api: Callable[[], ProlificApi] | None
    #: verifies tokens, without which no participant comes; None if addresses are not signed
    secure: Callable[[], SecureUrls] | None
    workspace: str | None
    #: by submission, worker, and the token that was verified; without it, what Prolific has said
    _known: OrderedDict[tuple[str, str, str], tuple[datetime, bool]] = field(
        factory=OrderedDict, init=False
    )
    _mutex: threading.Lock = field(factory=threading.Lock, init=False)

    def refuse(self, run: int, arrived: Arrived) -> Refusal | None:
        """Return the refusal of an arrival, or None.

        A token that was verified once is accepted ever after, from the worker and for the
        submission that it names, so that a reload depends neither on its two minutes nor on whether
        Prolific still publishes its key. Another token has to be signed by a key that is published
        now. If it has expired, Prolific is asked; if it is not to be asked, only workers with a
        known submission are admitted.

        :raises famulus.UnavailableError: while the id of the run's study is not stored yet, or
            while Prolific cannot be asked. A faulty token of the requester counts as that too,
            since the arrival's address may be made up.
        """
        record = self.records.find(run)
        if record is None or arrived.study != record.study_id:
            if record is not None and record.study_id is None:
                raise UnavailableError(f"study {arrived.study} may be one that is being made")
            return not_ours(_NOT_OURS)
        if self.secure is None:
            is_theirs = self._recalled(run, arrived)
            if is_theirs is None:
                is_theirs = self._is_theirs(run, arrived)
            return None if is_theirs else not_ours(_UNKNOWN)
        if self._is_verified(run, arrived):
            return None
        signature = self.secure().verify(arrived, record.url, self.workspace)
        if signature is Signature.FORGED:
            return not_ours(_FORGED)
        if signature is Signature.EXPIRED and (refusal := self._refuse_late(run, arrived)):
            return refusal
        self.arrivals.add(run, arrived, with_token=True)
        self._cache(arrived, theirs=True, token=arrived.token)
        return None

    def _is_verified(self, run: int, arrived: Arrived) -> bool:
        """Return whether the token was verified earlier for this worker and submission."""
        if not arrived.token:
            return False
        if self._cached(arrived, token=arrived.token):
            return True
        is_verified = self.arrivals.is_verified(run, arrived)
        if is_verified:
            self._cache(arrived, theirs=True, token=arrived.token)
        return is_verified

    def _refuse_late(self, run: int, arrived: Arrived) -> Refusal | None:
        """Return the refusal of an arrival with a genuine token that has expired, or None."""
        is_theirs = self._recalled(run, arrived)
        if is_theirs is None and self.api is None:
            return not_ours(_EXPIRED)
        try:
            if is_theirs is None:
                is_theirs = self._is_theirs(run, arrived)
        except NoTokenError:
            return not_ours(_EXPIRED)
        return None if is_theirs else not_ours(_UNKNOWN)

    def _recalled(self, run: int, arrived: Arrived) -> bool | None:
        """Return whether a submission is the arriving worker's; None if that needs a call."""
        known = self._cached(arrived)
        if known is None and self.arrivals.worker_of(run, arrived.session) == arrived.worker:
            self._cache(arrived, theirs=True)
            return True
        return known

    def _is_theirs(self, run: int, arrived: Arrived) -> bool:
        """Return whether Prolific confirms the submission; True if it is not to be asked."""
        if self.api is None:
            return True
        try:
            found = self.api().get(f"submissions/{arrived.session}/")
        except ProlificRefusedError as error:
            if not error.is_missing:
                raise
            is_theirs = False
        else:
            is_theirs = _is_of(found, arrived)
        if is_theirs:
            self.arrivals.add(run, arrived, with_token=False)
        self._cache(arrived, theirs=is_theirs)
        return is_theirs

    def _cached(self, arrived: Arrived, *, token: str = "") -> bool | None:
        with self._mutex:
            key = (arrived.session, arrived.worker, token)
            when, found = self._known.get(key, (None, False))
        # Negative where the clock was set back.
        if when is None or not timedelta(0) <= self.clock() - when < _CACHED[found]:
            return None
        return found

    def _cache(self, arrived: Arrived, *, theirs: bool, token: str = "") -> None:
        with self._mutex:
            key = (arrived.session, arrived.worker, token)
            self._known[key] = (self.clock(), theirs)
            self._known.move_to_end(key)
            if len(self._known) > _CACHE_SIZE:
                self._known.popitem(last=False)


def _is_of(submission: dict[str, Any], arrived: Arrived) -> bool:
    worker = submission.get("participant") or submission.get("participant_id")
    study = submission.get("study_id") or submission.get("study")
    is_over = str(submission.get("status", "")).upper().replace("_", " ") in _OVER
    return (worker, study) == (arrived.worker, arrived.study) and not is_over
