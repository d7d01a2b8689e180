"""Webhooks: types of events, the workspaces' secrets, and subscriptions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from famulus_prolific.fake.errors import bad_request, missing
from famulus_prolific.fake.exchange import NO_CONTENT, ApiReply, Request, created
from famulus_prolific.fake.iso import iso
from famulus_prolific.fake.records import Subscription
from famulus_prolific.fake.state import WEBHOOKS, Secret, State

EVENT_TYPES = {
    "submission.status.change": "The status of a submission changes.",
    "study.status.change": "The status of a study changes.",
    "study.progress.change": "The number of a study's submissions changes.",
    "study.has_high_return_rate": "Many participants return their submissions.",
}


class Webhooks:
    """The operations on webhooks."""

    def __init__(self, state: State) -> None:
        self._state = state

    def event_types(self, request: Request) -> ApiReply:
        """List the types of events."""
        rows = [{"event_type": one, "description": text} for one, text in EVENT_TYPES.items()]
        return ApiReply(body={"results": rows})

    def secrets(self, request: Request) -> ApiReply:
        """List the secret of a workspace; there is one at most."""
        wanted = request.query.get("workspace_id")
        rows = [_secret(one) for one in self._state.secrets.values()]
        return ApiReply(
            body={"results": [one for one in rows if wanted in (None, one["workspace_id"])]}
        )

    def create_secret(self, request: Request) -> ApiReply:
        """Create a workspace's secret, in place of any earlier one."""
        self._state.require(WEBHOOKS)
        workspace_id = self._state.workspace(request.member("workspace_id", str))
        value = f"{self._state.random.getrandbits(256):064x}"
        secret = Secret(id=self._state.new_id(), value=value, workspace_id=workspace_id)
        self._state.secrets[workspace_id] = secret
        return created(_secret(secret))

    def list_all(self, request: Request) -> ApiReply:
        """List the subscriptions of a workspace."""
        wanted = request.query.get("workspace_id")
        rows = [
            _shown(one)
            for one in self._state.subscriptions.values()
            if wanted in (None, one.workspace_id)
        ]
        return ApiReply(body={"results": rows, "meta": {"count": len(rows)}})

    def create(self, request: Request) -> ApiReply:
        """Create a subscription, which is used once it is confirmed."""
        state = self._state
        state.require(WEBHOOKS)
        workspace_id = state.workspace(request.member("workspace_id", str))
        if workspace_id not in state.secrets:
            raise bad_request("Create a secret for this workspace first.")
        subscription = Subscription(
            id=state.new_id(),
            event_type=self._event_type(request.member("event_type", str)),
            target_url=self._target(request.member("target_url", str)),
            workspace_id=workspace_id,
            handshake=f"{state.random.getrandbits(128):032x}",
            is_enabled=request.members.get("is_enabled", True) is not False,
        )
        state.subscriptions[subscription.id] = subscription
        shown = _shown(subscription)
        body = {"results": [shown]} if state.facts.new_subscription_in_list else shown
        return created(body, ("X-Hook-Secret", subscription.handshake))

    def confirm(self, request: Request) -> ApiReply:
        """Confirm a subscription with the secret from a header of the reply to its creation."""
        subscription = self._named(request)
        if request.member("secret", str) != subscription.handshake:
            raise bad_request({"secret": ["This is not the secret of this subscription."]})
        subscription.is_confirmed = True
        return ApiReply(body=_shown(subscription))

    def get(self, request: Request) -> ApiReply:
        """Show a subscription."""
        return ApiReply(body=_shown(self._named(request)))

    def update(self, request: Request) -> ApiReply:
        """Change a subscription; enabling it again resets the count of its failures."""
        subscription, changed = self._named(request), request.members
        if "event_type" in changed:
            subscription.event_type = self._event_type(request.member("event_type", str))
        if "target_url" in changed:
            subscription.target_url = self._target(request.member("target_url", str))
        if "is_enabled" in changed:
            subscription.is_enabled = bool(request.member("is_enabled", bool))
            subscription.failing_since = None
        return ApiReply(body=_shown(subscription))

    def delete(self, request: Request) -> ApiReply:
        """Delete a subscription."""
        del self._state.subscriptions[self._named(request).id]
        return NO_CONTENT

    def events(self, request: Request) -> ApiReply:
        """List what was sent to a subscription, and whether it arrived."""
        subscription, wanted = self._named(request), request.query.get("status")
        rows = [
            {
                "id": one.id,
                "datetime_created": iso(one.at),
                "event_type": subscription.event_type,
                "resource_id": one.payload["resource_id"],
                "status": one.status,
                "target_url": subscription.target_url,
                "payload": dict(one.payload),
            }
            for one in self._state.events
            if one.subscription is subscription and wanted in (None, one.status)
        ]
        return ApiReply(body={"results": rows, "meta": {"count": len(rows)}})

    def _named(self, request: Request) -> Subscription:
        found = self._state.subscriptions.get(request.path["id"])
        if found is None:
            raise missing("Subscription", request.path["id"])
        return found

    def _event_type(self, name: str) -> str:
        if name not in EVENT_TYPES:
            raise bad_request({"event_type": [f"There is no event type '{name}'."]})
        return name

    def _target(self, url: str) -> str:
        allowed = {"https"} if self._state.facts.https_targets_only else {"http", "https"}
        if urlsplit(url).scheme not in allowed or not urlsplit(url).hostname:
            raise bad_request({"target_url": ["It has to be a public https address."]})
        return url


def _secret(secret: Secret) -> dict[str, Any]:
    return {"id": secret.id, "value": secret.value, "workspace_id": secret.workspace_id}


def _shown(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "event_type": subscription.event_type,
        "target_url": subscription.target_url,
        "is_enabled": subscription.is_enabled,
        "workspace_id": subscription.workspace_id,
    }
