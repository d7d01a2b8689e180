"""Checks of the public address of a run."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_public_url(text: str) -> bool:
    """Return whether a text is the address of a site, without a query."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises for an invalid port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and not (parts.query or parts.fragment)
    )
