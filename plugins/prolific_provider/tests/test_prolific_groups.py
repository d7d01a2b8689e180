"""Participant groups: created once, changed in bulk, and used as the filters of studies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from attrs import evolve

from famulus import (
    QUAL_EXISTS,
    QUAL_GREATER,
    QUAL_NOT_EXIST,
    Database,
    GrantView,
    Outcome,
    UnavailableError,
)
from famulus.testing.movable_clock import MovableClock
from famulus_prolific.account_lock import LEASE
from famulus_prolific.api import CALL_SECONDS, ProlificApi
from famulus_prolific.fake import Fault
from famulus_prolific.groups import Groups
from prolific_account import ProlificAccount

CREATE = "create-participant-group"


def groups_of(account: ProlificAccount, database: Database | None = None) -> Groups:
    return Groups(
        api=account.api(),
        database=database or account.database,
        requester=1,
        workspace=account.workspace,
    )


@pytest.fixture
def groups(account: ProlificAccount) -> Groups:
    """The groups of an account."""
    return groups_of(account)


def grants(*workers: str, qualification: str = "careful") -> list[GrantView]:
    return [
        GrantView(key=worker, worker_name=worker, qualification=qualification, value=1)
        for worker in workers
    ]


def members(account: ProlificAccount) -> dict[str, list[str]]:
    with account.prolific.turn() as state:
        return {each.name.partition(" (")[0]: [*each.members] for each in state.groups.values()}


def requirement(name: str, comparator: str) -> dict[str, object]:
    return {"qualification_name": name, "comparator": comparator, "value": None}


def test_grants_of_one_qualification_are_one_call(account: ProlificAccount, groups: Groups) -> None:
    given = grants("a", "b")
    for _ in range(2):
        assert dict(groups.grant(given)) == {"a": Outcome.CONFIRMED, "b": Outcome.CONFIRMED}

    assert members(account) == {"careful": ["a", "b"]}
    assert len(account.prolific.called("add-to-participant-group")) == 2
    assert dict(groups_of(account).revoke(grants("a"))) == {"a": Outcome.CONFIRMED}
    assert members(account) == {"careful": ["b"]}
    assert len(account.prolific.called(CREATE)) == 1


def test_revoking_what_no_worker_holds_creates_nothing(
    account: ProlificAccount, groups: Groups
) -> None:
    assert dict(groups.revoke(grants("a"))) == {"a": Outcome.CONFIRMED}

    assert members(account) == {}


@pytest.mark.parametrize("are_unique", [True, False])
@pytest.mark.parametrize("fault", [Fault.LOSE_REPLY, Fault.FAIL_AFTER, Fault.LOSE_REQUEST])
def test_a_group_whose_creation_got_no_reply_is_found_again(
    account: ProlificAccount, groups: Groups, fault: Fault, are_unique: bool
) -> None:
    account.prolific.facts.group_names_unique = are_unique
    account.prolific.faults.plan(fault, CREATE)
    with pytest.raises(UnavailableError):
        groups.group_id("careful")

    groups.group_id("careful")

    assert len(members(account)) == 1
    with account.prolific.turn() as state:
        assert len(state.groups) == 1


@pytest.fixture
def other(account: ProlificAccount, database_address: str, clock: MovableClock) -> Iterator[Groups]:
    """The groups of another process on the same database."""
    with Database(database_address, clock=clock) as database:
        yield groups_of(account, database)


def test_two_processes_create_one_group(
    account: ProlificAccount, groups: Groups, other: Groups
) -> None:
    with ThreadPoolExecutor() as pool, account.prolific.faults.holding(CREATE) as gate:
        creating = pool.submit(groups.group_id, "careful")
        gate.reached.wait()
        with pytest.raises(UnavailableError):
            other.group_id("careful")
        gate.open()

    assert other.group_id("careful") == creating.result()
    with account.prolific.turn() as state:
        assert len(state.groups) == 1


def test_filters_keep_away_whom_the_run_surely_refuses(
    account: ProlificAccount, groups: Groups
) -> None:
    found = groups.filters(
        [
            requirement("failed", QUAL_NOT_EXIST),
            requirement("careful", QUAL_GREATER),
            requirement("fast", QUAL_EXISTS),
        ]
    )

    blocked, failed = groups.group_id(""), groups.group_id("failed")
    assert found == [
        {"filter_id": "participant_group_blocklist", "selected_values": [blocked, failed]},
        {
            "filter_id": "participant_group_allowlist",
            "selected_values": [groups.group_id("careful")],
        },
    ]


def test_a_block_works_on_a_study_that_is_published(
    account: ProlificAccount, groups: Groups
) -> None:
    person = account.prolific.participant(1)
    filters = groups.filters([])
    with account.prolific.turn():
        account.study.fields["filters"] = filters
    assert account.study in person.studies()

    for _ in range(2):
        groups.block(person.id)
    assert account.study not in person.studies()
    for _ in range(2):
        groups.unblock(person.id)
    assert account.study in person.studies()


@pytest.mark.parametrize("comparator", [QUAL_EXISTS, QUAL_NOT_EXIST])
def test_groups_that_were_deleted_on_prolific_are_made_again(
    account: ProlificAccount,
    groups: Groups,
    comparator: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    required = [requirement("careful", comparator)]
    before = groups.filters(required)
    assert groups.filters(required) == before
    for group in {each for one in before for each in one["selected_values"]}:
        account.api().delete(f"participant-groups/{group}/")

    after = groups_of(account).filters(required)

    assert [len(each["selected_values"]) for each in after] == [
        len(each["selected_values"]) for each in before
    ]
    with account.prolific.turn() as state:
        used = [state.groups[each] for one in after for each in one["selected_values"]]
    assert not any(each.is_deleted for each in used)
    assert ["the qualification 'careful'" in each for each in caplog.messages] == [False, True]


def delete_groups(account: ProlificAccount) -> None:
    """Delete all groups on Prolific's own page."""
    with account.prolific.turn() as state:
        for group in state.groups.values():
            group.is_deleted = True


def test_a_grant_to_a_group_that_was_deleted_on_prolific_makes_it_again(
    account: ProlificAccount, groups: Groups, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = grants("a", "b")
    assert dict(groups.grant([first])) == {first.key: Outcome.CONFIRMED}
    delete_groups(account)

    assert dict(groups.grant([second])) == {second.key: Outcome.CONFIRMED}

    assert members_now(account) == {"careful": ["a", "b"]}
    assert "another one is made for the qualification 'careful'" in caplog.text


def members_now(account: ProlificAccount) -> dict[str, list[str]]:
    """Return the members of the groups that were not deleted."""
    with account.prolific.turn() as state:
        groups = [each for each in state.groups.values() if not each.is_deleted]
    return {each.name.partition(" (")[0]: sorted(each.members) for each in groups}


@pytest.mark.parametrize("fault", [None, Fault.LOSE_REPLY, Fault.FAIL])
def test_a_group_that_is_made_again_has_all_who_hold_its_qualification_and_all_who_are_blocked(
    account: ProlificAccount, groups: Groups, fault: Fault | None
) -> None:
    workers = [f"worker-{number:03}" for number in range(250)]
    for some in (workers[:200], workers[200:]):
        assert set(dict(groups.grant(grants(*some))).values()) == {Outcome.CONFIRMED}
    dict(groups.revoke(grants(workers[0], workers[1])))
    groups.block("b")
    groups.block("c")
    groups.unblock("c")
    delete_groups(account)
    dict(groups.revoke(grants(workers[2])))
    before = len(account.prolific.called("add-to-participant-group"))
    required = [requirement("careful", QUAL_EXISTS)]
    after = groups_of(account)
    if fault is not None:
        account.prolific.faults.plan(fault, "add-to-participant-group")
        with pytest.raises(UnavailableError):
            after.filters(required)

    after.filters(required)

    assert members_now(account) == {"careful": workers[3:], "Blocked": ["b"]}
    calls = len(account.prolific.called("add-to-participant-group")) - before
    assert calls == 3 if fault is None else calls <= 4


def test_a_member_whom_prolific_does_not_know_any_more_keeps_no_other_out(
    account: ProlificAccount, groups: Groups, caplog: pytest.LogCaptureFixture
) -> None:
    dict(groups.grant(grants("a", "b", "c")))
    delete_groups(account)
    with account.prolific.turn() as state:
        state.unknown.add("b")

    groups_of(account).filters([requirement("careful", QUAL_EXISTS)])

    assert members_now(account) == {"Blocked": [], "careful": ["a", "c"]}
    assert "the worker b cannot be added again" in caplog.text


def test_a_grant_that_is_revoked_while_its_group_is_made_again_does_not_come_back(
    account: ProlificAccount, groups: Groups, other: Groups
) -> None:
    dict(groups.grant(grants("a", "b")))
    delete_groups(account)
    with (
        ThreadPoolExecutor() as pool,
        account.prolific.faults.holding("add-to-participant-group") as gate,
    ):
        filling = pool.submit(groups.filters, [requirement("careful", QUAL_EXISTS)])
        gate.reached.wait()
        with pytest.raises(UnavailableError):
            dict(other.revoke(grants("a")))
        gate.open()
        filling.result()

    assert dict(other.revoke(grants("a"))) == {"a": Outcome.CONFIRMED}
    assert members_now(account)["careful"] == ["b"]


class SlowCalls(httpx.HTTPTransport):
    """Makes each call take as long as one may; another process acts during each."""

    def __init__(self, clock: MovableClock, act: Callable[[], None]) -> None:
        super().__init__()
        self._clock = clock
        self._act = act

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._clock.advance(CALL_SECONDS)
        self._act()
        return super().handle_request(request)


def test_a_grant_that_is_revoked_while_its_group_takes_long_to_fill_does_not_come_back(
    account: ProlificAccount, groups: Groups, other: Groups, clock: MovableClock
) -> None:
    workers = [f"worker-{number}" for number in range(10)]
    dict(groups.grant(grants(*workers)))
    delete_groups(account)
    with account.prolific.turn() as state:
        state.unknown.add(workers[0])
    refused = 0

    def revoke() -> None:
        nonlocal refused
        with pytest.raises(UnavailableError, match="another process makes groups"):
            dict(other.revoke(grants(workers[-1])))
        refused += 1

    filling = ProlificApi(
        account.prolific.token,
        base_url=account.prolific.api_url,
        transport=SlowCalls(clock, revoke),
        clock=clock,
    )
    assert dict(other.revoke(grants("another"))) == {"another": Outcome.CONFIRMED}
    evolve(groups, api=filling).group_id("careful")

    assert refused * CALL_SECONDS > LEASE
    assert dict(other.revoke(grants(workers[-1]))) == {workers[-1]: Outcome.CONFIRMED}
    assert members_now(account)["careful"] == workers[1:-1]


def test_nothing_is_left_to_revoke_of_a_group_that_was_deleted_on_prolific(
    account: ProlificAccount, groups: Groups
) -> None:
    (grant,) = grants("a")
    assert dict(groups.grant([grant])) == {grant.key: Outcome.CONFIRMED}
    delete_groups(account)

    assert dict(groups.revoke([grant])) == {grant.key: Outcome.CONFIRMED}


def test_a_block_is_made_although_its_group_was_deleted_on_prolific(
    account: ProlificAccount, groups: Groups
) -> None:
    groups.block("a")
    delete_groups(account)

    groups.unblock("a")
    groups.block("b")

    assert members_now(account) == {"Blocked": ["b"]}
