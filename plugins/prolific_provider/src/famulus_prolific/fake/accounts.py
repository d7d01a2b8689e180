"""The account: its owner, workspaces, projects, filters and test participants."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from famulus_prolific.fake.changes import Changes
from famulus_prolific.fake.drafts import read_draft
from famulus_prolific.fake.errors import bad_request, missing
from famulus_prolific.fake.exchange import ApiReply, Request, created
from famulus_prolific.fake.filters import FILTERS, check_filters, lets_in
from famulus_prolific.fake.paging import page
from famulus_prolific.fake.records import StudyStatus
from famulus_prolific.fake.state import TEST_PARTICIPANTS, Profile, State


class Accounts:
    """The operations on the account itself."""

    def __init__(self, state: State, changes: Changes) -> None:
        self._state = state
        self._changes = changes

    def me(self, request: Request) -> ApiReply:
        """Show the owner of the token."""
        money = self._state.money
        return ApiReply(
            body={
                "id": self._state.researcher_id,
                "email": "researcher@example.com",
                "name": "A Researcher",
                "username": "researcher",
                "user_type": "researcher",
                "currency_code": money.currency,
                "balance": int(money.balance),
                "available_balance": int(money.available),
            }
        )

    def workspaces(self, request: Request) -> ApiReply:
        """List the workspaces."""
        if self._state.facts.workspaces_need_limit and "limit" not in request.query:
            raise bad_request({"limit": ["This query parameter is required."]})
        rows = [self._workspace(one) for one in self._state.workspaces]
        limit, offset = (request.query.get(name, "0") for name in ("limit", "offset"))
        if not (limit.isdecimal() and offset.isdecimal()):
            raise bad_request({"limit": ["limit and offset have to be whole numbers."]})
        shown = rows[int(offset) : int(offset) + int(limit) if int(limit) else None]
        return ApiReply(body={"results": shown, "meta": {"count": len(rows)}})

    def workspace(self, request: Request) -> ApiReply:
        """Show a workspace."""
        return ApiReply(body=self._workspace(self._state.workspace(request.path["id"])))

    def balance(self, request: Request) -> ApiReply:
        """Show a workspace's money."""
        self._state.workspace(request.path["id"])
        money = self._state.money
        return ApiReply(
            body={
                "currency_code": money.currency,
                "total_balance": int(money.balance),
                "balance_breakdown": _breakdown(self._state, money.balance),
                "available_balance": int(money.available),
                "available_balance_breakdown": _breakdown(self._state, money.available),
            }
        )

    def projects(self, request: Request) -> ApiReply:
        """List the projects of a workspace."""
        workspace_id = self._state.workspace(request.path["id"])
        rows = [
            self._project(one) for one, of in self._state.projects.items() if of == workspace_id
        ]
        return page(rows, request)

    def create_project(self, request: Request) -> ApiReply:
        """Create a project."""
        workspace_id = self._state.workspace(request.path["id"])
        request.member("title", str)
        project_id = self._state.new_id()
        self._state.projects[project_id] = workspace_id
        return created(self._project(project_id))

    def project(self, request: Request) -> ApiReply:
        """Show a project."""
        if request.path["id"] not in self._state.projects:
            raise missing("Project", request.path["id"])
        return ApiReply(body=self._project(request.path["id"]))

    def filters(self, request: Request) -> ApiReply:
        """List the filters."""
        return ApiReply(body={"results": list(FILTERS), "meta": {"count": len(FILTERS)}})

    def eligible(self, request: Request) -> ApiReply:
        """Count the participants that filters let in."""
        given = request.members.get("filters") or []
        check_filters(self._state, given)
        people = self._state.participants
        return ApiReply(body={"count": sum(lets_in(self._state, given, one) for one in people)})

    def create_test_participant(self, request: Request) -> ApiReply:
        """Create a participant who sees only test studies."""
        self._state.require(TEST_PARTICIPANTS)
        request.member("email", str)
        participant_id = self._state.new_id()
        self._state.participants[participant_id] = Profile(is_test=True)
        return created({"participant_id": participant_id})

    def create_test_study(self, request: Request) -> ApiReply:
        """Publish a copy of a draft that only test participants see and that costs nothing."""
        self._state.require(TEST_PARTICIPANTS)
        draft = self._state.study(request.path["id"])
        if draft.status is not StudyStatus.UNPUBLISHED:
            raise self._state.wrong_state("Only drafts can be tested.")
        unkept = () if self._state.facts.test_studies_keep_names else ("internal_name", "metadata")
        study = read_draft(
            self._state,
            {name: value for name, value in draft.fields.items() if name not in unkept},
        )
        study.is_test, study.published_at = True, self._state.now
        self._state.studies[study.id] = study
        self._changes.study(study, StudyStatus.ACTIVE)
        return created({"study_id": study.id, "study_url": f"/studies/{study.id}"})

    def _workspace(self, workspace_id: str) -> dict[str, Any]:
        projects = [one for one, of in self._state.projects.items() if of == workspace_id]
        return {
            "id": workspace_id,
            "title": self._state.workspaces[workspace_id],
            "description": "",
            "owner": self._state.researcher_id,
            "users": [{"id": self._state.researcher_id, "roles": ["WORKSPACE_ADMIN"]}],
            "projects": [{"id": one, "title": "Project"} for one in projects],
        }

    def _project(self, project_id: str) -> dict[str, Any]:
        return {
            "id": project_id,
            "title": "Project",
            "description": "",
            "owner": self._state.researcher_id,
            "workspace": self._state.projects[project_id],
        }


def _breakdown(state: State, amount: Decimal) -> dict[str, int]:
    """Divide an amount of money into the rewards, fees and VAT that it covers."""
    fee = state.money.fee_percent / 100
    rewards = amount / (1 + fee + fee * state.money.vat_percent / 100)
    fees = rewards * fee
    return {"rewards": int(rewards), "fees": int(fees), "vat": int(amount - rewards - fees)}
