"""Messages to participants, and from participants to the researcher."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from famulus_prolific.fake.errors import bad_request, missing
from famulus_prolific.fake.exchange import NO_CONTENT, ApiReply, Request
from famulus_prolific.fake.iso import iso
from famulus_prolific.fake.records import Message
from famulus_prolific.fake.state import State


class Messages:
    """The operations on messages."""

    def __init__(self, state: State) -> None:
        self._state = state

    def send(self, request: Request) -> ApiReply:
        """Send a message to one participant."""
        self._send(request, [request.member("recipient_id", str)])
        return NO_CONTENT

    def send_many(self, request: Request) -> ApiReply:
        """Send a message to several participants."""
        self._send(request, request.texts("ids"))
        return NO_CONTENT

    def send_group(self, request: Request) -> ApiReply:
        """Send a message to the members of a group."""
        group_id = request.member("participant_group_id", str)
        group = self._state.groups.get(group_id)
        if group is None or group.is_deleted:
            raise missing("Participant group", group_id)
        self._send(request, list(group.members))
        return NO_CONTENT

    def list_all(self, request: Request) -> ApiReply:
        """List the messages with one participant, or all since a time within the last 30 days."""
        since, user_id = request.query.get("created_after"), request.query.get("user_id")
        if since is None and user_id is None:
            raise bad_request("One of user_id and created_after is required.")
        rows = [
            self._shown(one)
            for one in self._state.messages
            if (user_id is None or user_id in (one.sender_id, one.recipient_id))
            and (since is None or one.at > _time(since))
        ]
        return ApiReply(body={"results": rows, "meta": {"count": len(rows)}})

    def receive(self, participant_id: str, body: str, study_id: str | None) -> None:
        """Store a message of a participant. The caller holds the lock."""
        self._store(participant_id, self._state.researcher_id, body, study_id)

    def _send(self, request: Request, recipients: list[str]) -> None:
        study_id, body = request.members.get("study_id"), request.member("body", str)
        if study_id is not None:
            self._state.study(str(study_id))
        met = {one.participant_id for one in self._state.submissions.values()}
        strangers = [one for one in recipients if one not in met]
        if strangers:
            raise bad_request(f"These participants are not known: {', '.join(strangers)}.")
        for recipient in recipients:
            self._store(self._state.researcher_id, recipient, body, study_id)

    def _store(self, sender: str, recipient: str, body: str, study_id: str | None) -> None:
        self._state.messages.append(
            Message(
                id=self._state.new_id(),
                sender_id=sender,
                recipient_id=recipient,
                body=body,
                study_id=study_id,
                at=self._state.now,
            )
        )

    def _shown(self, message: Message) -> dict[str, Any]:
        return {
            "id": message.id,
            "sender_id": message.sender_id,
            "recipient_id": message.recipient_id,
            "channel_id": message.study_id or "",
            "body": message.body,
            "datetime_created": iso(message.at),
            "data": {"study_id": message.study_id},
        }


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request({"created_after": [f"'{text}' is not a time."]}) from None
    if moment.tzinfo is None:
        raise bad_request({"created_after": ["It needs its offset."]})
    return moment
