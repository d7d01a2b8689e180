"""Both accounts, served."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType

from attrs import frozen

from famulus_mturk.fake.account import Account
from famulus_mturk.fake.certificate import Certificate
from famulus_mturk.fake.money import Money
from famulus_mturk.fake.records import Call
from famulus_mturk.fake.requester_api import RequesterApi
from famulus_mturk.fake.worker_site import WorkerSite

_SANDBOX_BALANCE = Decimal("10000.00")


@frozen(kw_only=True)
class Ports:
    """The ports to listen on; 0 is any free port."""

    sandbox_api: int = 0
    sandbox_workers: int = 0
    live_api: int = 0
    live_workers: int = 0


def _now() -> datetime:
    return datetime.now(UTC)


class FakeMTurk:
    """MTurk on this machine while the block lasts: a sandbox and a live account.

    A test passes the ``clock`` and moves it. With ``certificate`` the sites for workers are served
    over HTTPS. ``seed`` changes the ids, which are otherwise the same in every test.
    """

    def __init__(
        self,
        clock: Callable[[], datetime] = _now,
        *,
        live_balance: Decimal = Decimal("100.00"),
        certificate: Certificate | None = None,
        ports: Ports | None = None,
        seed: str = "",
    ) -> None:
        #: every request to either account, in the order in which they were answered
        self.calls: list[Call] = []
        where, play_money = ports or Ports(), Money(_SANDBOX_BALANCE, endless=True)
        self.sandbox = Account("sandbox", clock, play_money, log=self.calls, seed=f"sandbox{seed}")
        self.live = Account("live", clock, Money(live_balance), log=self.calls, seed=f"live{seed}")
        self._certificate = certificate
        self._places = (
            (self.sandbox, where.sandbox_api, where.sandbox_workers),
            (self.live, where.live_api, where.live_workers),
        )
        self._stack = ExitStack()

    def __enter__(self) -> FakeMTurk:
        with ExitStack() as stack:
            for account, api_port, workers_port in self._places:
                api = RequesterApi(account, port=api_port)
                stack.enter_context(api.serving())
                site = WorkerSite(account, port=workers_port, certificate=self._certificate)
                stack.enter_context(site.serving())
                # A request that waits at a gate keeps a server from ending.
                stack.callback(account.faults.clear)
                account.endpoint_url, account.worker_url = api.origin, site.origin
                account.submit_to = site.origin
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()
