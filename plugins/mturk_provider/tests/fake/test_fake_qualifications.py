"""Qualification types, who holds them, and what they keep from whom."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from famulus.testing.movable_clock import MovableClock
from famulus_mturk.fake import Account, WorkerRefusedError
from turk_errors import turk_code

Launch = Callable[..., dict[str, Any]]

HOUR = 3600
LOCALE = "00000000000000000071"
PERCENT_APPROVED = "000000000000000000L0"


def create(client: Any, name: str = "blue eyes") -> str:
    made = client.create_qualification_type(
        Name=name, Description="Knows colours", QualificationTypeStatus="Active"
    )
    type_id: str = made["QualificationType"]["QualificationTypeId"]
    return type_id


def grant(client: Any, type_id: str, worker_id: str = "A1", value: int = 1) -> None:
    client.associate_qualification_with_worker(
        QualificationTypeId=type_id,
        WorkerId=worker_id,
        IntegerValue=value,
        SendNotification=False,
    )


def requirement(type_id: str, comparator: str = "Exists", **more: Any) -> list[dict[str, Any]]:
    return [{"QualificationTypeId": type_id, "Comparator": comparator, **more}]


def test_a_name_is_taken_once(client: Any) -> None:
    create(client)

    with pytest.raises(client.exceptions.RequestError) as caught:
        create(client)

    assert turk_code(caught) == "QualificationTypeAlreadyExists"


def test_a_deleted_name_is_free_after_48_hours(client: Any, clock: MovableClock) -> None:
    made = create(client)
    client.delete_qualification_type(QualificationTypeId=made)
    clock.advance(48 * HOUR - 1)
    with pytest.raises(client.exceptions.RequestError):
        create(client)
    clock.advance(1)

    assert create(client) != made


def test_a_deleted_name_waits_for_the_hits_that_use_it(
    client: Any, launch: Launch, clock: MovableClock
) -> None:
    made = create(client)
    hit = launch(QualificationRequirements=requirement(made))
    client.delete_qualification_type(QualificationTypeId=made)
    clock.advance(48 * HOUR)
    with pytest.raises(client.exceptions.RequestError):
        create(client)

    client.delete_hit(HITId=hit["HITId"])

    assert create(client) != made


def test_a_deleted_type_is_of_no_more_use(client: Any, launch: Launch, question: str) -> None:
    made = create(client)
    hit = launch(QualificationRequirements=requirement(made))
    client.delete_qualification_type(QualificationTypeId=made)

    for use, expected in (
        (
            lambda: client.get_qualification_type(QualificationTypeId=made),
            "InvalidQualificationTypeState",
        ),
        (lambda: grant(client, made), "InvalidQualificationTypeState"),
        (
            lambda: launch(QualificationRequirements=requirement(made)),
            "InvalidQualificationTypeState",
        ),
        (
            lambda: client.create_hit_with_hit_type(
                HITTypeId=hit["HITTypeId"], LifetimeInSeconds=60, Question=question
            ),
            "HITTypeDoesNotExist",
        ),
    ):
        with pytest.raises(client.exceptions.RequestError) as caught:
            use()
        assert turk_code(caught) == expected


def test_a_search_is_fuzzy_and_late(sandbox: Account, client: Any, clock: MovableClock) -> None:
    made, other = create(client, "blue eyes"), create(client, "blue hair")
    foreign = sandbox.qualifications.add_foreign("blue eyes")

    def search(**more: Any) -> list[str]:
        found = client.list_qualification_types(Query="Blue eyes", MustBeRequestable=True, **more)
        return [one["QualificationTypeId"] for one in found["QualificationTypes"]]

    at_once = search()
    clock.advance(60)

    assert at_once == []
    assert search(MustBeOwnedByCaller=True) == [made, other]
    assert search() == [made, other, foreign]


def test_types_of_the_system_are_listed_unless_requestable_ones_are_asked_for(
    client: Any,
) -> None:
    found = client.list_qualification_types(MustBeRequestable=False)["QualificationTypes"]

    assert LOCALE in [one["QualificationTypeId"] for one in found]
    asked = client.list_qualification_types(MustBeRequestable=True)
    assert asked["QualificationTypes"] == []


def test_a_type_of_another_account_cannot_be_granted(sandbox: Account, client: Any) -> None:
    foreign = sandbox.qualifications.add_foreign("theirs")

    with pytest.raises(client.exceptions.RequestError) as caught:
        grant(client, foreign)

    assert turk_code(caught) == "PermissionDenied"


def test_a_type_is_changed_but_for_its_name(client: Any) -> None:
    made = create(client)

    changed = client.update_qualification_type(
        QualificationTypeId=made, Description="new", QualificationTypeStatus="Inactive"
    )["QualificationType"]

    assert (changed["Name"], changed["Description"]) == ("blue eyes", "new")
    assert changed["QualificationTypeStatus"] == "Inactive"


@pytest.mark.parametrize("notify", [None, True, False])
def test_a_grant_sends_mail_unless_disabled(
    sandbox: Account, client: Any, notify: bool | None
) -> None:
    silent = {} if notify is None else {"SendNotification": notify}

    client.associate_qualification_with_worker(
        QualificationTypeId=create(client), WorkerId="ANEVERSEEN", **silent
    )

    assert bool(sandbox.state.mail) is (notify is not False)


def test_values_are_changed_shown_and_revoked(client: Any) -> None:
    made = create(client)
    asked = {"QualificationTypeId": made, "WorkerId": "A1"}
    with pytest.raises(client.exceptions.RequestError) as never_granted:
        client.get_qualification_score(**asked)
    grant(client, made, value=3)
    grant(client, made, value=4)
    held = client.get_qualification_score(**asked)["Qualification"]

    client.disassociate_qualification_from_worker(**asked)

    with pytest.raises(client.exceptions.RequestError) as revoked:
        client.get_qualification_score(**asked)
    assert (held["IntegerValue"], held["Status"]) == (4, "Granted")
    assert turk_code(never_granted) == "QualificationDoesNotExist"
    assert turk_code(revoked) == "InvalidQualificationState"


def test_holders_are_listed_by_status(client: Any) -> None:
    made = create(client)
    for worker_id in ("A1", "A2"):
        grant(client, made, worker_id)
    client.disassociate_qualification_from_worker(QualificationTypeId=made, WorkerId="A1")

    def listed(**more: str) -> list[str]:
        found = client.list_workers_with_qualification_type(QualificationTypeId=made, **more)
        return [one["WorkerId"] for one in found["Qualifications"]]

    assert (listed(), listed(Status="Revoked")) == (["A2"], ["A1"])


def test_a_worker_mturk_does_not_know_is_an_error(sandbox: Account, client: Any) -> None:
    sandbox.state.unknown_workers.add("AGONE")

    with pytest.raises(client.exceptions.RequestError) as caught:
        grant(client, create(client), "AGONE")

    assert turk_code(caught) == "WorkerDoesNotExist"


@pytest.mark.parametrize(
    ("comparator", "values", "meets"),
    [
        ("Exists", [], [4, 5, 6]),
        ("DoesNotExist", [], [None]),
        ("LessThan", [5], [4]),
        ("LessThanOrEqualTo", [5], [4, 5]),
        ("GreaterThan", [5], [6]),
        ("GreaterThanOrEqualTo", [5], [5, 6]),
        ("EqualTo", [5], [5]),
        ("NotEqualTo", [5], [4, 6]),
        ("In", [4, 5], [4, 5]),
        ("NotIn", [4, 5], [6]),
    ],
)
def test_comparators(
    sandbox: Account,
    client: Any,
    launch: Launch,
    comparator: str,
    values: list[int],
    meets: list[int | None],
) -> None:
    made = create(client)
    with_values = {"IntegerValues": values} if values else {}
    launch(
        QualificationRequirements=requirement(
            made, comparator, ActionsGuarded="DiscoverPreviewAndAccept", **with_values
        )
    )
    for worker_id, value in (("A4", 4), ("A5", 5), ("A6", 6)):
        grant(client, made, worker_id, value)

    admitted = {value for value in (None, 4, 5, 6) if sandbox.worker(f"A{value or 0}").groups()}

    assert admitted == set(meets)


def test_locales_are_compared_by_country_and_subdivision(sandbox: Account, launch: Launch) -> None:
    places = [{"Country": "US", "Subdivision": "WA"}, {"Country": "CA"}]
    launch(
        QualificationRequirements=requirement(
            LOCALE, "In", LocaleValues=places, ActionsGuarded="DiscoverPreviewAndAccept"
        )
    )

    admitted = [
        locale
        for locale in (("US", "WA"), ("US", "NY"), ("US",), ("CA", "ON"), ("FR",))
        if sandbox.worker("A1", locale=locale).groups()
    ]

    assert admitted == [("US", "WA"), ("CA", "ON")]


def test_the_systems_own_values_are_compared(sandbox: Account, launch: Launch) -> None:
    launch(
        QualificationRequirements=requirement(
            PERCENT_APPROVED,
            "GreaterThan",
            IntegerValues=[95],
            ActionsGuarded="DiscoverPreviewAndAccept",
        )
    )

    sandbox.worker("A1", values={PERCENT_APPROVED: 99})

    assert sandbox.worker("A1").groups()
    assert not sandbox.worker("A2", values={PERCENT_APPROVED: 90}).groups()


@pytest.mark.parametrize(
    ("guarded", "sees", "previews"),
    [
        ("Accept", True, True),
        ("PreviewAndAccept", True, False),
        ("DiscoverPreviewAndAccept", False, False),
    ],
)
def test_actions_that_a_requirement_guards(
    sandbox: Account, client: Any, launch: Launch, guarded: str, sees: bool, previews: bool
) -> None:
    made = create(client)
    hit = launch(QualificationRequirements=requirement(made, ActionsGuarded=guarded))
    worker = sandbox.worker("A1")

    found = bool(worker.groups())
    with nullcontext() if previews else pytest.raises(WorkerRefusedError):
        worker.preview(hit["HITGroupId"])

    assert found is sees
    with pytest.raises(WorkerRefusedError, match=made):
        worker.accept(hit["HITGroupId"])
    grant(client, made)
    assert worker.accept(hit["HITGroupId"]).hit_id == hit["HITId"]


@pytest.mark.parametrize(
    "requirements",
    [
        requirement(PERCENT_APPROVED) * 11,
        requirement(PERCENT_APPROVED, "Exists", IntegerValues=[1]),
        requirement(PERCENT_APPROVED, "EqualTo"),
        requirement(PERCENT_APPROVED, "EqualTo", IntegerValues=[1, 2]),
        requirement(PERCENT_APPROVED, "In", IntegerValues=list(range(16))),
        requirement(PERCENT_APPROVED, "EqualTo", LocaleValues=[{"Country": "US"}]),
        requirement(LOCALE, "LessThan", LocaleValues=[{"Country": "US"}]),
        requirement(LOCALE, "EqualTo", IntegerValues=[1]),
        requirement("3NONE"),
    ],
)
def test_requirements_that_cannot_be_are_refused(
    client: Any, launch: Launch, requirements: list[dict[str, Any]]
) -> None:
    with pytest.raises(client.exceptions.RequestError) as caught:
        launch(QualificationRequirements=requirements)

    assert turk_code(caught) in ("ParameterValidationError", "QualificationTypeDoesNotExist")
