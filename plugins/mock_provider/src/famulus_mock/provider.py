"""The provider ``mock``."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from attrs import frozen

from famulus import (
    Arrival,
    Capabilities,
    Completion,
    Plan,
    Preview,
    Problem,
    Provider,
    Refusal,
    RefusalReason,
    RunView,
    ShowAnswers,
    VisitView,
    option,
)

#: Longer than any id a platform gives; keeps nonsense out of the database.
_LONGEST = 255


@frozen(kw_only=True)
class MockArgs:
    """Options of the provider ``mock``."""

    requester_name: str | None = option(
        help="Requester that the run belongs to; MOCK_REQUESTER, made at need, when unset."
    )


class MockProvider(Provider):
    """Anybody is who the URL says: ``?worker_id=x&assignment_id=1``. For trying tasks out, on a
    machine of one's own; nobody is paid."""

    type = "mock"
    Args = MockArgs
    capabilities = Capabilities(sandbox=True)
    default_requester = "MOCK_REQUESTER"

    def problems(self, plan: Plan) -> list[Problem]:
        """Find nothing wrong: there is no platform."""
        return []

    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | Refusal:
        """Take ``worker_id`` and ``assignment_id`` at their word; without both, it is a preview."""
        worker = query.get("worker_id", "").strip()
        reference = query.get("assignment_id", "").strip()
        if not worker or not reference:
            return Preview()
        if not (_usable(worker) and _usable(reference)):
            return Refusal(
                reason=RefusalReason.UNKNOWN_LINK,
                detail=f"worker_id and assignment_id have at most {_LONGEST} printable characters.",
            )
        return Arrival(worker_name=worker, reference=reference)

    def completion(self, visit: VisitView) -> Completion:
        """Show what was sent, and the way to the next unit."""
        return ShowAnswers(
            next_query={"worker_id": visit.worker_name, "assignment_id": secrets.token_hex(4)}
        )

    def entrances(self, run: RunView) -> Sequence[str]:
        """Return the preview's address and a ready link for a worker."""
        return (run.url, f"{run.url}?{urlencode({'worker_id': 'x', 'assignment_id': '1'})}")


def _usable(text: str) -> bool:
    return len(text) <= _LONGEST and text.isprintable()
