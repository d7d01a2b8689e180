"""The actions of workers: preview, accept, return and submit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from urllib.parse import urlencode, urlsplit, urlunsplit

from attrs import frozen

from famulus_mturk.fake.assignments import Assignments
from famulus_mturk.fake.qualifications import Qualifications
from famulus_mturk.fake.question import write_answers
from famulus_mturk.fake.records import VISIBLE, Accept, Hit, HitType, Stage
from famulus_mturk.fake.requirements import Action, unmet
from famulus_mturk.fake.state import State

NO_ASSIGNMENT = "ASSIGNMENT_ID_NOT_AVAILABLE"
#: how long a worker who looks at a HIT is counted, unless they accept or leave
_LOOKING = timedelta(minutes=5)


class WorkerRefusedError(Exception):
    """The site refuses an action of a worker; the message is the reason."""


@frozen(kw_only=True)
class Group:
    """HITs of one type, as listed for workers."""

    id: str
    type: HitType
    places: int


@frozen(kw_only=True)
class HitPage:
    """A HIT in a worker's frame; a preview if ``assignment_id`` is ``NO_ASSIGNMENT``."""

    hit_id: str
    group_id: str
    assignment_id: str
    #: the requester's address with MTurk's parameters; None for MTurk's own pages
    url: str | None
    frame_height: int


@frozen
class Profile:
    """MTurk's own data on a worker: the system qualifications and the location."""

    values: dict[str, int]
    #: country, and perhaps subdivision
    locale: tuple[str, ...]


class Marketplace:
    """The workers' side of one account. The caller holds the lock."""

    def __init__(
        self, state: State, qualifications: Qualifications, assignments: Assignments
    ) -> None:
        self._state = state
        self._qualifications = qualifications
        self._assignments = assignments
        self._profiles: dict[str, Profile] = {}
        #: the origin that forms are to be posted to
        self.submit_to = ""

    def change_profile(
        self, worker_id: str, values: Mapping[str, int] | None, locale: tuple[str, ...] | None
    ) -> None:
        """Set MTurk's own data on a worker; None leaves a value as it is."""
        known = self._profile(worker_id)
        self._profiles[worker_id] = Profile(
            known.values if values is None else dict(values),
            known.locale if locale is None else locale,
        )

    def groups(self, worker_id: str) -> list[Group]:
        """Return the groups that a worker finds, newest first."""
        places: dict[str, int] = {}
        types: dict[str, HitType] = {}
        for hit in reversed(self._state.hits.values()):
            if self._is_open(hit) and not self._unmet(hit, worker_id, Action.DISCOVER):
                types[hit.type.group_id] = hit.type
                free = self._state.counts(hit, self._state.now).free
                places[hit.type.group_id] = places.get(hit.type.group_id, 0) + free
        return [Group(id=key, type=kind, places=places[key]) for key, kind in types.items()]

    def preview(self, group_id: str, worker_id: str | None) -> HitPage:
        """Preview a HIT of a group; no name is needed."""
        who = worker_id or ""
        hit = self._first(group_id, who)
        self._refuse_unmet(hit, who, Action.PREVIEW)
        hit.previews[who] = self._state.now + _LOOKING
        return self._shown(hit, NO_ASSIGNMENT, None)

    def stop_looking(self, hit_id: str, worker_id: str) -> None:
        """End a preview."""
        self._state.hit(hit_id).previews.pop(worker_id, None)

    def accept(self, group_id: str, worker_id: str) -> HitPage:
        """Accept the oldest open place of a group."""
        return self.accept_hit(self._first(group_id, worker_id).id, worker_id)

    def accept_hit(self, hit_id: str, worker_id: str) -> HitPage:
        """Accept a place of one HIT."""
        state, hit = self._state, self._state.hits[hit_id]
        if worker_id in state.unknown_workers:
            raise WorkerRefusedError("This account does not exist.")
        if worker_id in state.blocks:
            raise WorkerRefusedError("You cannot work on this HIT: its requester has blocked you.")
        if not self._is_open(hit):
            raise WorkerRefusedError("There are no more of these HITs available.")
        if self._has_tried(hit, worker_id):
            raise WorkerRefusedError("You have already worked on this HIT.")
        self._refuse_unmet(hit, worker_id, Action.ACCEPT)
        return self._accept(hit, worker_id)

    def shown(self, assignment_id: str, worker_id: str) -> HitPage:
        """Show an accepted assignment again."""
        accept = self._at_work(assignment_id, worker_id)
        return self._shown(accept.hit, assignment_id, worker_id)

    def at_work(self, worker_id: str) -> list[HitPage]:
        """Return a worker's assignments that are not finished."""
        return [
            self._shown(accept.hit, accept.assignment_id, worker_id)
            for accept in self._state.accepts_of(worker_id)
            if accept.stage is Stage.ACCEPTED
        ]

    def give_back(self, assignment_id: str, worker_id: str) -> None:
        """Return a HIT."""
        self._leave(self._at_work(assignment_id, worker_id), Stage.RETURNED)

    def submit(
        self, assignment_id: str, fields: Iterable[tuple[str, str]], worker_id: str | None = None
    ) -> None:
        """Submit a posted form, for the named worker or else the one who holds the assignment."""
        state = self._state
        answers = [(name, value) for name, value in fields if name != "assignmentId"]
        accept = self._at_work(assignment_id, worker_id)
        if not answers:
            raise WorkerRefusedError("There was a problem submitting your results: there are none.")
        accept.stage, accept.submitted_at = Stage.SUBMITTED, state.now
        accept.answer = write_answers(answers)
        due = state.now + accept.hit.type.auto_approval
        accept.auto_approval_at = due
        state.timeline.at(due, lambda: self._approve_unreviewed(accept))
        state.touch(accept.hit)
        state.note("AssignmentSubmitted", accept.hit, accept)

    def _first(self, group_id: str, worker_id: str) -> Hit:
        for hit in self._state.hits.values():
            mine = hit.type.group_id == group_id and not self._has_tried(hit, worker_id)
            if mine and self._is_open(hit):
                return hit
        raise WorkerRefusedError("There are no more of these HITs available.")

    def _is_open(self, hit: Hit) -> bool:
        return self._state.status(hit, self._state.now) == "Assignable"

    def _has_tried(self, hit: Hit, worker_id: str) -> bool:
        """Return whether a worker is at work on a HIT or has submitted it."""
        return any(
            accept.worker_id == worker_id and accept.stage in (Stage.ACCEPTED, *VISIBLE)
            for accept in hit.accepts
        )

    def _accept(self, hit: Hit, worker_id: str) -> HitPage:
        state = self._state
        reused = state.reuse_assignment_ids and hit.spare_ids
        assignment_id = hit.spare_ids.pop() if reused else state.new_id()
        accept = Accept(
            assignment_id=assignment_id,
            hit=hit,
            worker_id=worker_id,
            accepted_at=state.now,
            deadline=state.now + hit.type.duration,
        )
        hit.previews.pop(worker_id, None)
        hit.accepts.append(accept)
        state.assignments[assignment_id] = hit
        state.timeline.at(accept.deadline, lambda: self._abandon(accept))
        state.touch(hit)
        state.note("AssignmentAccepted", hit, accept)
        return self._shown(hit, assignment_id, worker_id)

    def _at_work(self, assignment_id: str, worker_id: str | None) -> Accept:
        hit = self._state.assignments.get(assignment_id)
        accept = hit.current(assignment_id) if hit is not None else None
        if accept is None or worker_id not in (None, accept.worker_id):
            raise WorkerRefusedError("You have not accepted this HIT.")
        if accept.stage in VISIBLE:
            raise WorkerRefusedError("You have already submitted this HIT.")
        if accept.stage is not Stage.ACCEPTED:
            raise WorkerRefusedError("This HIT was returned, or its time ran out.")
        return accept

    def _leave(self, accept: Accept, stage: Stage) -> None:
        accept.stage, accept.left_at = stage, self._state.now
        accept.hit.spare_ids.append(accept.assignment_id)
        self._state.touch(accept.hit)
        self._state.note(f"Assignment{stage}", accept.hit, accept)

    def _abandon(self, accept: Accept) -> None:
        if accept.stage is Stage.ACCEPTED:
            self._leave(accept, Stage.ABANDONED)

    def _approve_unreviewed(self, accept: Accept) -> None:
        if accept.stage is Stage.SUBMITTED:
            accept.auto_approved = True
            self._assignments.approve(accept)

    def _unmet(self, hit: Hit, worker_id: str, action: Action) -> list[str]:
        profile = self._profile(worker_id)
        held = profile.values | self._qualifications.held_by(worker_id)
        return unmet(hit.type.requirements, action, held, profile.locale)

    def _profile(self, worker_id: str) -> Profile:
        return self._profiles.get(worker_id, Profile({}, ("US",)))

    def _refuse_unmet(self, hit: Hit, worker_id: str, action: Action) -> None:
        lacking = self._unmet(hit, worker_id, action)
        if lacking:
            raise WorkerRefusedError(f"You do not meet the requirements: {', '.join(lacking)}.")

    def _shown(self, hit: Hit, assignment_id: str, worker_id: str | None) -> HitPage:
        return HitPage(
            hit_id=hit.id,
            group_id=hit.type.group_id,
            assignment_id=assignment_id,
            url=hit.url and self._with_parameters(hit, hit.url, assignment_id, worker_id),
            frame_height=hit.frame_height,
        )

    def _with_parameters(
        self, hit: Hit, url: str, assignment_id: str, worker_id: str | None
    ) -> str:
        added = {"assignmentId": assignment_id, "hitId": hit.id, "turkSubmitTo": self.submit_to}
        if worker_id is not None:
            added["workerId"] = worker_id
        parts = urlsplit(url)
        query = "&".join(filter(None, [parts.query, urlencode(added)]))
        return urlunsplit(parts._replace(query=query))
