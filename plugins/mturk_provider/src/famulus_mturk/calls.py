"""Calling MTurk through boto3, and what can go wrong with that."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field, frozen

import famulus
from famulus import FamulusError, UnavailableError
from famulus_mturk.meanings import Meaning, meaning_of

REGION = "us-east-1"
#: Seconds. Three attempts together stay well below the time after which core counts a call as lost.
_CONNECT_SECONDS = 10
_READ_SECONDS = 30
_PAGE = 100
_SERVER_ERRORS = 500
#: MTurk ends its messages with the time: "... (1447805800000 s)".
_STAMP = re.compile(r"\s*\(\d{13}( s)?\)$")


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
        site, or the reverse.
        """
        place = "mturk-requester-sandbox" if self.sandbox else "mturk-requester"
        return self.endpoint_url or f"https://{place}.{self.region}.amazonaws.com"

    @property
    def login(self) -> str:
        """The command that renews a session of AWS's single sign-on."""
        return f"aws sso login --profile {self.profile}" if self.profile else "aws sso login"


class CallLostError(UnavailableError):
    """MTurk gave no answer; ``maybe_done`` says whether it may have done what was asked."""

    def __init__(self, message: str, *, maybe_done: bool) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done


class KeysError(CallLostError):
    """The keys are missing, have expired or are refused: the call can be made again with new
    ones.
    """


class RefusedError(famulus.RefusedError):
    """MTurk has refused a call; ``code`` is its own word for the reason, such as
    ``AWS.MechanicalTurk.InvalidAssignmentState``, and ``meaning`` what it says.

    ``maybe_done`` says whether an earlier attempt of the same call may have had its effect:
    botocore repeats a call whose reply got lost.
    """

    def __init__(
        self,
        message: str,
        code: str,
        meaning: Meaning = Meaning.REFUSED,
        *,
        maybe_done: bool = False,
    ) -> None:
        super().__init__(f"MTurk refuses: {message}")
        self.message = message
        self.code = code
        self.meaning = meaning
        self.maybe_done = maybe_done


@define(eq=False)
class Mturk:
    """MTurk as one account sees it. Threads share it; boto3 is loaded at the first call."""

    account: Account
    _client: Any = None
    _opening: threading.Lock = field(factory=threading.Lock)
    #: of each thread, whether an attempt of its call may have had an effect
    _attempts: threading.local = field(factory=threading.local)

    def call(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation by its name in boto3 (``get_hit``) and return its answer.

        :raises CallLostError: when there was none, now.
        :raises KeysError: when the keys are missing, have expired or are refused. They are read
            again before the next call.
        :raises RefusedError: when MTurk refuses it.
        """
        from botocore import exceptions

        self._attempts.doubtful = False
        client: Any = None
        try:
            client = self._opened()
            answer: Mapping[str, Any] = getattr(client, operation)(**parameters)
        except exceptions.ClientError as error:
            told = self._told(error.response)
            if isinstance(told, KeysError):
                self._forget(client)
            raise told from error
        except exceptions.ParamValidationError as error:
            raise RefusedError(" ".join(str(error).split()), "ParamValidation") from error
        except _keys_errors() as error:
            self._forget(client)
            raise self._without_keys(error) from error
        except exceptions.BotoCoreError as error:
            doubtful = self._attempts.doubtful
            problem = "gave no answer" if doubtful else "cannot be reached"
            raise CallLostError(f"MTurk {problem}: {error}", maybe_done=doubtful) from error
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
        return client

    def _forget(self, client: Any) -> None:
        """Have the keys read again: a client keeps those it has begun with."""
        with self._opening:
            if self._client is client:
                self._client = None

    def _note_attempt(
        self,
        response: tuple[Any, Mapping[str, Any]] | None = None,
        caught_exception: Exception | None = None,
        **_: Any,
    ) -> None:
        """Note whether an attempt may have had its effect; botocore asks after each whether to
        make another, and shows its caller the last one alone.
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

    def _told(self, response: Mapping[str, Any]) -> FamulusError:
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
                "write new keys to its profile); what waits is done then. Keys that a process was "
                "given in its environment need that process to be started again",
                maybe_done=maybe_done,
            )
        if meaning is Meaning.KEYS:
            return KeysError(
                f"MTurk refuses the keys ({message}): check them (`aws sts get-caller-identity`), "
                "that their user may call MTurk, and this machine's clock",
                maybe_done=maybe_done,
            )
        return RefusedError(message, code, meaning, maybe_done=maybe_done)

    def _without_keys(self, error: Exception) -> KeysError:
        remedy = f"log in (`{self.account.login}`)"
        if not self.account.profile:
            remedy += ", set keys (`aws configure`), or name a profile when you register"
        return KeysError(
            f"MTurk cannot be called: {error}; {remedy}", maybe_done=bool(self._attempts.doubtful)
        )


def _not_sent() -> tuple[type[Exception], ...]:
    """Return what botocore raises before a request has reached anybody."""
    from botocore import exceptions

    return (
        exceptions.EndpointConnectionError,
        exceptions.ConnectTimeoutError,
        exceptions.ProxyConnectionError,
        *_keys_errors(),
    )


def _keys_errors() -> tuple[type[Exception], ...]:
    """Return what botocore raises when it finds no keys that it could use; which of them there are
    depends on its version.
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
