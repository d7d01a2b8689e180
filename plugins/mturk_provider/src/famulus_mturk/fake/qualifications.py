"""Operations on qualification types and the workers who have them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from famulus_mturk.fake.errors import RequestError, bad_value, missing, wrong_status
from famulus_mturk.fake.limits import check_sizes
from famulus_mturk.fake.money import MASTERS
from famulus_mturk.fake.paging import page
from famulus_mturk.fake.records import GrantRecord, Owner, QualificationType
from famulus_mturk.fake.requirements import LOCALE, usable_type
from famulus_mturk.fake.state import State

#: how long a deleted type's name stays taken; also while a HIT uses the type
NAME_KEPT = timedelta(hours=48)
#: how old a type must be for a search to find it
INDEXED_AFTER = timedelta(seconds=60)

PERCENT_APPROVED = "000000000000000000L0"
HITS_APPROVED = "00000000000000000040"
_SYSTEM = {
    LOCALE: "Location",
    PERCENT_APPROVED: "HIT Approval Rate (%) for all Requesters' HITs",
    HITS_APPROVED: "Number of HITs Approved",
    "00000000000000000060": "Adult Content Qualification",
    **dict.fromkeys(MASTERS, "Masters"),
}
#: members of a type that the fake only keeps
_KEPT = (
    "Test",
    "AnswerKey",
    "TestDurationInSeconds",
    "RetryDelayInSeconds",
    "AutoGranted",
    "AutoGrantedValue",
)


class Qualifications:
    """Creates types, finds them, grants and revokes."""

    def __init__(self, state: State) -> None:
        self._state = state
        for type_id, name in _SYSTEM.items():
            self._add(type_id, name, f"{name}, kept by the system", Owner.SYSTEM)

    def add_foreign(self, name: str, description: str = "Another requester's") -> str:
        """Have another requester create a type; return its id."""
        return self._add(self._state.new_id(), name, description, Owner.OTHER).id

    def create_qualification_type(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Create a type, unless the account has, or had lately, one of that name."""
        check_sizes(parameters)
        if self._takes(parameters["Name"]):
            raise RequestError(
                "QualificationTypeAlreadyExists",
                "You have already created a QualificationType with this name. A"
                " QualificationType's name must be unique among all of the QualificationTypes"
                " created by the same user.",
            )
        _check_test(parameters)
        made = self._add(
            self._state.new_id(), parameters["Name"], parameters["Description"], Owner.SELF
        )
        made.active = parameters["QualificationTypeStatus"] == "Active"
        made.keywords = parameters.get("Keywords")
        made.more = {name: parameters[name] for name in _KEPT if name in parameters}
        return {"QualificationType": _show(made)}

    def get_qualification_type(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Show a type of any owner."""
        return {"QualificationType": _show(self._usable(parameters))}

    def update_qualification_type(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Change a type, except for its name."""
        check_sizes(parameters)
        found = self._own(parameters)
        _check_test(parameters)
        found.description = parameters.get("Description", found.description)
        if "QualificationTypeStatus" in parameters:
            found.active = parameters["QualificationTypeStatus"] == "Active"
        found.more |= {name: parameters[name] for name in _KEPT if name in parameters}
        return {"QualificationType": _show(found)}

    def delete_qualification_type(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Delete a type and the HIT types that use it; workers keep what they were granted."""
        found = self._own(parameters)
        found.deleted_at = self._state.now
        kept = {
            kind.id: kind for kind in self._state.hit_types.values() if not kind.requires(found.id)
        }
        self._state.hit_types.clear()
        self._state.hit_types.update(kept)
        return {}

    def list_qualification_types(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """List the indexed types with any word of the query in name, description or keywords."""
        words = parameters.get("Query", "").casefold().split()
        shown, token = page(
            (
                found
                for found in self._state.qualification_types.values()
                if self._is_listed(found, parameters) and _matches(found, words)
            ),
            parameters,
            lambda found: found.number,
        )
        return {
            "QualificationTypes": [_show(found) for found in shown],
            "NumResults": len(shown),
            "NextToken": token,
        }

    def associate(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Grant a qualification, or change its value; the worker gets mail unless disabled."""
        state, worker_id = self._state, parameters["WorkerId"]
        found = self._own(parameters)
        if worker_id in state.unknown_workers:
            raise missing("Worker", worker_id)
        found.grants[worker_id] = GrantRecord(
            number=state.next_number(),
            worker_id=worker_id,
            value=parameters.get("IntegerValue", 1),
            granted_at=state.now,
        )
        if parameters.get("SendNotification", True):
            state.send_mail(worker_id, "A qualification was assigned to you", found.name)
        return {}

    def disassociate(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Revoke a qualification."""
        grant = self._grant(parameters)
        grant.revoked = True
        self._state.send_mail(
            grant.worker_id, "A qualification was revoked", parameters.get("Reason", "")
        )
        return {}

    def get_qualification_score(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Show the value that a worker has."""
        grant = self._grant(parameters)
        return {"Qualification": _show_grant(parameters["QualificationTypeId"], grant)}

    def list_workers(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """List the workers who have a qualification, or had it until it was revoked."""
        found = self._own(parameters)
        revoked = parameters.get("Status", "Granted") == "Revoked"
        grants = [grant for grant in found.grants.values() if grant.revoked == revoked]
        shown, token = page(grants, parameters, lambda grant: grant.number)
        return {
            "Qualifications": [_show_grant(found.id, grant) for grant in shown],
            "NumResults": len(shown),
            "NextToken": token,
        }

    def held_by(self, worker_id: str) -> dict[str, int]:
        """Return a worker's values by type."""
        return {
            found.id: grant.value
            for found in self._state.qualification_types.values()
            if (grant := found.grants.get(worker_id)) is not None and not grant.revoked
        }

    def _add(self, type_id: str, name: str, description: str, owner: Owner) -> QualificationType:
        made = QualificationType(
            number=self._state.next_number(),
            id=type_id,
            name=name,
            description=description,
            created_at=self._state.now,
            owner=owner,
        )
        self._state.qualification_types[type_id] = made
        return made

    def _usable(self, parameters: dict[str, Any]) -> QualificationType:
        return usable_type(parameters["QualificationTypeId"], self._state)

    def _own(self, parameters: dict[str, Any]) -> QualificationType:
        found = self._usable(parameters)
        if found.owner is not Owner.SELF:
            raise RequestError(
                "PermissionDenied", f"You do not own the QualificationType {found.id}."
            )
        return found

    def _grant(self, parameters: dict[str, Any]) -> GrantRecord:
        grant = self._own(parameters).grants.get(parameters["WorkerId"])
        if grant is None:
            raise RequestError(
                "QualificationDoesNotExist", "You requested a Qualification that does not exist."
            )
        if grant.revoked:
            raise wrong_status("InvalidQualificationState", "Granted")
        return grant

    def _takes(self, name: str) -> bool:
        """Return whether a type of the account has this name, or was deleted a short time ago."""
        return any(
            found.name == name and found.owner is Owner.SELF and self._keeps_name(found)
            for found in self._state.qualification_types.values()
        )

    def _keeps_name(self, found: QualificationType) -> bool:
        if found.deleted_at is None or self._state.now - found.deleted_at < NAME_KEPT:
            return True
        hits = self._state.hits.values()
        return any(hit.type.requires(found.id) for hit in hits if not hit.disposed)

    def _is_listed(self, found: QualificationType, parameters: dict[str, Any]) -> bool:
        age = self._state.now - found.created_at
        if found.deleted_at is not None or self._state.late(found.created_at):
            return False
        if parameters.get("MustBeOwnedByCaller") and found.owner is not Owner.SELF:
            return False
        if parameters["MustBeRequestable"] and not _is_requestable(found):
            return False
        return found.owner is Owner.SYSTEM or age >= INDEXED_AFTER


def _check_test(parameters: dict[str, Any]) -> None:
    if "Test" in parameters and "TestDurationInSeconds" not in parameters:
        raise bad_value("TestDurationInSeconds", "it is required with Test")
    if "Test" in parameters and parameters.get("AutoGranted"):
        raise bad_value("AutoGranted", "it cannot be true with Test")


def _is_requestable(found: QualificationType) -> bool:
    return found.owner is not Owner.SYSTEM and found.active


def _matches(found: QualificationType, words: list[str]) -> bool:
    text = f"{found.name} {found.description} {found.keywords or ''}".casefold()
    return not words or any(word in text for word in words)


def _show(found: QualificationType) -> dict[str, Any]:
    return {
        "QualificationTypeId": found.id,
        "CreationTime": found.created_at,
        "Name": found.name,
        "Description": found.description,
        "Keywords": found.keywords,
        "QualificationTypeStatus": "Active" if found.active else "Inactive",
        "IsRequestable": _is_requestable(found),
        "AutoGranted": False,
        **found.more,
    }


def _show_grant(type_id: str, grant: GrantRecord) -> dict[str, Any]:
    return {
        "QualificationTypeId": type_id,
        "WorkerId": grant.worker_id,
        "GrantTime": grant.granted_at,
        "IntegerValue": grant.value,
        "Status": "Revoked" if grant.revoked else "Granted",
    }
