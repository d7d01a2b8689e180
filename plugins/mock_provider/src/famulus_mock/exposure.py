"""Whether a run can be reached by others than this machine's user."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from famulus import Plan, Problem

_OF_THIS_MACHINE = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")


def exposed(plan: Plan) -> list[Problem]:
    """Return a warning for each option of the architect that lets others reach the run."""
    found = []
    public_url = getattr(plan.architect.args, "public_url", None)
    if public_url and not _is_local(_host(public_url)):
        found.append(_warning(plan, "public_url", public_url))
    hostname = getattr(plan.architect.args, "hostname", None)
    if hostname and not _is_local(hostname):
        found.append(_warning(plan, "hostname", hostname))
    return found


def _warning(plan: Plan, name: str, value: str) -> Problem:
    message = (
        f"{value} can be reached from outside this machine, and the provider mock takes visitors "
        "for the worker that their address names; use it where only you can open the run"
    )
    return plan.problem(f"architect.{name}", message, warning=True)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_local(host: str) -> bool:
    host = host.strip("[]").rstrip(".").lower()
    if host in _OF_THIS_MACHINE or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
