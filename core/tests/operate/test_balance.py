"""What the account of a requester can spend, for a command that shows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest

from famulus.contracts.context import RequesterView
from famulus.engine.requesters import register_requester
from famulus.errors import PluginError, UnavailableError
from famulus.model.database import Database
from famulus.operate.balance import Balance, read_balance
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import kit_plugins


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider("paying")))


@pytest.fixture
def requester(database: Database, plugins: Plugins) -> RequesterView:
    return register_requester(database, "paying", "lab", plugins=plugins)


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """Set at the end of the test, so that a call that waits for it returns."""
    released = threading.Event()
    yield released
    released.set()


@pytest.mark.parametrize("amount", [Decimal("12.50"), None])
def test_the_balance_has_the_currency_of_the_account(
    database: Database,
    plugins: Plugins,
    requester: RequesterView,
    platform: FakePlatform,
    amount: Decimal | None,
) -> None:
    platform.balance = amount

    found = read_balance(database, plugins, requester)

    assert found == (amount and Balance(amount=amount, currency="USD"))


def test_a_platform_that_hangs_is_not_waited_for(
    database: Database,
    plugins: Plugins,
    requester: RequesterView,
    hanging: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plugins.provider("paying"), "balance", lambda _: hanging.wait())

    with pytest.raises(UnavailableError, match=r"paying has not answered within 0\.01 seconds"):
        read_balance(database, plugins, requester, patience=0.01)


@pytest.mark.parametrize("error", [RuntimeError("broken"), SystemExit(3)])
def test_a_provider_that_fails_is_named(
    database: Database,
    plugins: Plugins,
    requester: RequesterView,
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: object) -> Decimal:
        raise error

    monkeypatch.setattr(plugins.provider("paying"), "balance", fail)

    with pytest.raises(PluginError, match="'paying' failed to state the balance"):
        read_balance(database, plugins, requester)
