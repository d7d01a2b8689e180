"""Participant groups: of workers with a qualification, and of blocked workers.

A group stores no values. So a run's filters only exclude workers whom the run would certainly
refuse; the values are compared when a worker arrives. A group that was deleted on Prolific is
created again with its members.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from famulus import QUAL_NOT_EXIST, GrantView, Outcome, Result
from famulus_prolific.account_lock import AccountLock, Hold
from famulus_prolific.account_tables import ProlificGroup
from famulus_prolific.api import ProlificApi, ProlificRefusedError
from famulus_prolific.filters import GROUP_ALLOW, GROUP_BLOCK
from famulus_prolific.group_members import MemberRecords, batches

if TYPE_CHECKING:
    from famulus import Database, Transaction

_log = logging.getLogger(__name__)

#: The name under which the group of blocked workers is stored; no qualification has it.
_BLOCKED = ""
#: Hexadecimal digits of the database's identity in the name of a group.
_MARK = 8


@frozen(kw_only=True)
class Groups:
    """The groups of one requester in their workspace. Each group belongs to one database."""

    api: ProlificApi
    database: Database
    requester: int
    #: the workspace's id
    workspace: str

    @property
    def _members(self) -> MemberRecords:
        return MemberRecords(database=self.database)

    def filters(self, requirements: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the filters of a study for a run's requirements; missing groups are created.

        Groups that were deleted on Prolific are created again, since it refuses studies that name
        them. Of the groups that a worker has to be in, only the first is named: it is not
        documented whether a filter with several groups requires all of them.
        """
        absent = [each for each in requirements if each["comparator"] == QUAL_NOT_EXIST]
        needed = [each for each in requirements if each["comparator"] != QUAL_NOT_EXIST]
        names = dict.fromkeys([_BLOCKED, *(each["qualification_name"] for each in absent)])
        for name in [*names, *(each["qualification_name"] for each in needed[:1])]:
            self._forget_deleted(name)
        found = [{"filter_id": GROUP_BLOCK, "selected_values": [*map(self.group_id, names)]}]
        if needed:
            group = self.group_id(needed[0]["qualification_name"])
            found.append({"filter_id": GROUP_ALLOW, "selected_values": [group]})
        return found

    def grant(self, grants: Sequence[GrantView]) -> Iterator[tuple[str, Result]]:
        """Add workers to the groups of their qualifications."""
        for name, theirs in _by_qualification(grants).items():
            yield from self._change(self._add, name, theirs)

    def revoke(self, grants: Sequence[GrantView]) -> Iterator[tuple[str, Result]]:
        """Remove workers from the groups of qualifications, as far as these exist."""
        for name, theirs in _by_qualification(grants).items():
            yield from self._change(self._remove, name, theirs)

    def block(self, worker: str) -> None:
        """Keep a worker from all studies of the requester, including published ones."""
        self._add(_BLOCKED, [worker])

    def unblock(self, worker: str) -> None:
        """Remove the block of a worker."""
        self._remove(_BLOCKED, [worker])

    def group_id(self, name: str) -> str:
        """Return the id of a qualification's group, which is created if necessary.

        :raises famulus.UnavailableError: while another process creates one.
        """
        known = self._known(name)
        if known is not None:
            return known
        with self._lock.acquire() as hold:
            known = self._known(name)
            if known is not None:
                return known
            found = self._listed(name) or self._create(name)
            # Before its id is stored, so that it is not used while members are missing.
            self._fill(name, found, hold)
            self.database.write(lambda tx: _note(tx, self.requester, name, found, hold))
        return self._known(name) or found

    @property
    def _lock(self) -> AccountLock:
        """The lock under which groups are made."""
        subject = f"groups of the workspace {self.workspace}"
        return AccountLock(database=self.database, name=subject, activity=f"makes {subject}")

    def _fill(self, name: str, group: str, hold: Hold) -> None:
        """Add the stored members to a group that is made again."""
        for some in batches(self._members.read(self.requester, name)):
            try:
                self._refill(group, some, hold)
            except ProlificRefusedError:
                # A single id that belongs to no participant any more.
                for each in some:
                    self._refill_if_possible(name, group, each, hold)

    def _refill_if_possible(self, name: str, group: str, worker: str, hold: Hold) -> None:
        try:
            self._refill(group, [worker], hold)
        except ProlificRefusedError as error:
            _log.warning(
                "the worker %s cannot be added again to the participant group of %s: %s",
                worker,
                repr(name) if name else "blocked workers",
                error,
            )

    def _refill(self, group: str, workers: Sequence[str], hold: Hold) -> None:
        # All calls together may take longer than the lock lasts.
        self.database.write(hold.renew)
        self.api.post(_members_of(group), {"participant_ids": [*workers]})

    def _forget_deleted(self, name: str) -> None:
        """Forget the group of a qualification if Prolific does not have it any more."""
        known = self._known(name)
        if known is None:
            return
        if not is_deleted(self.api, known):
            return
        _log.warning(
            "the participant group %s was deleted on Prolific; another one is made for %s when it "
            "is needed next, with its members (%d): a published study still selects by the "
            "deleted one",
            known,
            f"the qualification {name!r}" if name else "blocked workers",
            len(self._members.read(self.requester, name)),
        )
        gone = ProlificGroup.delete().where(
            ProlificGroup.requester_id == self.requester,
            ProlificGroup.name == name,
            ProlificGroup.group_id == known,
        )
        self.database.write(lambda tx: tx.execute(gone))

    def _add(self, name: str, workers: Sequence[str]) -> None:
        """Add members to a group; if it was deleted on Prolific, create it again."""
        group, given = self.group_id(name), {"participant_ids": [*workers]}
        try:
            self.api.post(_members_of(group), given)
        except ProlificRefusedError as error:
            if not (error.is_missing and self._is_gone(name, group)):
                raise
            self.api.post(_members_of(self.group_id(name)), given)
        self._members.add(self.requester, name, workers)

    def _remove(self, name: str, workers: Sequence[str]) -> None:
        """Remove members from a group, if the group exists."""
        self._members.remove(self.requester, name, workers)
        group = self._known(name)
        if group is None:
            # A process that is making it may have read the stored members before.
            with self._lock.acquire():
                group = self._known(name)
        if group is None:
            return
        try:
            self.api.delete(_members_of(group), {"participant_ids": [*workers]})
        except ProlificRefusedError as error:
            if not (error.is_missing and self._is_gone(name, group)):
                raise
            self._remove(name, workers)  # Another process may have created it again.

    def _is_gone(self, name: str, group: str) -> bool:
        """Return whether a group was deleted on Prolific; it is forgotten then."""
        self._forget_deleted(name)
        return self._known(name) != group

    def _change(
        self,
        change: Callable[[str, Sequence[str]], None],
        name: str,
        grants: Sequence[GrantView],
    ) -> Iterator[tuple[str, Result]]:
        """Change the members of a group by one call, or by one for each if that is refused.

        A single id that belongs to no participant makes Prolific refuse the whole call.
        """
        ids = [*dict.fromkeys(each.worker_name for each in grants)]
        result: Result = Outcome.CONFIRMED
        try:
            change(name, ids)
        except ProlificRefusedError as error:
            if len(grants) > 1:
                for each in grants:
                    yield from self._change(change, name, [each])
                return
            result = error
        for each in grants:
            yield each.key, result

    def _listed(self, name: str) -> str | None:
        """Return the group that was created by a call whose reply was lost."""
        title = self._title(name)
        for each in self.api.pages("participant-groups/", workspace_id=self.workspace):
            if each.get("name") == title and not each.get("is_deleted"):
                return str(each["id"])
        return None

    def _create(self, name: str) -> str:
        subject = f"hold {name!r}" if name else "are blocked"
        created = self.api.post(
            "participant-groups/",
            {
                "name": self._title(name),
                "workspace_id": self.workspace,
                "description": f"Workers who {subject} in Famulus, which keeps the list.",
            },
        )
        return str(created["id"])

    def _title(self, name: str) -> str:
        """Return the name of a group on Prolific, which no other database uses."""
        return f"{name or 'Blocked'} (Famulus {self.database.identity[:_MARK]}-{self.requester})"

    def _known(self, name: str) -> str | None:
        query = ProlificGroup.select(ProlificGroup.group_id).where(
            ProlificGroup.requester_id == self.requester, ProlificGroup.name == name
        )
        with self.database.read() as tx:
            row = tx.row(query)
        return None if row is None else str(row.group_id)


def is_deleted(api: ProlificApi, group: str) -> bool:
    """Return whether a group was deleted on Prolific or does not exist there."""
    try:
        return bool(api.get(f"participant-groups/{group}/").get("is_deleted"))
    except ProlificRefusedError as error:
        if not error.is_missing:
            raise
        return True


def _note(tx: Transaction, requester: int, name: str, group: str, hold: Hold) -> None:
    hold.renew(tx)
    insert = ProlificGroup.insert(requester_id=requester, name=name, group_id=group)
    tx.execute(insert.on_conflict_ignore())


def _by_qualification(grants: Sequence[GrantView]) -> Mapping[str, list[GrantView]]:
    found: dict[str, list[GrantView]] = defaultdict(list)
    for each in grants:
        found[each.qualification].append(each)
    return found


def _members_of(group: str) -> str:
    return f"participant-groups/{group}/participants/"
