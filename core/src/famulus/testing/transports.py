"""How a scripted worker reaches a run: through its gateway in this process, or over HTTP."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from attrs import frozen

from famulus.contracts.receiving import PlatformRequest
from famulus.contracts.views import Form, FormFile, Reply
from famulus.engine.gateway import Gateway
from famulus.testing.forms import Attachment, FormData, HtmlForm, html_form

#: Seconds after which a request without a response fails.
_PATIENCE = 30.0
_REFUSAL_HEADER = "X-Famulus-Refusal"


@frozen(kw_only=True)
class Response:
    """The response to one request. Header names are in lower case."""

    status: int
    text: str
    content_type: str
    headers: Mapping[str, str]

    @property
    def form(self) -> HtmlForm | None:
        """The form to fill in, or None if the page has none."""
        form = None if self.is_json else html_form(self.text)
        return form if form is not None and urlsplit(form.action).path == "submit" else None

    @property
    def is_json(self) -> bool:
        """Whether the response is JSON for the page's script."""
        return self.content_type.startswith("application/json")

    @property
    def outcome(self) -> str:
        """The outcome of a submission.

        ``stored``, ``invalid``, ``conflict``, ``refused`` or ``error``; derived from the status if
        the form was sent without a script.
        """
        if self.is_json:
            return str(json.loads(self.text)["outcome"])
        words = {200: "stored", 422: "invalid", 409: "conflict", 403: "refused", 404: "refused"}
        return words.get(self.status, "error")

    @property
    def refusal(self) -> str | None:
        """The code of the refusal, or None."""
        return self.headers.get(_REFUSAL_HEADER.lower())


class Transport(Protocol):
    """How a scripted worker reaches a run; used by several threads at once."""

    def open(self, query: Mapping[str, str]) -> Response:
        """Open the task's page."""
        ...

    def send(self, filled: FormData, *, action: str, as_json: bool = True) -> Response:
        """Send a form to the address that its page names.

        :param as_json: ask for JSON, as the page's own script does.
        """
        ...


@frozen
class GatewayTransport:
    """Sends requests to an open gateway in this process, without HTTP."""

    gateway: Gateway

    def open(self, query: Mapping[str, str]) -> Response:
        """Open the task's page."""
        return _answer(self.gateway.arrive(query))

    def send(self, filled: FormData, *, action: str, as_json: bool = True) -> Response:
        """Send a form, with its files in the folder where an architect stores them."""
        address = urlsplit(action)
        ticket = dict(parse_qsl(address.query)).get("ticket", "")
        if not self.gateway.admits(ticket):
            return _answer(self.gateway.not_admitted(as_json=as_json))
        received = [self._received(file) for file in filled.files]
        form = Form(fields=list(filled.fields), files=received)
        try:
            if address.path == "give-back":
                return _answer(self.gateway.give_back(form))
            return _answer(self.gateway.submit(form, as_json=as_json))
        finally:
            for file in received:
                file.path.unlink(missing_ok=True)

    def _received(self, file: Attachment) -> FormFile:
        path = self.gateway.upload_folder / secrets.token_hex(8)
        return received_file(file, path)


@frozen
class HttpTransport:
    """Sends requests over HTTP to the address where a run is served."""

    url: str

    def open(self, query: Mapping[str, str]) -> Response:
        """Open the task's page."""
        return _ask(Request(f"{self.url}?{urlencode(query)}"))

    def get(self, path: str) -> Response:
        """Request a path relative to the page; it is sent unchanged."""
        return _ask(Request(self.url + path))

    def announce(self, provider_type: str, request: PlatformRequest) -> Response:
        """Send a request of a platform."""
        address = f"{self.url}platform/{provider_type}?{urlencode(request.query)}"
        return _ask(Request(address, data=request.body, headers=dict(request.headers)))

    def send(self, filled: FormData, *, action: str, as_json: bool = True) -> Response:
        """Send a form as ``multipart/form-data``."""
        boundary = secrets.token_hex(16)
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Accept": "application/json" if as_json else "text/html",
        }
        body = _multipart(filled, boundary.encode())
        return _ask(Request(urljoin(self.url, action), data=body, headers=headers))


def received_file(file: Attachment, path: Path) -> FormFile:
    """Write a file as an architect stores a received one."""
    path.write_bytes(file.content)
    return FormFile(
        field=file.field,
        filename=file.filename,
        content_type=file.content_type,
        size=len(file.content),
        sha256=hashlib.sha256(file.content).hexdigest(),
        path=path,
    )


def _answer(reply: Reply) -> Response:
    return Response(
        status=reply.status,
        text=reply.body,
        content_type=reply.content_type,
        headers={name.lower(): value for name, value in reply.headers.items()},
    )


def _ask(request: Request) -> Response:
    # A proxy of the machine must not be used for a test's own server.
    opener = build_opener(ProxyHandler({}))
    try:
        response = opener.open(request, timeout=_PATIENCE)
    except HTTPError as error:
        response = error
    with response:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Response(
            status=response.status,
            text=response.read().decode(),
            content_type=headers.get("content-type", ""),
            headers=headers,
        )


def _multipart(filled: FormData, boundary: bytes) -> bytes:
    parts = [
        (f'name="{_quoted(name)}"', "", value.encode("utf-8")) for name, value in filled.fields
    ]
    parts += [
        (
            f'name="{_quoted(file.field)}"; filename="{_quoted(file.filename)}"',
            f"Content-Type: {file.content_type}\r\n",
            file.content,
        )
        for file in filled.files
    ]
    body = b"".join(
        b"--%s\r\nContent-Disposition: form-data; %s\r\n%s\r\n%s\r\n"
        % (boundary, disposition.encode(), kind.encode(), content)
        for disposition, kind, content in parts
    )
    return body + b"--%s--\r\n" % boundary


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
