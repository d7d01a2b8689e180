"""Calling MTurk through boto3, and what can go wrong with that."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field, frozen

import famulus
from famulus import FamulusError, UnavailableError, UsageError

REGION = "us-east-1"
#: Seconds. Three attempts together stay well below the time after which core counts a call as lost.
_CONNECT_SECONDS = 10
_READ_SECONDS = 30
_PAGE = 100
#: MTurk ends its messages with the time: "... (1447805800000 s)".
_STAMP = re.compile(r"\s*\(\d{13}( s)?\)$")
#: Codes of errors that AWS gives before it has looked at what was asked.
_NOT_NOW = frozenset({
    "RequestLimitExceeded", "ServiceUnavailable", "Throttling", "ThrottlingException",
    "ThrottledException", "TooManyRequestsException", "RequestThrottled", "SlowDown",
})
_NOT_YOU = frozenset({
    "AccessDenied", "AccessDeniedException", "ExpiredToken", "InvalidClientTokenId",
    "IncompleteSignature", "InvalidSignatureException", "MissingAuthenticationToken",
    "NotAuthorized", "OptInRequired", "SignatureDoesNotMatch", "UnrecognizedClientException",
})


@frozen(kw_only=True)
class Account:
    """Where MTurk is called, and with whose keys."""

    sandbox: bool
    profile: str | None = None
    region: str = REGION
    endpoint_url: str | None = None

    @property
    def address(self) -> str:
        """The endpoint, always named: AWS's own settings must not turn a sandbox into the live
        site, or the reverse."""
        place = "mturk-requester-sandbox" if self.sandbox else "mturk-requester"
        return self.endpoint_url or f"https://{place}.{self.region}.amazonaws.com"


class CallLostError(UnavailableError):
    """MTurk gave no answer; ``maybe_done`` says whether it may have done what was asked."""

    def __init__(self, message: str, *, maybe_done: bool) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done


class RefusedError(famulus.RefusedError):
    """MTurk has refused a call; ``code`` is its own word for the reason, such as
    ``AWS.MechanicalTurk.InvalidAssignmentState``."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(f"MTurk refuses: {message}")
        self.message = message
        self.code = code

    def is_about(self, word: str) -> bool:
        """Say whether the reason's code ends in a word: ``HITDoesNotExist``."""
        return self.code.endswith(word)


@define(eq=False)
class Mturk:
    """MTurk as one account sees it. Threads share it; boto3 is loaded at the first call."""

    account: Account
    _client: Any = None
    _opening: threading.Lock = field(factory=threading.Lock)

    def call(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation by its name in boto3 (``get_hit``) and return its answer.

        :raises CallLostError: when there was none, now.
        :raises RefusedError: when MTurk refuses it.
        :raises famulus.UsageError: when the keys are missing or refused.
        """
        from botocore import exceptions

        try:
            answer: Mapping[str, Any] = getattr(self._opened(), operation)(**parameters)
        except exceptions.ClientError as error:
            raise _told(error.response) from error
        except (
            exceptions.NoCredentialsError,
            exceptions.PartialCredentialsError,
            exceptions.ProfileNotFound,
        ) as error:
            hint = _keys_hint(self.account)
            raise UsageError(f"MTurk cannot be called: {error}{hint}") from error
        except exceptions.ParamValidationError as error:
            raise RefusedError(" ".join(str(error).split()), "ParamValidation") from error
        except (
            exceptions.EndpointConnectionError,
            exceptions.ConnectTimeoutError,
            exceptions.ProxyConnectionError,
        ) as error:
            raise CallLostError(f"MTurk cannot be reached: {error}", maybe_done=False) from error
        except exceptions.BotoCoreError as error:
            raise CallLostError(f"MTurk gave no answer: {error}", maybe_done=True) from error
        return answer

    def pages(self, operation: str, key: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """Yield the items of all pages of a list, as far as the caller goes on."""
        token: str | None = None
        while True:
            more = {"NextToken": token} if token else {}
            answer = self.call(operation, MaxResults=_PAGE, **parameters, **more)
            yield from answer.get(key, ())
            token = answer.get("NextToken")
            if not token:
                return

    def _opened(self) -> Any:
        if self._client is None:
            with self._opening:
                if self._client is None:
                    self._client = self._open()
        return self._client

    def _open(self) -> Any:
        import boto3
        from botocore.config import Config

        session = boto3.Session(profile_name=self.account.profile, region_name=self.account.region)
        return session.client(
            "mturk",
            endpoint_url=self.account.address,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                # Waits with jitter, and slows down by itself while it is throttled.
                retries={"mode": "adaptive"},
            ),
        )


def _told(response: Mapping[str, Any]) -> FamulusError:
    error = response.get("Error", {})
    code, message = str(error.get("Code", "")), _STAMP.sub("", str(error.get("Message", "")))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _NOT_NOW:
        return CallLostError(f"MTurk asks to slow down: {message}", maybe_done=False)
    if code in _NOT_YOU:
        return UsageError(f"MTurk refuses the keys: {message or code}")
    if status >= 500 or code == "ServiceFault":
        return CallLostError(f"MTurk failed: {message or code}", maybe_done=True)
    return RefusedError(message, str(response.get("TurkErrorCode") or code))


def _keys_hint(account: Account) -> str:
    if account.profile:
        return ""
    return "; give its keys to AWS (`aws configure`), or name a profile when you register"
