"""Qualification types: created once in a requester's account, and found by the stored id."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from famulus import UnavailableError
from famulus_mturk.calls import Mturk, MTurkRefusedError
from famulus_mturk.meanings import Meaning
from famulus_mturk.tables import MturkQualification

if TYPE_CHECKING:
    from famulus import Database, RunView, Transaction

_log = logging.getLogger(__name__)

#: A worker who does not meet a requirement does not see the HIT.
_GUARDED = "DiscoverPreviewAndAccept"
_WITHOUT_VALUE = frozenset({"Exists", "DoesNotExist"})


@frozen(kw_only=True)
class Qualifications:
    """The qualifications of one requester on MTurk."""

    mturk: Mturk
    database: Database
    requester: int
    #: additional requirements in MTurk's own format
    specific: Sequence[Mapping[str, Any]]

    def requirements(self, run: RunView) -> list[dict[str, Any]]:
        """Return a run's requirements in MTurk's format; missing types are created."""
        own = [self._requirement(asked) for asked in run.requirements]
        return [*own, *map(dict, self.specific)]

    def grant(self, worker: str, name: str, value: int) -> None:
        """Grant a worker a qualification, without a mail to them."""
        self.mturk.call(
            "associate_qualification_with_worker",
            QualificationTypeId=self.type_id(name),
            WorkerId=worker,
            IntegerValue=value,
            SendNotification=False,
        )

    def revoke(self, worker: str, name: str) -> None:
        """Revoke a qualification of a worker, if they have it."""
        known = self._known(name)
        if known is None:
            return
        try:
            self.mturk.call(
                "disassociate_qualification_from_worker",
                QualificationTypeId=known,
                WorkerId=worker,
            )
        except MTurkRefusedError as error:
            if error.meaning not in (Meaning.MISSING, Meaning.STATE):
                raise

    def type_id(self, name: str) -> str:
        """Return the id of a qualification's type, which is created if necessary.

        :raises famulus.UnavailableError: while the account has a type of that name that MTurk does
            not list.
        """
        known = self._known(name)
        if known is not None:
            return known
        try:
            answer = self.mturk.call(
                "create_qualification_type",
                Name=name,
                Description=f"Given by the requester ({name}).",
                QualificationTypeStatus="Active",
            )
            found = str(answer["QualificationType"]["QualificationTypeId"])
        except MTurkRefusedError as error:
            if error.meaning not in (Meaning.EXISTS, Meaning.PROCESSED):
                raise
            # Names are unique in an account. The type is from an attempt whose reply was lost or
            # from another database of the requester, or was deleted less than 48 hours ago.
            found = self._owned(name, error)
        self.database.write(lambda tx: _note(tx, self.requester, name, found))
        return self._known(name) or found

    def _requirement(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        comparator, value = asked["comparator"], asked["value"]
        requirement = {
            "QualificationTypeId": self.type_id(asked["qualification_name"]),
            "Comparator": comparator,
            "ActionsGuarded": _GUARDED,
        }
        if comparator not in _WITHOUT_VALUE:
            values = value if isinstance(value, (list, tuple)) else [value]
            requirement["IntegerValues"] = [int(each) for each in values]
        return requirement

    def _owned(self, name: str, refused: MTurkRefusedError) -> str:
        types = self.mturk.pages(
            "list_qualification_types",
            "QualificationTypes",
            Query=name,
            MustBeRequestable=False,
            MustBeOwnedByCaller=True,
        )
        # The search is fuzzy, and finds a new type only after a while.
        for each in types:
            # How MTurk stores white space inside of a name is not documented.
            if each["Name"].split() == name.split() and each["QualificationTypeStatus"] == "Active":
                _log.info("the account has a qualification type %r already; it is used", name)
                return str(each["QualificationTypeId"])
        raise UnavailableError(
            f"MTurk has a qualification type {name!r} that it does not list: it is new, inactive, "
            "or was deleted less than 48 hours ago"
        ) from refused

    def _known(self, name: str) -> str | None:
        with self.database.read() as tx:
            row = tx.row(
                MturkQualification.select(MturkQualification.type_id).where(
                    MturkQualification.requester_id == self.requester,
                    MturkQualification.name == name,
                )
            )
        return None if row is None else str(row.type_id)


def _note(tx: Transaction, requester: int, name: str, type_id: str) -> None:
    tx.execute(
        MturkQualification.insert(
            requester_id=requester, name=name, type_id=type_id
        ).on_conflict_ignore()
    )
