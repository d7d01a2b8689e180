"""A crowd whose platform lists its changes in a file, and announces them by signed requests.

The module is a plugin: :func:`famulus.testing.installed.install_plugin` registers it, also in the
serving processes that a test starts.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from attrs import evolve, frozen

from famulus.contracts.entry_form import EntryForm
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Arrival,
    Capabilities,
    Preview,
    RunView,
    SyncCursor,
    VisitReport,
    VisitView,
)
from famulus.contracts.receiving import PlatformRequest, Received, Unverified
from famulus.contracts.views import Refusal, Reply
from famulus.model.states import VisitStatus
from famulus.options.declare import option
from famulus.testing.kinds import CrowdProvider

MODULE = __name__
_KEY = b"a key that the platform and the requester share"
_TIME, _SIGNATURE = "x-signed-at", "x-signature"
_LONGEST_DELAY = timedelta(minutes=5)


@frozen(kw_only=True)
class SignedCrowdArgs:
    """Options of the provider ``signed_crowd``."""

    log: Path | None = option(help="File in which the platform lists its changes.")


class SignedCrowdProvider(CrowdProvider):
    """A crowd whose platform announces its changes, and is therefore asked rarely."""

    type = "signed_crowd"
    Args = SignedCrowdArgs
    capabilities = Capabilities(reports_submissions=True, receives=True)
    sync_seconds = 3600
    default_requester = "requester of the signed crowd"

    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | EntryForm | Refusal:
        """Return an arrival if both parameters have a value."""
        if not (query.get("worker_id") and query.get("assignment_id")):
            return Preview()
        return super().arrive(query)

    def sync(
        self, run: RunView, visits: Iterable[VisitView], cursor: str | None
    ) -> Iterator[VisitReport | SyncCursor]:
        """Report the lines after the cursor, which is the number of lines read."""
        path, start = self.args.log, int(cursor or 0)
        if path is None or not path.exists():
            return
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(islice(lines, start, None), start + 1):
                worker, reference, status = json.loads(line)
                yield VisitReport(
                    worker_name=worker, reference=reference, status=VisitStatus(status)
                )
                yield SyncCursor(f"{number}")

    def receive(self, request: PlatformRequest) -> Received | Unverified:
        """Verify the signature over time and body; return the references in the body.

        The parameter ``challenge`` is returned as a header of the reply, as platforms demand when
        a receiver subscribes.
        """
        at = request.headers.get(_TIME, "")
        given = request.headers.get(_SIGNATURE, "")
        if not hmac.compare_digest(given.encode(), _signature(at, request.body).encode()):
            return Unverified(note="the signature does not match the body")
        if abs(self.context.clock() - datetime.fromtimestamp(int(at), UTC)) > _LONGEST_DELAY:
            return Unverified(note=f"it was signed at {at}, too long ago")
        try:
            references = json.loads(request.body)
        except ValueError:
            return Received(reply=Reply(status=400, body="no JSON", content_type="text/plain"))
        challenge = request.query.get("challenge")
        received = Received(references=references)
        if challenge is None:
            return received
        reply = evolve(received.reply, headers={"X-Challenge": challenge})
        return evolve(received, reply=reply)


def signed(
    references: Sequence[str] | bytes, at: datetime, query: Mapping[str, str] | None = None
) -> PlatformRequest:
    """Return the platform's request about visits, signed at a given time.

    :param references: the references of the visits, or the body of an invalid request.
    """
    body = references if isinstance(references, bytes) else json.dumps(references).encode()
    time = f"{at.timestamp():.0f}"
    headers = {_TIME: time, _SIGNATURE: _signature(time, body)}
    return PlatformRequest(body=body, headers=headers, query=query or {})


def list_change(log: Path, worker: str, reference: str, status: VisitStatus) -> None:
    """Add a change of a visit to the platform's list."""
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps([worker, reference, status.value]) + "\n")


@hookimpl
def famulus_register_providers() -> list[type[Provider]]:
    """Register ``signed_crowd``."""
    return [SignedCrowdProvider]


def _signature(at: str, body: bytes) -> str:
    return hmac.new(_KEY, at.encode("utf-8", "replace") + body, hashlib.sha256).hexdigest()
