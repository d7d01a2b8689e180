"""Subscriptions to events in a workspace, and the secret that signs their requests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, field

from famulus import UnavailableError
from famulus_prolific.account_lock import AccountLock
from famulus_prolific.account_tables import ProlificHook
from famulus_prolific.api import ProlificApi, ProlificRefusedError

if TYPE_CHECKING:
    from famulus import Database, RunView, Transaction

_log = logging.getLogger(__name__)

EVENTS = ("submission.status.change", "study.status.change")
#: The header of the reply to a new subscription, whose value confirms it.
_HANDSHAKE = "X-Hook-Secret"


@define(eq=False, kw_only=True)
class Hooks:
    """The subscriptions of runs, in one workspace.

    A workspace has one secret. A new one would invalidate the requests to all other runs and
    programs, so an existing secret is used and never replaced.
    """

    api: ProlificApi
    database: Database
    #: the workspace's id
    workspace: str
    #: stores the secret where the account's token is
    keep_secret: Callable[[str], None]
    #: runs for which this process does not try again
    _refused: set[int] = field(factory=set, init=False)

    def subscribe(self, run: RunView) -> None:
        """Subscribe to the events of a run, unless that is done already.

        Without subscriptions, which only some workspaces can have, the run is synced all the same.
        """
        target = target_url(run.url)
        if run.id in self._refused or self._confirmed(run.id, target).keys() >= {*EVENTS}:
            return
        with self._lock.acquire():
            try:
                self._make_secret()
                self._subscribe_all(run.id, target)
            except ProlificRefusedError as error:
                self._refused.add(run.id)
                _log.warning(
                    "run %d: Prolific does not report changes by itself, so they are noticed later "
                    "(%s)",
                    run.id,
                    error,
                )

    def unsubscribe(self, run: int) -> None:
        """Remove the subscriptions of a run, including any that were created without a reply."""
        if not self._rows(ProlificHook.run_id == run):
            return
        with self._lock.acquire():
            for each in self._of_run(run):
                self._delete(str(each["id"]))
            removed = ProlificHook.delete().where(ProlificHook.run_id == run)
            self.database.write(lambda tx: tx.execute(removed))

    def left_over(self, run: int) -> Iterator[str]:
        """Yield a sentence for each subscription of a run that is not served."""
        for each in self._of_run(run):
            yield (
                f"Prolific still sends {each.get('event_type')} to {each.get('target_url')}, where "
                f"the run is not served: delete the webhook {each['id']} there, or finish the run"
            )

    def _subscribe_all(self, run: int, target: str) -> None:
        """Subscribe to all events, in place of subscriptions that were not confirmed.

        The secret that confirms a subscription is only in the reply to its creation.
        """
        known = self._confirmed(run, target)
        for each in self._of_run(run):
            if each["id"] not in known.values():
                self._delete(str(each["id"]))
        self.database.write(lambda tx: _begin(tx, run, target))
        for event in EVENTS:
            if event not in known:
                self._subscribe(run, event, target)

    def _subscribe(self, run: int, event: str, target: str) -> None:
        body = {"workspace_id": self.workspace, "event_type": event, "target_url": target}
        reply, headers = self.api.create("hooks/subscriptions/", body)
        # The documentation's example is the subscription, but its description says a list of it.
        made = reply["results"][0] if "results" in reply else reply
        handshake = {"secret": headers.get(_HANDSHAKE, "")}
        self.api.post(f"hooks/subscriptions/{made['id']}/", handshake)
        confirmed = ProlificHook.update(subscription_id=str(made["id"])).where(
            ProlificHook.run_id == run, ProlificHook.event_type == event
        )
        self.database.write(lambda tx: tx.execute(confirmed))

    def _of_run(self, run: int) -> list[Mapping[str, Any]]:
        """Return the subscriptions on Prolific that send to a present or earlier address of a run.

        Subscriptions of another run, which may be served at the same address now, are left out.
        """
        rows = self._rows(ProlificHook.run_id == run)
        if not rows:
            return []
        targets = {row.target_url for row in rows}
        others = {row.subscription_id for row in self._rows(ProlificHook.run_id != run)}
        return [
            each
            for each in self._listed()
            if each.get("target_url") in targets and each["id"] not in others
        ]

    def _listed(self) -> Iterator[Mapping[str, Any]]:
        """Yield all subscriptions of the workspace; by default Prolific lists enabled ones only."""
        seen = set()
        for enabled in ("true", "false"):
            found = self.api.get(
                "hooks/subscriptions/", workspace_id=self.workspace, is_enabled=enabled
            )
            for each in found.get("results") or ():
                if each["id"] not in seen:
                    seen.add(each["id"])
                    yield each

    def _make_secret(self) -> None:
        secret = read_secret(self.api, self.workspace)
        if secret is None:
            self.api.post("hooks/secrets/", {"workspace_id": self.workspace})
            secret = read_secret(self.api, self.workspace)
        if secret is None:
            raise UnavailableError(f"the workspace {self.workspace} shows no secret for webhooks")
        self.keep_secret(secret)

    def _delete(self, subscription: str) -> None:
        try:
            self.api.delete(f"hooks/subscriptions/{subscription}/")
        except ProlificRefusedError as error:
            if not error.is_missing:
                raise

    def _confirmed(self, run: int, target: str) -> dict[str, str]:
        """Return the ids of a run's confirmed subscriptions by the type of event."""
        here = (ProlificHook.run_id == run) & (ProlificHook.target_url == target)
        return {
            row.event_type: row.subscription_id for row in self._rows(here) if row.subscription_id
        }

    def _rows(self, condition: Any) -> list[Any]:
        with self.database.read() as tx:
            return tx.rows(ProlificHook.select().where(condition).order_by(ProlificHook.id))

    @property
    def _lock(self) -> AccountLock:
        subject = f"subscriptions of the workspace {self.workspace}"
        return AccountLock(database=self.database, name=subject, activity=f"changes {subject}")


def target_url(url: str) -> str:
    """Return the address to which Prolific sends the events of a run served at an address."""
    return f"{url.split('?', maxsplit=1)[0].rstrip('/')}/platform/prolific"


def read_secret(api: ProlificApi, workspace: str) -> str | None:
    """Return the secret that a workspace's requests are signed with; None if it has none."""
    found = api.get("hooks/secrets/", workspace_id=workspace)
    for each in found.get("results") or ():
        if each.get("workspace_id") in (None, workspace):
            return str(each["value"])
    return None


def _begin(tx: Transaction, run: int, target: str) -> None:
    """Store that subscriptions may exist, and forget subscriptions that send to other addresses."""
    moved = (ProlificHook.run_id == run) & (ProlificHook.target_url != target)
    tx.execute(ProlificHook.delete().where(moved))
    for event in EVENTS:
        row = ProlificHook.insert(
            run_id=run, event_type=event, subscription_id="", target_url=target
        )
        tx.execute(row.on_conflict_ignore())
