"""How workers leave: the codes and addresses of the options."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlsplit

from famulus import Completion, GoTo, OwnPage, ShowCode, VisitOutcome, VisitView

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_END_OF_HOST = re.compile("[/?#]")
_WEB = ("https://", "http://")
_LONGEST_CODE = 100


def leave(text: str | None, visit: VisitView, next_query: Mapping[str, str] | None) -> Completion:
    """Return the completion that an option's text stands for; if empty, the worker's own page."""
    if text is None:
        return OwnPage(next_query=next_query)
    if not text.startswith(_WEB):
        return ShowCode(code=text, next_query=next_query)
    values = {**visit.query, "worker": visit.worker_name}
    url = _PLACEHOLDER.sub(lambda found: quote(values.get(found[1], ""), safe=""), text)
    return GoTo(url=url, next_query=next_query)


def faults(completions: Mapping[VisitOutcome, str]) -> Iterator[tuple[VisitOutcome, str]]:
    """Yield what is wrong with the options, by outcome."""
    completed = completions.get(VisitOutcome.COMPLETED)
    for outcome, text in completions.items():
        fault = _fault(text)
        if fault:
            yield outcome, fault
        elif outcome is not VisitOutcome.COMPLETED and text == completed:
            yield (
                outcome,
                "is what completed work gets: on most platforms it is the claim to the pay; choose "
                "another one, or leave it out",
            )


def _fault(text: str) -> str:
    if not text.strip() or not text.isprintable():
        return "is empty or cannot be printed; give a code or an address"
    if text.startswith(_WEB):
        # A parameter that became the host would send workers wherever a forged link says.
        is_fixed = "{" not in _END_OF_HOST.split(text.partition("://")[2])[0]
        return "" if is_fixed and _host(text) else f"{text!r} names no host; write it out"
    if "://" in text:
        return f"{text!r} is not a web address; it has to begin with https://"
    if len(text) > _LONGEST_CODE:
        return f"has {len(text)} characters; a code has at most {_LONGEST_CODE}"
    return ""


def _host(address: str) -> str | None:
    try:
        return urlsplit(_PLACEHOLDER.sub("", address)).hostname
    except ValueError:  # brackets that are no IPv6 address
        return None
