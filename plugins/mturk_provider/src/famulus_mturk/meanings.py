"""The meaning of an error of MTurk, independent of the spelling of its code.

AWS's documentation, people's reports and the service itself spell codes differently
(``HitAlreadyExists``, ``HITAlreadyExists``), and not every error carries MTurk's own code. So codes
are compared without case and punctuation, and the message is used if the code is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any


class Meaning(Enum):
    """The meaning of an error."""

    #: the thing to be created exists already
    EXISTS = auto()
    #: the same call, or one with the same token, has been processed already
    PROCESSED = auto()
    #: the thing that the call names does not exist
    MISSING = auto()
    #: the thing is in a state that does not allow the call
    STATE = auto()
    #: the account cannot pay for it
    FUNDS = auto()
    #: the keys have expired; new ones are needed
    EXPIRED = auto()
    #: the keys are refused, or do not belong to the request
    KEYS = auto()
    #: too many requests, or no capacity: nothing was done
    BUSY = auto()
    #: the service failed; the call may have had its effect
    FAILED = auto()
    #: any other refusal
    REFUSED = auto()


#: Searched in codes without case and punctuation, in this order.
_CODES = tuple(
    (meaning, re.compile(pattern))
    for meaning, pattern in (
        (Meaning.EXPIRED, "expiredtoken|tokenexpired|requestexpired|tokenrefreshrequired"),
        (
            Meaning.KEYS,
            "accessdenied|invalidclienttoken|invalidaccesskey|incompletesignature|notauthorized"
            "|invalidsignature|signaturedoesnotmatch|missingauthenticationtoken|optinrequired"
            "|unrecognizedclient|timetooskewed|authfailure|unauthorized",
        ),
        (
            Meaning.BUSY,
            "throttl|limitexceeded|serviceunavailable|toomanyrequests|slowdown|provisionedthroughput",
        ),
        (Meaning.FAILED, "servicefault|internalfailure|internalservice|internalerror"),
        (Meaning.EXISTS, "already(exists|created)"),
        (Meaning.PROCESSED, "already(been)?processed|duplicate|idempoten"),
        (Meaning.MISSING, "doesnotexist|notfound"),
        (Meaning.STATE, r"invalid\w+state|invalid\w+status"),
        (Meaning.FUNDS, "insufficientfunds|notenoughfunds"),
    )
)
#: Searched in the messages of errors with an unknown code.
_MESSAGES = tuple(
    (meaning, re.compile(pattern, re.IGNORECASE))
    for meaning, pattern in (
        (Meaning.EXPIRED, r"\b(token|signature|session|credentials?)\b.*\bexpired\b"),
        (Meaning.EXISTS, r"\bhas already been created\b|\balready exists\b"),
        (Meaning.PROCESSED, r"\btoken\b.*\bhas already been processed\b"),
        (Meaning.MISSING, r"^(HIT|assignment|qualification|worker)\w*\b.* does not exist"),
        (Meaning.STATE, r"\bcan be called with a status of\b"),
        (Meaning.FUNDS, r"\b(insufficient|not enough|do not have enough)\b.*\b(funds|money)\b"),
    )
)
#: MTurk's code for an invalid parameter; its message repeats what was sent, so it is not searched.
_PARAMETER = "parametervalidation"
_PUNCTUATION = re.compile(r"[^a-z0-9]")
_FORBIDDEN = frozenset({401, 403})
_BUSY = frozenset({429, 503})


def meaning_of(response: Mapping[str, Any]) -> Meaning:
    """Return the meaning of an error that botocore has parsed."""
    error = response.get("Error", {})
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    codes = (str(response.get("TurkErrorCode") or ""), str(error.get("Code") or ""))
    for code in filter(None, map(_plain, codes)):
        if code.startswith(_PARAMETER):
            return Meaning.REFUSED
        for meaning, pattern in _CODES:
            if pattern.search(code):
                return meaning
    if status in _FORBIDDEN:
        return Meaning.KEYS
    if status in _BUSY:
        return Meaning.BUSY
    if status >= 500:
        return Meaning.FAILED
    return _by_message(str(error.get("Message") or ""))


def _by_message(message: str) -> Meaning:
    for meaning, pattern in _MESSAGES:
        if pattern.search(message):
            return meaning
    return Meaning.REFUSED


def _plain(code: str) -> str:
    """Return a code without its prefix, case and punctuation."""
    return _PUNCTUATION.sub("", code.rpartition(".")[2].rpartition("#")[2].casefold())
