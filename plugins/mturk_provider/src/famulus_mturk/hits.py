"""The HITs of a run: one per place, each created once however often the call is repeated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from famulus import FamulusError, UnavailableError, UnlistedPlacesError
from famulus_mturk.annotations import annotation, listed_hits
from famulus_mturk.calls import CallLostError, Mturk, MTurkRefusedError
from famulus_mturk.meanings import Meaning
from famulus_mturk.question import external_question

if TYPE_CHECKING:
    from famulus import Clock, RunView
    from famulus_mturk.hit_types import HitTypes
    from famulus_mturk.records import HitRecords

#: MTurk remembers a UniqueRequestToken for 24 hours; an hour is left for differing clocks.
_TOKEN_KNOWN = timedelta(hours=23)
#: A HIT that MTurk does not list this long after the call was not created.
_LISTED_BY = timedelta(minutes=10)
#: "Expire at once" is a time in the past.
_LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)
#: HITs that are created at the same time; MTurk throttles where there are too many.
_AT_ONCE = 4
#: MTurk's ids, as they stand in its messages: 30 capital letters and digits.
_ID = re.compile(r"\b[A-Z0-9]{20,64}\b")
#: Seconds, as CreateHIT allows.
_SHORTEST_LIFETIME, _LONGEST_LIFETIME = 30, 31_536_000


class HitNotCreatedError(Exception):
    """A HIT was certainly not created; ``reason`` is the error to raise to the caller."""

    def __init__(self, reason: FamulusError) -> None:
        super().__init__(str(reason))
        self.reason = reason


@frozen(kw_only=True)
class Hits:
    """Creates, moves, closes and deletes the HITs of runs. No call is made inside a transaction."""

    mturk: Mturk
    records: HitRecords
    clock: Clock
    types: HitTypes
    frame_height: int
    #: by run: the places before this one have their HITs, whose rows need not be read again
    _made: dict[int, int] = field(factory=dict, init=False)

    def open(self, run: RunView, places: range) -> None:
        """Create the HITs of these places that do not exist yet, several at a time.

        :raises famulus.UnavailableError: while the account cannot pay for them.
        """
        places = range(max(places.start, self._made.get(run.id, 0)), places.stop)
        rows = {row.place: row for row in self.records.of_places(run.id, places)}
        missing = [place for place in places if place not in rows or rows[place].hit_id is None]
        if missing:
            is_old = any(self._is_forgotten(row) for row in rows.values() if row.hit_id is None)
            listed = self._listed(run) if is_old else {}
            self._make_all(run, missing, partial(self._make, run, self.types.of(run), listed))
        if places and not self.types.group(run.id):
            self._find_group(run.id, self.records.of_places(run.id, places))
        self._made[run.id] = max(places.start, places.stop)

    def _make_all(self, run: RunView, places: Sequence[int], make: Callable[[int], object]) -> None:
        """Make HITs in a few threads, which have all ended on return.

        After a failure no further HIT is begun, and the first error is raised.
        """
        with ThreadPoolExecutor(
            min(_AT_ONCE, len(places)), thread_name_prefix=f"famulus-mturk-hits-{run.id}"
        ) as threads:
            calls = [threads.submit(make, place) for place in places]
            try:
                for call in as_completed(calls):
                    call.result()
            finally:
                for call in calls:
                    call.cancel()

    def _make(self, run: RunView, hit_type: str, listed: Mapping[str, str], place: int) -> None:
        """Make sure that a place has a HIT, and store its id.

        :param listed: the run's HITs by annotation, if MTurk may have forgotten the token of an
            earlier call.
        """
        token = annotation(run, place)
        attempt = self.records.begin(run.id, place)
        try:
            hit = listed.get(token) or self._create(run, token, hit_type)
        except HitNotCreatedError as error:
            self.records.undo(run.id, place, attempt)
            raise error.reason from error.reason.__cause__
        self.records.name(run.id, place, hit)

    def move_end(self, run: RunView) -> None:
        """Set the expiration of the run's HITs to the time at which the run closes."""
        for row in self.records.open(run.id):
            if row.hit_id is not None:
                self._expire(row.hit_id, run.closes_at)
        for row in self.records.expired(run.id):
            self._end_review(row.hit_id)
            # Before the call: MTurk may extend the HIT although the reply is lost.
            self.records.revive(row)
            self._expire(row.hit_id, run.closes_at)

    def close(self, run: RunView) -> None:
        """Expire the run's HITs; workers who have accepted one keep their time.

        If the run has ``gone_places``, only the HITs of the places before that number expire.

        :raises famulus.UnlistedPlacesError: while a HIT may exist that MTurk does not list yet.
        """
        rows = [
            row
            for row in self.records.unclosed(run.id)
            if not run.gone_places or row.place < run.gone_places
        ]
        lost = any(row.hit_id is None for row in rows)
        listed = self._listed(run) if lost else {}
        unlisted = 0
        for row in rows:
            hit = row.hit_id or listed.get(annotation(run, row.place))
            if hit is not None:
                self._expire(hit, _LONG_AGO)
                if row.hit_id is None:
                    self.records.name(run.id, row.place, hit)
            elif self.clock().timestamp() - row.last_tried_at < _LISTED_BY.total_seconds():
                unlisted += 1
                continue
            self.records.close(row)
        if unlisted:
            raise UnlistedPlacesError(
                f"MTurk may have created {unlisted} more of the run's HITs, whose replies were "
                f"lost and which it does not list; its list may be "
                f"{_LISTED_BY.total_seconds() / 60:.0f} minutes late"
            )

    def count_open(self, run: RunView) -> int:
        """Return how many HITs can be accepted on MTurk and are not closed here."""
        unclosed = {annotation(run, row.place) for row in self.records.unclosed(run.id)}
        if not unclosed:
            return 0
        return sum(
            hit["HITStatus"] == "Assignable" and hit["RequesterAnnotation"] in unclosed
            for hit in listed_hits(self.mturk, run)
        )

    def dispose(self, run: RunView) -> None:
        """Delete the run's HITs, except those with a rejected submission.

        A HIT with a rejected submission stays until MTurk deletes it, so that the rejection can be
        overridden.

        :raises famulus.UnavailableError: while some cannot be deleted yet.
        """
        kept, reason = 0, ""
        for row in self.records.left(run.id):
            if row.rejected:
                continue
            try:
                self.mturk.call("delete_hit", HITId=row.hit_id)
            except MTurkRefusedError as error:
                if not _is_gone(error):
                    kept, reason = kept + 1, str(error)
                    continue
            self.records.forget(row)
        if kept:
            raise UnavailableError(f"{kept} of the run's HITs cannot be deleted yet: {reason}")

    def _is_forgotten(self, row: Any) -> bool:
        """Return whether MTurk may have forgotten the token of an earlier attempt at a HIT."""
        age: float = self.clock().timestamp() - row.tried_at
        return age >= _TOKEN_KNOWN.total_seconds()

    def _create(self, run: RunView, token: str, hit_type: str) -> str:
        """Create the HIT of a place, or find the one that an earlier attempt has created."""
        left = int((run.closes_at - self.clock()).total_seconds())
        try:
            answer = self.mturk.call(
                "create_hit_with_hit_type",
                HITTypeId=hit_type,
                MaxAssignments=1,
                LifetimeInSeconds=min(max(left, _SHORTEST_LIFETIME), _LONGEST_LIFETIME),
                Question=external_question(run.url, self.frame_height),
                RequesterAnnotation=token,
                UniqueRequestToken=token,
            )
        except MTurkRefusedError as error:
            if error.meaning in (Meaning.EXISTS, Meaning.PROCESSED):
                return self._existing(run, token, error)
            reason = _in_words(error)
            if not error.maybe_done:
                raise HitNotCreatedError(reason) from error
            raise reason from error.__cause__
        except CallLostError as error:
            if not error.maybe_done:
                raise HitNotCreatedError(error) from error
            raise
        return str(answer["HIT"]["HITId"])

    def _existing(self, run: RunView, token: str, refused: MTurkRefusedError) -> str:
        """Return the HIT that was created with a token.

        MTurk's message names the HIT, or the HIT's annotation is the token.
        """
        named = (found for found in _ID.findall(refused.message) if self._is_of(found, token))
        found = next(named, None) or self._listed(run).get(token)
        if found is None:
            raise UnavailableError(
                f"MTurk has created a HIT that it does not list yet: {refused.message}"
            ) from refused
        return found

    def _is_of(self, hit: str, token: str) -> bool:
        """Return whether the HIT with an id has a token; a message may contain other ids."""
        try:
            answer = self.mturk.call("get_hit", HITId=hit)
        except MTurkRefusedError:
            return False
        return bool(answer["HIT"].get("RequesterAnnotation") == token)

    def _listed(self, run: RunView) -> dict[str, str]:
        """Return the HITs of a run in MTurk's list, by their annotations."""
        return {
            hit["RequesterAnnotation"]: str(hit["HITId"]) for hit in listed_hits(self.mturk, run)
        }

    def _find_group(self, run: int, rows: list[Any]) -> None:
        for row in rows[:1]:
            answer = self.mturk.call("get_hit", HITId=row.hit_id)
            self.types.note_group(run, str(answer["HIT"].get("HITGroupId", "")))

    def _end_review(self, hit: str) -> None:
        try:
            self.mturk.call("update_hit_review_status", HITId=hit, Revert=True)
        except MTurkRefusedError as error:
            if error.meaning not in (Meaning.STATE, Meaning.MISSING):
                raise

    def _expire(self, hit: str, moment: datetime) -> None:
        try:
            self.mturk.call("update_expiration_for_hit", HITId=hit, ExpireAt=moment)
        except MTurkRefusedError as error:
            # MTurk derives a token from HIT and time, and refuses the same call again.
            if not (error.meaning in (Meaning.PROCESSED, Meaning.EXISTS) or _is_gone(error)):
                raise


def _in_words(refused: MTurkRefusedError) -> FamulusError:
    if refused.meaning is not Meaning.FUNDS:
        return refused
    return UnavailableError(
        "the account cannot pay for more HITs; add money to it, and the others are created "
        f"({refused.message})"
    )


def _is_gone(refused: MTurkRefusedError) -> bool:
    return refused.meaning is Meaning.MISSING or (
        refused.meaning is Meaning.STATE and "disposed" in refused.message.casefold()
    )
