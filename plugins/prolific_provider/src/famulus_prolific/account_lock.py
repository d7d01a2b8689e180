"""A lock in the database, for work that only one process may do at a time."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, frozen

from famulus import UnavailableError
from famulus_prolific.account_tables import ProlificLock

if TYPE_CHECKING:
    from famulus import Database, Transaction

#: Seconds: longer than any call of the API, so that a process that is alive renews it in time.
LEASE = 300
#: Seconds between attempts to get a lock: most are held for a few calls.
_AGAIN = 5


@define(eq=False, kw_only=True)
class Hold:
    """A held lock; it expires at ``until``, in seconds since 1970."""

    database: Database
    name: str
    holder: str
    until: int

    @property
    def is_over(self) -> bool:
        """Whether the lock has expired, so that another process may hold it."""
        return int(self.database.clock().timestamp()) >= self.until

    def renew(self, tx: Transaction) -> None:
        """Extend the lock, in the same transaction as the change that it protects.

        :raises famulus.UnavailableError: when another process has the lock.
        """
        until = int(tx.now.timestamp()) + LEASE
        extended = ProlificLock.update(until=until).where(
            ProlificLock.name == self.name, ProlificLock.holder == self.holder
        )
        if not tx.execute(extended).rowcount:
            raise UnavailableError(f"another process has taken over: {self.name}")
        self.until = until


@frozen(kw_only=True)
class AccountLock:
    """A named lock that only one thread of all processes that use the database can hold.

    A process that ends without releasing it keeps the others waiting for :data:`LEASE` seconds.
    """

    database: Database
    #: what is locked, such as ``bonuses of the account 5f…``
    name: str
    #: what its holder does, such as ``pays bonuses of the account 5f…``, for those who wait
    activity: str

    @contextmanager
    def acquire(self) -> Iterator[Hold]:
        """Hold the lock.

        :raises famulus.UnavailableError: when another thread holds it; the error says when to try
            again.
        """
        holder = secrets.token_hex(16)
        until = self.database.write(lambda tx: self._take(tx, holder))
        try:
            yield Hold(database=self.database, name=self.name, holder=holder, until=until)
        finally:
            self.database.write(lambda tx: self._release(tx, holder))

    def _take(self, tx: Transaction, holder: str) -> int:
        now = int(tx.now.timestamp())
        tx.execute(ProlificLock.insert(name=self.name, holder="", until=0).on_conflict_ignore())
        taken = ProlificLock.update(holder=holder, until=now + LEASE).where(
            ProlificLock.name == self.name, ProlificLock.until <= now
        )
        if tx.execute(taken).rowcount:
            return now + LEASE
        row = tx.row(ProlificLock.select(ProlificLock.until).where(ProlificLock.name == self.name))
        assert row is not None
        raise UnavailableError(
            f"another process {self.activity} now, and only one can at a time",
            retry_after=max(1, min(_AGAIN, row.until - now)),
        )

    def _release(self, tx: Transaction, holder: str) -> None:
        tx.execute(
            ProlificLock.update(holder="", until=0).where(
                ProlificLock.name == self.name, ProlificLock.holder == holder
            )
        )
