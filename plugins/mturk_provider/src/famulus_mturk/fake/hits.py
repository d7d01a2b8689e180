"""Operations that create, change and end HITs, and create their types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from famulus_mturk.fake.errors import RequestError, bad_value, missing, processed, wrong_status
from famulus_mturk.fake.hit_views import HitViews
from famulus_mturk.fake.limits import check_sizes
from famulus_mturk.fake.money import CENT, MANY
from famulus_mturk.fake.question import read_question
from famulus_mturk.fake.records import Hit, HitType
from famulus_mturk.fake.requirements import check_requirements
from famulus_mturk.fake.state import State

_MONTH = timedelta(days=30)
#: an id that is no HIT's
_REQUEST = "3REQUESTREQUESTREQUESTREQUESTR"
#: what CreateHIT has and CreateHITWithHITType finds in the type
_OF_THE_TYPE = (
    "AutoApprovalDelayInSeconds",
    "AssignmentDurationInSeconds",
    "Reward",
    "Title",
    "Keywords",
    "Description",
    "QualificationRequirements",
)


class Hits:
    """Creates, extends, expires and disposes of HITs."""

    def __init__(self, state: State, views: HitViews) -> None:
        self._state = state
        self._views = views
        #: the id of a type by its values, as text
        self._types_by_values: dict[str, str] = {}

    def create_hit_type(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the id of the type with these values, which is created if necessary."""
        return {"HITTypeId": self._type(parameters).id}

    def create_hit(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Create a HIT and, unless it exists, its type."""
        self._refuse_known_token(parameters)
        of_type = {name: parameters[name] for name in _OF_THE_TYPE if name in parameters}
        return self._create(self._type(of_type), parameters)

    def create_hit_with_hit_type(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Create a HIT of a type that exists."""
        self._refuse_known_token(parameters)
        hit_type = self._state.hit_types.get(parameters["HITTypeId"])
        if hit_type is None:
            raise missing("HITType", parameters["HITTypeId"])
        return self._create(hit_type, parameters)

    def update_expiration_for_hit(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Move the end of a HIT; a past time ends it now, and accepted work can still be submitted.

        For a later end, the service uses the HIT and the time as a token, so that the same request
        is an error the second time.
        """
        state, until = self._state, parameters["ExpireAt"]
        hit = state.hit(parameters["HITId"])
        self._refuse_disposed(hit)
        if until <= state.now >= hit.expires_at:
            return {}
        if until > state.now:
            token = f"{hit.id}{until:%a %b %d %H:%M:%S UTC %Y}"
            self._refuse_processed("expiration", token)
            if state.now >= hit.expires_at:
                self._require_money(hit, state.counts(hit, state.now).free)
            state.remember_token("expiration", token, hit.id)
        self._end_at(hit, max(until, state.now))
        return {}

    def update_hit_review_status(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Move a HIT between Reviewable and Reviewing."""
        hit = self._state.hit(parameters["HITId"])
        revert = parameters.get("Revert", False)
        status = self._state.status(hit, self._state.now)
        needed = "Reviewing" if revert else "Reviewable"
        if status != needed:
            raise wrong_status("InvalidHITState", needed, status)
        hit.reviewing = not revert
        return {}

    def delete_hit(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Dispose of a HIT that has ended, once all its submissions are decided."""
        hit = self._state.hit(parameters["HITId"])
        status = self._state.status(hit, self._state.now)
        undecided = self._state.counts(hit, self._state.now).submitted
        if status not in ("Reviewable", "Reviewing") or undecided:
            raise wrong_status("InvalidHITState", "Reviewing, Reviewable", status)
        hit.disposed = True
        self._state.touch(hit)
        self._state.note("HITDisposed", hit)
        return {}

    def create_additional_assignments(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Add places to a HIT; a HIT that began with fewer than ten cannot get ten."""
        state, more = self._state, parameters["NumberOfAdditionalAssignments"]
        hit = state.hit(parameters["HITId"])
        token = parameters.get("UniqueRequestToken")
        self._refuse_processed("extension", token)
        self._refuse_disposed(hit)
        if more < 1:
            raise bad_value("NumberOfAdditionalAssignments", f"{more} is less than 1")
        after = hit.max_assignments + more
        if hit.max_assignments < MANY <= after:
            raise RequestError(
                "InvalidMaximumAssignmentsIncrease",
                f"The HIT {hit.id} has fewer than {MANY} assignments and cannot be extended to"
                f" {after}.",
            )
        self._require_money(hit, more)
        state.remember_token("extension", token, hit.id)
        hit.max_assignments = after
        state.touch(hit)
        state.note("HITExtended", hit)
        return {}

    def _type(self, values: dict[str, Any]) -> HitType:
        """Return the type with these values; create it if there is none."""
        check_sizes(values)
        reward = Decimal(values["Reward"])
        if reward < CENT:
            raise bad_value("Reward", f"{values['Reward']} is less than {CENT}")
        requirements = values.get("QualificationRequirements", [])
        check_requirements(requirements, self._state)
        full = {"AutoApprovalDelayInSeconds": int(_MONTH.total_seconds()), "Keywords": "", **values}
        full |= {"Reward": f"{reward:.2f}", "QualificationRequirements": requirements}
        as_text = json.dumps(full, sort_keys=True)
        known = self._types_by_values.get(as_text)
        if known in self._state.hit_types:
            return self._state.hit_types[known]
        made = HitType(
            id=self._state.new_id(),
            group_id=self._state.new_id(),
            title=full["Title"],
            description=full["Description"],
            keywords=full["Keywords"],
            reward=reward,
            auto_approval=timedelta(seconds=full["AutoApprovalDelayInSeconds"]),
            duration=timedelta(seconds=full["AssignmentDurationInSeconds"]),
            requirements=requirements,
        )
        self._state.hit_types[made.id] = made
        self._types_by_values[as_text] = made.id
        return made

    def _create(self, hit_type: HitType, parameters: Mapping[str, Any]) -> dict[str, Any]:
        state = self._state
        check_sizes(parameters)
        if "Question" not in parameters:
            raise bad_value("Question", "this fake has no HIT layouts, so it is required")
        question = read_question(parameters["Question"])
        places = parameters.get("MaxAssignments", 1)
        hit = Hit(
            number=state.next_number(),
            id=state.new_id(),
            type=hit_type,
            created_at=state.now,
            expires_at=state.now,
            max_assignments=places,
            question=parameters["Question"],
            url=question.url,
            frame_height=question.frame_height,
            annotation=parameters.get("RequesterAnnotation"),
        )
        self._require_money(hit, places)
        state.hits[hit.id] = hit
        state.remember_token("hit", parameters.get("UniqueRequestToken"), hit.id)
        state.note("HITCreated", hit)
        self._end_at(hit, state.now + timedelta(seconds=parameters["LifetimeInSeconds"]))
        return {"HIT": self._views.show(hit)}

    def _end_at(self, hit: Hit, moment: datetime) -> None:
        hit.expires_at = moment
        self._state.touch(hit)
        self._state.timeline.at(moment, lambda: self._expire(hit, moment))

    def _expire(self, hit: Hit, moment: datetime) -> None:
        if hit.expires_at == moment and not hit.disposed:
            self._state.touch(hit)
            self._state.note("HITExpired", hit)

    def _require_money(self, hit: Hit, places: int) -> None:
        """Refuse if the balance does not cover that many more places."""
        self._state.money.require(places * (hit.type.reward + self._state.place_fee(hit)))

    def _refuse_known_token(self, parameters: Mapping[str, Any]) -> None:
        known = self._state.known_token("hit", parameters.get("UniqueRequestToken"))
        if known is not None:
            named = {
                "hit": f"HIT with ID {known}",
                "request": f"HIT of the request {_REQUEST}",
                "nothing": "HIT",
            }[self._state.facts.duplicate_names]
            raise RequestError(
                "HITAlreadyExists",
                f"The {named} has already been created with this UniqueRequestToken.",
            )

    def _refuse_processed(self, purpose: str, token: str | None) -> None:
        if self._state.known_token(purpose, token) is not None:
            raise processed(token)

    def _refuse_disposed(self, hit: Hit) -> None:
        if hit.disposed:
            raise wrong_status(
                "InvalidHITState", "Assignable, Unassignable, Reviewable, Reviewing", "Disposed"
            )
