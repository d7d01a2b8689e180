"""Participant groups."""

from __future__ import annotations

from typing import Any

from famulus_prolific.fake.errors import bad_request, missing
from famulus_prolific.fake.exchange import NO_CONTENT, ApiReply, Request, created
from famulus_prolific.fake.iso import iso
from famulus_prolific.fake.paging import page
from famulus_prolific.fake.records import ParticipantGroup
from famulus_prolific.fake.state import State


class Groups:
    """The operations on participant groups."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, request: Request) -> ApiReply:
        """Create a group, perhaps with members."""
        state, name = self._state, request.member("name", str)
        workspace_id = state.workspace(request.member("workspace_id", str))
        if state.facts.group_names_unique and name in {one.name for one in self._existing()}:
            raise bad_request({"name": ["A participant group with this name already exists."]})
        group = ParticipantGroup(
            id=state.new_id(),
            name=name,
            workspace_id=workspace_id,
            description=str(request.members.get("description", "")),
        )
        if "participant_ids" in request.members:
            group.members = dict.fromkeys(request.texts("participant_ids"), state.now)
        state.groups[group.id] = group
        return created(_shown(group))

    def list_all(self, request: Request) -> ApiReply:
        """List the groups of a workspace."""
        wanted = request.query.get("workspace_id") or request.query.get("filter[workspace_id]")
        rows = [_shown(one) for one in self._existing() if wanted in (None, one.workspace_id)]
        return page(rows, request)

    def get(self, request: Request) -> ApiReply:
        """Show a group."""
        return ApiReply(body=_shown(self._named(request)))

    def update(self, request: Request) -> ApiReply:
        """Change a group's name or description."""
        group = self._named(request)
        group.name = str(request.members.get("name", group.name))
        group.description = str(request.members.get("description", group.description))
        return ApiReply(body=_shown(group))

    def delete(self, request: Request) -> ApiReply:
        """Delete a group."""
        self._named(request).is_deleted = True
        return NO_CONTENT

    def members(self, request: Request) -> ApiReply:
        """List the members of a group."""
        return _members(self._named(request))

    def add(self, request: Request) -> ApiReply:
        """Add members; those already in the group are left as they are."""
        group = self._named(request)
        given = request.texts("participant_ids")
        if not self._state.unknown.isdisjoint(given):
            raise bad_request({"participant_ids": ["A participant does not exist."]})
        for participant_id in given:
            group.members.setdefault(participant_id, self._state.now)
        return _members(group)

    def remove(self, request: Request) -> ApiReply:
        """Remove members; those that are not in the group are ignored."""
        group = self._named(request)
        for participant_id in request.texts("participant_ids"):
            group.members.pop(participant_id, None)
        return _members(group)

    def _existing(self) -> list[ParticipantGroup]:
        return [one for one in self._state.groups.values() if not one.is_deleted]

    def _named(self, request: Request) -> ParticipantGroup:
        group = self._state.groups.get(request.path["id"])
        if group is None or group.is_deleted:
            raise missing("Participant group", request.path["id"])
        return group


def _shown(group: ParticipantGroup) -> dict[str, Any]:
    return {
        "id": group.id,
        "name": group.name,
        "workspace_id": group.workspace_id,
        "organisation_id": None,
        "description": group.description,
        "participant_count": len(group.members),
        "is_deleted": group.is_deleted,
        "feeder_studies": [],
    }


def _members(group: ParticipantGroup) -> ApiReply:
    rows = [
        {"participant_id": one, "datetime_created": iso(since)}
        for one, since in group.members.items()
    ]
    return ApiReply(body={"results": rows, "meta": {"count": len(rows)}})
