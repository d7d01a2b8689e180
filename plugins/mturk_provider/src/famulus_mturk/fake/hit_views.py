"""Operations that show HITs, one or in lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from famulus_mturk.fake.errors import missing
from famulus_mturk.fake.paging import page
from famulus_mturk.fake.records import Hit
from famulus_mturk.fake.state import State


class HitViews:
    """HITs as replies show them; lists are newest first and leave out disposed HITs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get_hit(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Show one HIT; a deleted HIT is shown as disposed."""
        return {"HIT": self.show(self._state.hit(parameters["HITId"]))}

    def list_hits(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """List all HITs."""
        return self._list(self._state.hits.values(), parameters)

    def list_reviewable_hits(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """List the HITs in review or ready for it."""
        status = parameters.get("Status", "Reviewable")
        wanted = parameters.get("HITTypeId")
        found = (
            hit
            for hit in self._state.hits.values()
            if wanted in (None, hit.type.id) and self._state.status(hit, self._seen_at()) == status
        )
        return self._list(found, parameters)

    def list_hits_for_qualification_type(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """List the HITs that require a qualification."""
        wanted = parameters["QualificationTypeId"]
        if wanted not in self._state.qualification_types:
            raise missing("QualificationType", wanted)
        found = (hit for hit in self._state.hits.values() if hit.type.requires(wanted))
        return self._list(found, parameters)

    def show(self, hit: Hit) -> dict[str, Any]:
        """Return the members of one HIT."""
        at = self._seen_at()
        counts, kind = self._state.counts(hit, at), hit.type
        return {
            "HITId": hit.id,
            "HITTypeId": kind.id,
            "HITGroupId": kind.group_id,
            "CreationTime": hit.created_at,
            "Title": kind.title,
            "Description": kind.description,
            "Question": hit.question,
            "Keywords": kind.keywords or None,
            "HITStatus": self._state.status(hit, at),
            "MaxAssignments": hit.max_assignments,
            "Reward": f"{kind.reward:.2f}",
            "AutoApprovalDelayInSeconds": int(kind.auto_approval.total_seconds()),
            "Expiration": hit.expires_at,
            "AssignmentDurationInSeconds": int(kind.duration.total_seconds()),
            "RequesterAnnotation": hit.annotation,
            "QualificationRequirements": kind.requirements,
            "HITReviewStatus": "NotReviewed",
            "NumberOfAssignmentsPending": counts.at_work + counts.looking,
            "NumberOfAssignmentsAvailable": counts.free - counts.looking,
            "NumberOfAssignmentsCompleted": counts.decided,
        }

    def _seen_at(self) -> datetime:
        return self._state.now - self._state.faults.counts_stale

    def _list(self, hits: Iterable[Hit], parameters: Mapping[str, Any]) -> dict[str, Any]:
        state = self._state
        shown, token = page(
            (hit for hit in hits if not hit.disposed and not state.late(hit.created_at)),
            parameters,
            lambda hit: -hit.number,
        )
        return {
            "HITs": [self.show(hit) for hit in shown],
            "NumResults": len(shown),
            "NextToken": token,
        }
