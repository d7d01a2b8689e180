"""Calls to MTurk through boto3, and their errors."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import define, field, frozen

import famulus
from famulus import FamulusError, UnavailableError
from famulus_mturk.meanings import Meaning, meaning_of

REGION = "us-east-1"
#: Seconds of an attempt: to connect to an address of the host, and without a byte of the reply.
_CONNECT_SECONDS = 5
_READ_SECONDS = 20
#: Seconds from the beginning of a call in which its attempts begin, however many AWS's own settings
#: allow. So a call ends after 45, before core's claim on an outbox row does.
_ATTEMPTS_SECONDS = 20
_PAGE = 100
_SERVER_ERRORS = 500
#: MTurk ends its messages with the time: "... (1447805800000 s)".
_STAMP = re.compile(r"\s*\(\d{13}( s)?\)$")


@frozen(kw_only=True)
class Account:
    """The address at which MTurk is called, and the profile that holds the keys."""

    sandbox: bool
    profile: str | None = None
    region: str = REGION
    endpoint_url: str | None = None

    @property
    def address(self) -> str:
        """The endpoint of every call.

        It is always passed to boto3, so that AWS's own settings cannot turn a sandbox into the live
        site, or the reverse.
        """
        place = "mturk-requester-sandbox" if self.sandbox else "mturk-requester"
        return self.endpoint_url or f"https://{place}.{self.region}.amazonaws.com"

    @property
    def login(self) -> str:
        """The command that renews a session of AWS's single sign-on."""
        return f"aws sso login --profile {self.profile}" if self.profile else "aws sso login"


class CallLostError(UnavailableError):
    """MTurk gave no answer; ``maybe_done`` is whether the call may have had its effect."""

    def __init__(self, message: str, *, maybe_done: bool) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done


class KeysError(CallLostError):
    """The keys are missing, have expired or are refused; the call can be retried with new ones."""


class MTurkRefusedError(famulus.RefusedError):
    """MTurk has refused a call.

    ``code`` is MTurk's error code, such as ``AWS.MechanicalTurk.InvalidAssignmentState``, and
    ``meaning`` its meaning. ``maybe_done`` is whether an earlier attempt of the same call may have
    had its effect: botocore repeats a call whose reply was lost.
    """

    def __init__(
        self,
        message: str,
        code: str,
        meaning: Meaning = Meaning.REFUSED,
        *,
        maybe_done: bool = False,
    ) -> None:
        super().__init__(f"MTurk has refused: {message}")
        self.message = message
        self.code = code
        self.meaning = meaning
        self.maybe_done = maybe_done


class _LateError(Exception):
    """An attempt would begin too late; botocore then makes no further attempt."""


@define(eq=False)
class Mturk:
    """Calls MTurk for one account. Threads share it; boto3 is imported at the first call."""

    account: Account
    timer: Callable[[], float] = time.monotonic
    _client: Any = None
    _opening: threading.Lock = field(factory=threading.Lock)
    #: per thread: whether an attempt of the current call may have had an effect, and the time after
    #: which none may begin
    _attempts: threading.local = field(factory=threading.local)

    def call(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation by its name in boto3 (``get_hit``) and return its answer.

        A temporary failure is retried for 20 seconds, and the call ends after 45 at the latest.

        :raises CallLostError: when MTurk does not answer now.
        :raises KeysError: when the keys are missing, have expired or are refused. The keys are read
            again before the next call.
        :raises MTurkRefusedError: when MTurk refuses it.
        """
        from botocore import exceptions

        self._attempts.doubtful = False
        self._attempts.until = self.timer() + _ATTEMPTS_SECONDS
        client: Any = None
        try:
            client = self._opened()
            answer: Mapping[str, Any] = getattr(client, operation)(**parameters)
        except exceptions.ClientError as error:
            translated = self._translated(error.response)
            if isinstance(translated, KeysError):
                self._forget(client)
            raise translated from error
        except exceptions.ParamValidationError as error:
            raise MTurkRefusedError(" ".join(str(error).split()), "ParamValidation") from error
        except _keys_errors() as error:
            self._forget(client)
            raise self._without_keys(error) from error
        except (exceptions.BotoCoreError, _LateError) as error:
            doubtful = self._attempts.doubtful
            problem = "gave no answer" if doubtful else "cannot be reached"
            raise CallLostError(f"MTurk {problem}: {error}", maybe_done=doubtful) from error
        return answer

    def pages(self, operation: str, key: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """Yield the items of a list; a page is read when its first item is needed."""
        token: str | None = None
        while True:
            more = {"NextToken": token} if token else {}
            answer = self.call(operation, MaxResults=_PAGE, **parameters, **more)
            yield from answer.get(key, ())
            token = answer.get("NextToken")
            if not token:
                return

    def _opened(self) -> Any:
        client = self._client
        if client is None:
            with self._opening:
                if self._client is None:
                    self._client = self._open()
                client = self._client
        return client

    def _open(self) -> Any:
        import boto3
        from botocore.config import Config

        session = boto3.Session(profile_name=self.account.profile, region_name=self.account.region)
        client = session.client(
            "mturk",
            endpoint_url=self.account.address,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                # Waits with jitter, and slows down by itself while it is throttled.
                retries={"mode": "adaptive"},
            ),
        )
        client.meta.events.register("needs-retry.mturk", self._note_attempt)
        client.meta.events.register_last("before-send.mturk", self._refuse_late_attempt)
        return client

    def _forget(self, client: Any) -> None:
        """Drop a client, so that the next call reads the keys again."""
        with self._opening:
            if self._client is client:
                self._client = None

    def _refuse_late_attempt(self, **_: Any) -> None:
        """End a call that has taken too long.

        botocore calls this before each attempt, after the wait that throttling may require.
        """
        if self.timer() > self._attempts.until:
            raise _LateError(f"each attempt in {_ATTEMPTS_SECONDS} seconds has failed")

    def _note_attempt(
        self,
        response: tuple[Any, Mapping[str, Any]] | None = None,
        caught_exception: Exception | None = None,
        **_: Any,
    ) -> None:
        """Record whether an attempt may have had its effect.

        botocore fires this event after each attempt; its caller sees only the result of the last.
        """
        if caught_exception is not None:
            is_doubtful = not isinstance(caught_exception, _not_sent())
        elif response is not None and response[0].status_code >= _SERVER_ERRORS:
            is_doubtful = meaning_of(response[1]) is not Meaning.BUSY
        else:
            is_doubtful = response is not None and (
                "Error" in response[1] and meaning_of(response[1]) is Meaning.FAILED
            )
        self._attempts.doubtful = self._attempts.doubtful or is_doubtful

    def _translated(self, response: Mapping[str, Any]) -> FamulusError:
        error = response.get("Error", {})
        code = str(response.get("TurkErrorCode") or error.get("Code", ""))
        message = _STAMP.sub("", str(error.get("Message", ""))) or code
        meaning, maybe_done = meaning_of(response), bool(self._attempts.doubtful)
        if meaning is Meaning.BUSY:
            return CallLostError(f"MTurk asks to slow down: {message}", maybe_done=maybe_done)
        if meaning is Meaning.FAILED:
            return CallLostError(f"MTurk failed: {message}", maybe_done=True)
        if meaning is Meaning.EXPIRED:
            return KeysError(
                f"the AWS session has expired ({message}): renew it (`{self.account.login}`, or "
                "write new keys to its profile); the calls are retried then. If the keys are in "
                "the environment of this process, restart it with new ones",
                maybe_done=maybe_done,
            )
        if meaning is Meaning.KEYS:
            return KeysError(
                f"MTurk has refused the keys ({message}): check them "
                "(`aws sts get-caller-identity`), their user's permission to call MTurk, and this "
                "machine's clock",
                maybe_done=maybe_done,
            )
        return MTurkRefusedError(message, code, meaning, maybe_done=maybe_done)

    def _without_keys(self, error: Exception) -> KeysError:
        remedy = f"log in (`{self.account.login}`)"
        if not self.account.profile:
            remedy += ", set keys (`aws configure`), or name a profile when you register"
        return KeysError(
            f"MTurk cannot be called: {error}; {remedy}", maybe_done=bool(self._attempts.doubtful)
        )


def _not_sent() -> tuple[type[Exception], ...]:
    """Return the exceptions of botocore that mean that no request was sent."""
    from botocore import exceptions

    return (
        exceptions.EndpointConnectionError,
        exceptions.ConnectTimeoutError,
        exceptions.ProxyConnectionError,
        _LateError,
        *_keys_errors(),
    )


def _keys_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions for missing or unusable keys that this version of botocore has.

    Older versions lack some of them.
    """
    from botocore import exceptions

    names = (
        "NoCredentialsError",
        "PartialCredentialsError",
        "CredentialRetrievalError",
        "ProfileNotFound",
        "NoAuthTokenError",
        "TokenRetrievalError",
        "SSOError",
        "LoginError",
        "RefreshWithMFAUnsupportedError",
        "MetadataRetrievalError",
        "UnknownCredentialError",
        "ConfigParseError",
        "ConfigNotFound",
        "InvalidConfigError",
    )
    found = (getattr(exceptions, name, None) for name in names)
    return tuple(each for each in found if each is not None)
