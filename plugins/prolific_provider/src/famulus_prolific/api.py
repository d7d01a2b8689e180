"""Calls to Prolific's API, and their errors."""

from __future__ import annotations

import contextlib
import email.utils
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from attrs import define, field

import famulus
from famulus import Clock, UnavailableError, UsageError, system_clock
from famulus_prolific.secret_headers import hide_secret_headers

if TYPE_CHECKING:
    import ssl

    import httpx

API_URL = "https://api.prolific.com"
_ROOT = "/api/v1/"
#: Seconds of a step of a call.
_CONNECT_SECONDS = 10
_READ_SECONDS = 30
#: Seconds of a call as a whole: it ends before core's claim on an outbox row does, and before the
#: lock of an account.
CALL_SECONDS = 40
#: Items of a page of a list.
_PAGE = 100
_UNAUTHORIZED, _NOT_FOUND = 401, 404
_TOO_MANY, _SERVER_ERRORS = 429, 500
_SUCCESSES = range(200, 300)
#: Characters of a reply that is no error of Prolific's, for a message.
_LONGEST_TEXT = 200


class CallLostError(UnavailableError):
    """Prolific does not answer now; ``maybe_done`` is whether the call may have had its effect."""

    def __init__(self, message: str, *, maybe_done: bool, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.maybe_done = maybe_done


class TokenError(CallLostError):
    """Prolific refuses the token; the call can be repeated with another one."""

    def __init__(self, message: str) -> None:
        super().__init__(message, maybe_done=False)


class ProlificRefusedError(famulus.RefusedError):
    """Prolific has refused a call.

    ``status`` is the HTTP status of the reply, ``title`` and ``detail`` are Prolific's words. A
    call for a feature that the workspace lacks is refused for missing permission, with a status of
    4xx.
    """

    def __init__(self, status: int, title: str, detail: str) -> None:
        said = ": ".join(dict.fromkeys(each for each in (title, detail) if each))
        super().__init__(f"Prolific has refused: {said or f'status {status}'}")
        self.status = status
        self.title = title
        self.detail = detail

    @property
    def is_missing(self) -> bool:
        """Whether the call names an object that does not exist."""
        return self.status == _NOT_FOUND


@define(eq=False)
class ProlificApi:
    """Calls Prolific with one token. Threads share it; httpx is imported at the first call.

    :param token: grants all rights of the account and appears in no message; empty for public data.
    :param base_url: Prolific's address or that of a fake, without ``/api/v1/``.
    :param transport: carries the requests in place of the network.
    """

    token: str = field(repr=False)
    base_url: str = API_URL
    transport: httpx.BaseTransport | None = None
    clock: Clock = system_clock
    #: reads the token again once Prolific has refused it, for the calls after that
    renew: Callable[[], str] | None = None
    #: how long a call may take, however many bytes come in between
    seconds: float = CALL_SECONDS
    _client: httpx.Client | None = field(default=None, init=False)
    _opening: threading.Lock = field(factory=threading.Lock, init=False)

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of a GET."""
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Any = None) -> Any:
        """Return the JSON of a POST; None if the reply is empty."""
        return self.call("POST", path, body=body)

    def patch(self, path: str, body: Any) -> Any:
        """Return the JSON of a PATCH."""
        return self.call("PATCH", path, body=body)

    def delete(self, path: str, body: Any = None) -> Any:
        """Return the JSON of a DELETE; None if the reply is empty."""
        return self.call("DELETE", path, body=body)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        """Send one request, once, and return the JSON of the reply.

        :param path: the path below ``/api/v1/``, such as ``studies/``; most paths end with a slash.
        :param params: the parameters of the query; values of None are left out.
        :raises CallLostError: when there is no answer, or the answer asks for a later retry.
        :raises TokenError: when the token is refused.
        :raises ProlificRefusedError: when Prolific refuses the call.
        """
        given = {name: value for name, value in (params or {}).items() if value is not None}
        response = self._sent(
            lambda client: client.request(method, _ROOT + path, params=given, json=body)
        )
        return _json(response)

    def create(self, path: str, body: Any) -> tuple[Any, Mapping[str, str]]:
        """Return the JSON of a POST and the headers of its reply, with case-insensitive names."""
        response = self._sent(lambda client: client.request("POST", _ROOT + path, json=body))
        return _json(response), response.headers

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """Yield the items of a list; a page is read when its first item is needed.

        Pages are found by Prolific's own links. A link to a missing page ends the list: items may
        have been removed in between.
        """
        page = self.get(path, **{"page_size": _PAGE, **params})
        while True:
            yield from page.get("results", ())
            following = ((page.get("_links") or {}).get("next") or {}).get("href")
            if not following:
                return
            try:
                page = self.follow(following)
            except ProlificRefusedError as error:
                if error.is_missing:
                    return
                raise

    def follow(self, link: str) -> Any:
        """Return the JSON of a GET of a link, always at the host of ``base_url``.

        The token is sent to no other host, even if the link names one.
        """
        parts = urlsplit(link)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        return _json(self._sent(lambda client: client.request("GET", target)))

    def _sent(self, send: Callable[[httpx.Client], httpx.Response]) -> httpx.Response:
        import httpx

        try:
            response = send(self._opened())
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            message = f"Prolific cannot be reached at {self._host}: {error}"
            raise CallLostError(message, maybe_done=False) from error
        except httpx.HTTPError as error:
            why = str(error).rstrip(".") or type(error).__name__
            message = f"Prolific gave no answer at {self._host}: {why}"
            raise CallLostError(message, maybe_done=True) from error
        if response.status_code not in _SUCCESSES:
            raise self._error(response)
        return response

    @property
    def _host(self) -> str:
        """The host and port of ``base_url``, without a user name or password."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    def _opened(self) -> httpx.Client:
        with self._opening:
            if self._client is None:
                self._client = self._open()
                # Providers are dropped without notice, and connections stay open until then.
                weakref.finalize(self, self._client.close)
            return self._client

    def _open(self) -> httpx.Client:
        import httpx

        from famulus_prolific.deadlines import DeadlineTransport

        hide_secret_headers()
        try:
            transport = self.transport or DeadlineTransport.to(
                self.base_url, self._certificates(), self.seconds
            )
            return httpx.Client(
                base_url=self.base_url,
                headers={"Authorization": f"Token {self.token}"} if self.token else {},
                timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
                # A redirect may lead to another host, and loses the body of a POST.
                follow_redirects=False,
                transport=transport,
            )
        except OSError as error:
            message = f"the certificates that Prolific is verified by cannot be read: {error}"
            raise UsageError(message) from error
        except (httpx.InvalidURL, ValueError) as error:
            message = (
                f"{self.base_url!r} is not an address at which Prolific can be called: {error}"
            )
            raise UsageError(message) from error

    def _certificates(self) -> ssl.SSLContext:
        """Return the certificates to trust; none for unencrypted calls, since loading them is slow.

        Every call goes to the host of ``base_url``, so its scheme decides for all calls.
        """
        import ssl

        import httpx

        is_plain = self.base_url.lower().startswith("http://")
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_plain else httpx.create_ssl_context()

    def _error(self, response: httpx.Response) -> famulus.FamulusError:
        status = response.status_code
        title, detail = _texts(response)
        said = ": ".join(each for each in (title, detail) if each) or f"status {status}"
        if status == _TOO_MANY:
            return CallLostError(
                f"Prolific asks to slow down at {self._host}: {said}",
                maybe_done=False,
                retry_after=self._retry_after(response),
            )
        if status >= _SERVER_ERRORS:
            return CallLostError(
                f"Prolific failed at {self._host}: {said}",
                maybe_done=True,
                retry_after=self._retry_after(response),
            )
        if status == _UNAUTHORIZED:
            self._renew()
            return TokenError(
                f"Prolific refuses the token ({said}): make one in its settings, under API tokens, "
                "and register the requester again"
            )
        return ProlificRefusedError(status, title, detail)

    def _renew(self) -> None:
        """Use the stored token for the next call, if it has been replaced."""
        if self.renew is None:
            return
        with contextlib.suppress(UnavailableError):
            token = self.renew()
            with self._opening:
                if token != self.token:
                    self.token, self._client = token, None

    def _retry_after(self, response: httpx.Response) -> float | None:
        """Return the seconds until a call may be retried; None if the reply does not say."""
        given = response.headers.get("Retry-After", "").strip()
        if given.isdecimal():
            return float(given)
        try:
            when = email.utils.parsedate_to_datetime(given)
        except ValueError:
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        now: datetime = self.clock()
        return max(0.0, (when - now).total_seconds())


def _json(response: httpx.Response) -> Any:
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        message = f"Prolific's answer cannot be read: {error}"
        raise CallLostError(message, maybe_done=True) from error


def _texts(response: httpx.Response) -> tuple[str, str]:
    """Return the title and the details of an error; a plain text counts as details.

    Both have no full stop at the end, since errors quote them within a sentence.
    """
    try:
        error = response.json()["error"]
        title, detail = error.get("title"), error.get("detail")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", " ".join(response.text.split())[:_LONGEST_TEXT].rstrip(".")
    return _flat(title).rstrip("."), _flat(detail).rstrip(".")


def _flat(value: Any) -> str:
    """Return details, which are a text, a list of texts, or lists by field, as one line."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_flat(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(map(_flat, value))
    return " ".join(str(value).split())
