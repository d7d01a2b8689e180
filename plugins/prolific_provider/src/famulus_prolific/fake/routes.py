"""The operations of the API, with their methods and paths; most paths end with a slash."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

_PREFIX = "/api/v1"
#: method and path by the operation's name in the public description of the API
ROUTES: Mapping[str, tuple[str, str]] = {
    "get-me": ("GET", "/users/me/"),
    "get-workspaces": ("GET", "/workspaces/"),
    "get-workspace": ("GET", "/workspaces/{id}/"),
    "get-workspace-balance": ("GET", "/workspaces/{id}/balance/"),
    "get-projects": ("GET", "/workspaces/{id}/projects/"),
    "create-project": ("POST", "/workspaces/{id}/projects/"),
    "get-project": ("GET", "/projects/{id}/"),
    "get-project-studies": ("GET", "/projects/{id}/studies/"),
    "get-filters": ("GET", "/filters/"),
    "get-eligibility-count": ("POST", "/eligibility-count/"),
    "create-test-participant": ("POST", "/researchers/participants/"),
    "create-test-study": ("POST", "/studies/{id}/test-study"),
    "get-studies": ("GET", "/studies/"),
    "create-study": ("POST", "/studies/"),
    "get-study": ("GET", "/studies/{id}/"),
    "update-study": ("PATCH", "/studies/{id}/"),
    "delete-study": ("DELETE", "/studies/{id}/"),
    "transition-study": ("POST", "/studies/{id}/transition/"),
    "get-study-cost": ("GET", "/studies/{id}/cost/"),
    "get-study-submissions": ("GET", "/studies/{id}/submissions/"),
    "get-submission-counts": ("GET", "/studies/{id}/submissions/counts/"),
    "calculate-study-cost": ("POST", "/study-cost-calculator/"),
    "post-study-predicted-recruitment-time": ("POST", "/studies/predicted-recruitment-time/"),
    "get-reward-recommendations": ("GET", "/reward-recommendations/"),
    "get-submissions": ("GET", "/submissions/"),
    "get-submission": ("GET", "/submissions/{id}/"),
    "transition-submission": ("POST", "/submissions/{id}/transition/"),
    "request-submission-return": ("POST", "/submissions/{id}/request-return/"),
    "bulk-approve-submissions": ("POST", "/submissions/bulk-approve/"),
    "create-bonus-payments": ("POST", "/submissions/bonus-payments/"),
    "pay-bonus-payments": ("POST", "/bulk-bonus-payments/{id}/pay/"),
    "get-participant-groups": ("GET", "/participant-groups/"),
    "create-participant-group": ("POST", "/participant-groups/"),
    "get-participant-group": ("GET", "/participant-groups/{id}/"),
    "update-participant-group": ("PATCH", "/participant-groups/{id}/"),
    "delete-participant-group": ("DELETE", "/participant-groups/{id}/"),
    "get-participant-group-participants": ("GET", "/participant-groups/{id}/participants/"),
    "add-to-participant-group": ("POST", "/participant-groups/{id}/participants/"),
    "remove-from-participant-group": ("DELETE", "/participant-groups/{id}/participants/"),
    "get-messages": ("GET", "/messages/"),
    "send-message": ("POST", "/messages/"),
    "bulk-message-participants": ("POST", "/messages/bulk/"),
    "send-message-to-participant-group": ("POST", "/messages/participant-group/"),
    "get-event-types": ("GET", "/hooks/event-types/"),
    "get-secrets": ("GET", "/hooks/secrets/"),
    "create-secret": ("POST", "/hooks/secrets/"),
    "get-subscriptions": ("GET", "/hooks/subscriptions/"),
    "create-subscription": ("POST", "/hooks/subscriptions/"),
    "get-subscription": ("GET", "/hooks/subscriptions/{id}/"),
    "confirm-subscription": ("POST", "/hooks/subscriptions/{id}/"),
    "update-subscription": ("PATCH", "/hooks/subscriptions/{id}/"),
    "delete-subscription": ("DELETE", "/hooks/subscriptions/{id}/"),
    "get-events": ("GET", "/hooks/subscriptions/{id}/events/"),
}
_ID = r"(?P<id>[0-9a-f]{24})"
_PATTERNS = {
    name: (method, re.compile(_PREFIX + path.replace("{id}", _ID)))
    for name, (method, path) in ROUTES.items()
}


@frozen
class Route:
    """The operation of a request, and the ids in its path."""

    operation: str
    path: Mapping[str, str]


def find_route(method: str, path: str) -> Route | None:
    """Return the route that a request matches; None if it matches none."""
    for name, (expected, pattern) in _PATTERNS.items():
        found = pattern.fullmatch(path) if method == expected else None
        if found is not None:
            return Route(name, found.groupdict())
    return None


def methods_at(path: str) -> set[str]:
    """Return the HTTP methods that a path allows."""
    return {method for method, pattern in _PATTERNS.values() if pattern.fullmatch(path)}
