"""Subscriptions of runs: made once, confirmed, removed, and with one secret per workspace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from attrs import evolve, frozen

from famulus import RunView, UnavailableError
from famulus_prolific.fake import Fault
from famulus_prolific.hooks import EVENTS, Hooks, read_secret
from prolific_account import ProlificAccount
from prolific_bench import Bench

CREATE, CONFIRM = "create-subscription", "confirm-subscription"


@frozen
class Served:
    """What is read of a run."""

    id: int
    url: str


def run(number: int = 1, url: str = "https://tasks.example/") -> RunView:
    return cast(RunView, Served(number, url))


def hooks_of(account: ProlificAccount, kept: list[str] | None = None) -> Hooks:
    return Hooks(
        api=account.api(),
        database=account.database,
        workspace=account.workspace,
        keep_secret=([] if kept is None else kept).append,
    )


@pytest.fixture
def hooks(account: ProlificAccount) -> Hooks:
    """The subscriptions of an account."""
    return hooks_of(account)


def live(account: ProlificAccount) -> list[tuple[str, str]]:
    """Return the subscriptions that events are sent to."""
    with account.prolific.turn() as state:
        assert all(each.is_confirmed for each in state.subscriptions.values())
        found = [(each.target_url, each.event_type) for each in state.subscriptions.values()]
    return sorted(found)


def both(url: str) -> list[tuple[str, str]]:
    return sorted((f"{url}platform/prolific", event) for event in EVENTS)


@pytest.mark.parametrize("in_list", [True, False])
def test_a_run_subscribes_once_and_ends_its_subscriptions(
    account: ProlificAccount, hooks: Hooks, in_list: bool
) -> None:
    account.prolific.facts.new_subscription_in_list = in_list

    for _ in range(2):
        hooks.subscribe(run())
    hooks_of(account).subscribe(run())

    assert live(account) == both("https://tasks.example/")
    for _ in range(2):
        hooks_of(account).unsubscribe(1)
    assert live(account) == []


@pytest.mark.parametrize("operation", [CREATE, CONFIRM, "create-secret", "get-subscriptions"])
@pytest.mark.parametrize("fault", [Fault.LOSE_REPLY, Fault.FAIL_AFTER, Fault.LOSE_REQUEST])
def test_a_lost_reply_leaves_no_subscription_behind(
    account: ProlificAccount, fault: Fault, operation: str
) -> None:
    account.prolific.faults.plan(fault, operation)
    hooks = hooks_of(account)
    if operation == "get-subscriptions":
        hooks.subscribe(run())
        with pytest.raises(UnavailableError):
            hooks.unsubscribe(1)
        assert live(account) == both("https://tasks.example/")
        return
    with pytest.raises(UnavailableError):
        hooks.subscribe(run())

    hooks_of(account).subscribe(run())

    assert live(account) == both("https://tasks.example/")


@pytest.mark.parametrize("fault", [Fault.LOSE_REPLY, Fault.FAIL_AFTER])
def test_a_subscription_whose_reply_was_lost_is_removed_at_the_end(
    account: ProlificAccount, hooks: Hooks, fault: Fault
) -> None:
    account.prolific.faults.plan(fault, CREATE)
    with pytest.raises(UnavailableError):
        hooks.subscribe(run())

    assert len([*hooks.left_over(1)]) == 1
    hooks_of(account).unsubscribe(1)

    assert live(account) == []
    assert [*hooks.left_over(1)] == []


def test_the_secret_of_the_workspace_is_made_once_and_never_replaced(
    account: ProlificAccount, hooks: Hooks
) -> None:
    kept: list[str] = []
    hooks.subscribe(run())
    secret = read_secret(account.api(), account.workspace)

    hooks_of(account, kept).subscribe(run(2, "https://others.example/"))

    assert len(account.prolific.called("create-secret")) == 1
    assert kept == [secret]


def test_a_run_that_moves_leaves_no_subscription_behind(
    account: ProlificAccount, hooks: Hooks
) -> None:
    hooks.subscribe(run())

    hooks.subscribe(run(1, "https://elsewhere.example/"))

    assert live(account) == both("https://elsewhere.example/")


def test_the_end_of_a_run_leaves_those_of_another_at_the_same_address(
    account: ProlificAccount, hooks: Hooks
) -> None:
    hooks.subscribe(run(1))
    hooks.subscribe(run(2))
    assert len(live(account)) == 4

    hooks.unsubscribe(1)

    assert live(account) == both("https://tasks.example/")
    assert [*hooks.left_over(1)] == []
    assert len([*hooks.left_over(2)]) == 2


@pytest.mark.parametrize("is_missing", [True, False])
def test_a_run_without_webhooks_goes_on_with_one_warning(
    account: ProlificAccount, hooks: Hooks, caplog: pytest.LogCaptureFixture, is_missing: bool
) -> None:
    if is_missing:
        account.prolific.state.features.discard("webhooks")
    account.prolific.facts.https_targets_only = True
    for _ in range(2):
        hooks.subscribe(run(1, "http://127.0.0.1/"))

    assert live(account) == []
    assert caplog.text.count("noticed later") == 1


@pytest.mark.parametrize("is_stopped", [False, True])
def test_subscriptions_that_were_not_made_with_the_places_are_made_by_a_sync_of_a_served_run(
    bench: Bench, is_stopped: bool
) -> None:
    bench.prolific.faults.plan(Fault.LOSE_REPLY, CREATE)
    bench.provider.set_places(bench.run, 1)
    # Without a free unit the run goes on, and its workers may still hand in what they do.
    bench.provider.pause_places(evolve(bench.run, is_served=not is_stopped))

    list(bench.provider.sync(bench.run, [], None))

    with bench.prolific.turn() as state:
        found = [each.is_confirmed for each in state.subscriptions.values()]
    assert found == ([] if is_stopped else [True, True])


def test_a_run_that_is_stopped_while_it_subscribes_leaves_nothing_behind(bench: Bench) -> None:
    bench.prolific.faults.plan(Fault.LOSE_REQUEST, "get-secrets")
    bench.provider.set_places(bench.run, 1)
    with ThreadPoolExecutor() as threads, bench.prolific.faults.holding("get-secrets") as gate:
        syncing = threads.submit(lambda: list(bench.provider.sync(bench.run, [], None)))
        assert gate.reached.wait(60)
        bench.make().pause_places(evolve(bench.run, is_served=False))
        gate.open()
        syncing.result(60)

    with bench.prolific.turn() as state:
        assert not state.subscriptions


@pytest.mark.parametrize(("close", "done"), [("pause_places", "paused"), ("end_places", "stopped")])
def test_an_error_says_that_the_study_is_closed_and_only_subscriptions_are_left(
    bench: Bench, close: str, done: str
) -> None:
    bench.provider.set_places(bench.run, 1)
    bench.prolific.faults.plan(Fault.FAIL, "delete-subscription")
    ended = evolve(bench.run, is_served=False)

    with pytest.raises(UnavailableError, match=f"the study is {done}, and its webhooks are not"):
        getattr(bench.provider, close)(ended)

    getattr(bench.provider, close)(ended)
    assert bench.status in ("PAUSED", "COMPLETED")
