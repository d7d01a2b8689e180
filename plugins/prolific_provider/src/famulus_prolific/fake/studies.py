"""Studies: drafts, what may be changed, and transitions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from famulus_prolific.fake.changes import Changes
from famulus_prolific.fake.codes import raise_slots
from famulus_prolific.fake.drafts import read_draft, refuse_low_reward
from famulus_prolific.fake.errors import bad_request
from famulus_prolific.fake.exchange import NO_CONTENT, ApiReply, Request, created
from famulus_prolific.fake.paging import page
from famulus_prolific.fake.records import Study, StudyStatus
from famulus_prolific.fake.state import State
from famulus_prolific.fake.study_views import study_detail, study_row

#: what may be changed once a study is published
_CHANGEABLE = frozenset(
    {
        "internal_name",
        "total_available_places",
        "access_details",
        "annotators_per_task",
        "submissions_config",
        "completion_codes",
    }
)
_NEXT = {
    "PUBLISH": (frozenset({StudyStatus.UNPUBLISHED}), StudyStatus.ACTIVE),
    "SCHEDULE_PUBLISH": (frozenset({StudyStatus.UNPUBLISHED}), StudyStatus.SCHEDULED),
    "CANCEL_PUBLISH": (frozenset({StudyStatus.SCHEDULED}), StudyStatus.UNPUBLISHED),
    "PAUSE": (frozenset({StudyStatus.ACTIVE}), StudyStatus.PAUSED),
    "START": (frozenset({StudyStatus.PAUSED}), StudyStatus.ACTIVE),
    "STOP": (
        frozenset({StudyStatus.ACTIVE, StudyStatus.PAUSED, StudyStatus.AWAITING_REVIEW}),
        StudyStatus.COMPLETED,
    ),
}


class Studies:
    """The operations on studies."""

    def __init__(self, state: State, changes: Changes) -> None:
        self._state = state
        self._changes = changes

    def create(self, request: Request) -> ApiReply:
        """Create a draft."""
        draft = read_draft(self._state, request.members)
        if self._state.facts.low_reward_refused_at == "create":
            refuse_low_reward(self._state, draft)
        self._state.studies[draft.id] = draft
        return created(study_detail(self._state, draft))

    def list_all(self, request: Request) -> ApiReply:
        """List the studies, newest first."""
        return self._listed(request, list(self._state.studies.values()))

    def list_of_project(self, request: Request) -> ApiReply:
        """List the studies of a project, newest first."""
        mine = [one for one in self._state.studies.values() if one.project == request.path["id"]]
        return self._listed(request, mine)

    def get(self, request: Request) -> ApiReply:
        """Show a study."""
        return ApiReply(body=study_detail(self._state, self._named(request)))

    def update(self, request: Request) -> ApiReply:
        """Change a draft, or the few fields of a published study that may be changed."""
        study, changed = self._named(request), request.members
        if study.status is StudyStatus.UNPUBLISHED:
            draft = read_draft(self._state, {**study.fields, **changed})
            study.fields, study.codes = draft.fields, draft.codes
            study.places, study.reward = draft.places, draft.reward
            return ApiReply(body=study_detail(self._state, study))
        fixed = sorted(set(changed) - _CHANGEABLE)
        if fixed:
            raise bad_request({name: ["Cannot be changed once published."] for name in fixed})
        places = changed.get("total_available_places", study.places)
        if not isinstance(places, int) or places < study.places:
            detail = f"{places!r} is below the {study.places} places that there are."
            raise bad_request({"total_available_places": [detail]})
        if "completion_codes" in changed:
            raise_slots(study.codes, changed["completion_codes"])
        self._raise_places(study, places)
        study.fields.update(
            {name: value for name, value in changed.items() if name != "completion_codes"}
        )
        return ApiReply(body=study_detail(self._state, study))

    def delete(self, request: Request) -> ApiReply:
        """Delete a draft."""
        study = self._named(request)
        if study.status is not StudyStatus.UNPUBLISHED:
            raise self._state.wrong_state("Only drafts can be deleted.")
        del self._state.studies[study.id]
        return NO_CONTENT

    def transition(self, request: Request) -> ApiReply:
        """Change the status of a study."""
        study, action = self._named(request), request.member("action", str)
        if action not in _NEXT:
            raise bad_request({"action": [f"'{action}' is not a valid choice."]})
        allowed, status = _NEXT[action]
        if study.status in allowed:
            self._carry_out(study, action, status, request)
        elif study.status is not status or self._state.facts.repeats_refused:
            raise self._state.wrong_state(
                f"The action {action} is not possible while the study is {study.status}."
            )
        return ApiReply(body=study_detail(self._state, study))

    def _carry_out(self, study: Study, action: str, status: StudyStatus, request: Request) -> None:
        if action == "SCHEDULE_PUBLISH":
            self._schedule(study, request.member("publish_at", str))
        elif action == "PUBLISH":
            self._publish(study)
        else:
            study.stopped = action == "STOP"
            self._changes.study(study, status)
            self._changes.settle(study)

    def _publish(self, study: Study) -> None:
        state = self._state
        if state.facts.low_reward_refused_at == "publish":
            refuse_low_reward(state, study)
        self._refuse_unaffordable(study, study.places)
        study.published_at = state.now
        takes = state.facts.publishing_takes
        if takes:
            self._changes.study(study, StudyStatus.PUBLISHING)
            state.timeline.at(state.now + takes, lambda: self._activate(study))
        else:
            self._changes.study(study, StudyStatus.ACTIVE)

    def _activate(self, study: Study) -> None:
        if study.status is StudyStatus.PUBLISHING:
            self._changes.study(study, StudyStatus.ACTIVE)

    def _schedule(self, study: Study, text: str) -> None:
        try:
            due = datetime.fromisoformat(text)
        except ValueError:
            raise bad_request({"publish_at": [f"'{text}' is not a time."]}) from None
        if due.tzinfo is None or due <= self._state.now:
            raise bad_request({"publish_at": ["It has to be in the future, with its offset."]})
        self._changes.study(study, StudyStatus.SCHEDULED)
        study.fields["publish_at"] = text
        self._state.timeline.at(due, lambda: self._publish_scheduled(study, text))

    def _publish_scheduled(self, study: Study, text: str) -> None:
        if study.status is StudyStatus.SCHEDULED and study.fields.get("publish_at") == text:
            self._publish(study)

    def _raise_places(self, study: Study, places: int) -> None:
        if places > study.places and study.status is not StudyStatus.SCHEDULED:
            self._refuse_unaffordable(study, places - study.places)
        grown, study.places = places > study.places, places
        if grown and study.status is StudyStatus.COMPLETED:
            study.stopped = False
            self._changes.study(study, StudyStatus.ACTIVE)
        self._changes.settle(study)

    def _refuse_unaffordable(self, study: Study, places: int) -> None:
        money = self._state.money
        needed = money.cost(study.reward, places).total
        if study.published_at is None:
            needed += self._changes.slots_cost(study)
        if not study.is_test and needed > money.available:
            detail = "You do not have enough funds in your workspace to publish this study."
            raise bad_request(detail)

    def _named(self, request: Request) -> Study:
        return self._state.study(request.path["id"])

    def _listed(self, request: Request, studies: list[Study]) -> ApiReply:
        state, wanted = self._state, request.query.get("state", "")
        rows: list[dict[str, Any]] = [
            study_row(state, one)
            for one in reversed(studies)
            if not state.late(one.created_at) and wanted in ("", "(ALL)", str(one.status))
        ]
        return page(rows, request)
