"""Architects that each break one rule of their contract, and one that keeps all of them."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from attrs import evolve, frozen

import famulus
from famulus import Deployed, Deployment, Plan, Problem, ServerHealth, UnavailableError
from famulus.serving.health_check import ask_health
from famulus_flask.architect import LocalArchitect, LocalArgs
from famulus_flask.external import ExternalArchitect
from famulus_flask.wsgi import create_app
from famulus_gunicorn.architect import Gunicorn

Start = Callable[..., Any]
Handler = Callable[[dict[str, Any], Start], Iterable[bytes]]


class Kept(LocalArchitect):
    """Keeps every rule; the others are made from it."""

    type = "kept"


@frozen(kw_only=True)
class SilentArgs(LocalArgs):
    more: int = 1


class Silent(Kept):
    type = "silent"
    Args = SilentArgs


class Careless(Kept):
    type = "careless"

    def problems(self, plan: Plan) -> list[Problem]:
        return []


class Placeless(Kept):
    type = "placeless"

    def problems(self, plan: Plan) -> list[Problem]:
        return [Problem("something is wrong")] if super().problems(plan) else []


class Writing(Kept):
    type = "writing"

    def problems(self, plan: Plan) -> list[Problem]:
        page = plan.blueprint.args.task_source
        page.with_name("cache").touch()
        return super().problems(plan)


class Starting(Kept):
    """Leaves a socket open on its port, as a server that was started would have it."""

    type = "starting"
    #: closed by the test
    open: ClassVar[list[socket.socket]] = []

    def problems(self, plan: Plan) -> list[Problem]:
        found = super().problems(plan)
        if not found:
            self.open.append(socket.create_server(("127.0.0.1", self.args.port)))
        return found


class Binding(Kept):
    """Takes a port that is taken for a problem of the configuration."""

    type = "binding"

    def problems(self, plan: Plan) -> list[Problem]:
        return [*super().problems(plan), *super().serving_problems(plan)]


class Texting(Kept):
    type = "texting"

    def deploy(self, deployment: Deployment) -> Any:
        return super().deploy(deployment).url


class Unstorable(Kept):
    type = "unstorable"

    def deploy(self, deployment: Deployment) -> Deployed:
        return Deployed(super().deploy(deployment).url, self)


class Yes(Kept):
    type = "yes"

    def health(self) -> Any:
        return super().health() is not ServerHealth.GONE


class Sure(Kept):
    type = "sure"

    def health(self) -> ServerHealth:
        return ServerHealth.SERVING


class Hasty(Gunicorn):
    type = "hasty"

    def health(self) -> ServerHealth:
        found = super().health()
        return ServerHealth.GONE if found is ServerHealth.BUSY else found


class Once(Kept):
    type = "once"

    def shutdown(self) -> None:
        if self._server is None and self._port:
            raise RuntimeError("it was shut down already")
        super().shutdown()


class Moving(Kept):
    type = "moving"

    def deploy(self, deployment: Deployment) -> Deployed:
        handle = deployment.handle and {"token": deployment.handle["token"]}
        return super().deploy(evolve(deployment, handle=handle))


class Forgetting(Kept):
    """Keeps the address, and ends nothing that was there before."""

    type = "forgetting"

    def deploy(self, deployment: Deployment) -> Deployed:
        handle = deployment.handle and {"port": deployment.handle["port"]}
        return super().deploy(evolve(deployment, handle=handle))


class Orphaning(Kept):
    """Starts a server that knows nothing of its operator."""

    type = "orphaning"
    _pid = 0

    def deploy(self, deployment: Deployment) -> Deployed:
        port = (deployment.handle or {}).get("port", 0)
        with socket.create_server(("127.0.0.1", port)) as listener:
            port = listener.getsockname()[1]
            process = subprocess.Popen(
                self.command(listener.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **self.environment(), **deployment.environment},
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
        self._pid = process.pid
        if ask_health("127.0.0.1", port, timeout=30) is None:
            raise UnavailableError("it does not answer")
        return Deployed(f"http://localhost:{port}/", {"pid": process.pid, "port": port})

    def health(self) -> ServerHealth:
        return ServerHealth.SERVING

    def shutdown(self) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            self._pid = 0


class Listening(ExternalArchitect):
    """Serves by itself what a program outside is to serve."""

    type = "listening"
    _listener: socket.socket | None = None

    def deploy(self, deployment: Deployment) -> Deployed:
        self._listener = socket.create_server(("127.0.0.1", 0))
        return Deployed(f"http://localhost:{self._listener.getsockname()[1]}/")

    def shutdown(self) -> None:
        if self._listener is not None:
            self._listener.close()


class Restarting(ExternalArchitect):
    """Has the run deployed again while the program outside does not serve it."""

    type = "restarting"

    def health(self) -> ServerHealth:
        address = urlsplit(self.args.public_url or "")
        try:
            socket.create_connection((address.hostname or "", address.port or 80)).close()
        except OSError:
            return ServerHealth.GONE
        return ServerHealth.SERVING


class Wandering(ExternalArchitect):
    """Has another address for each deployment."""

    type = "wandering"

    def deploy(self, deployment: Deployment) -> Deployed:
        return Deployed(f"{super().deploy(deployment).url}{deployment.instance}/")


class _Wrapped:
    """A WSGI application around that of a run."""

    def __init__(self, inner: Handler) -> None:
        self._inner = inner
        self._numbers = itertools.count()

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        return self._inner(environ, start)


def _reply(start: Start, status: str, body: Mapping[str, str] | str) -> Iterable[bytes]:
    kind = "text/plain" if isinstance(body, str) else "application/json"
    text = body if isinstance(body, str) else json.dumps(body)
    start(status, [("Content-Type", kind)])
    return [text.encode()]


class _LosingApp(_Wrapped):
    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/submit":
            environ["wsgi.input"].read()
            return _reply(start, "200 OK", {"outcome": "error"})
        return super().__call__(environ, start)


class _DoorlessApp(_Wrapped):
    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/enter":
            return _reply(start, "404 Not Found", "no such page")
        return super().__call__(environ, start)


class _ClosedApp(_Wrapped):
    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if "worker_id=tabs" in environ["QUERY_STRING"] and next(self._numbers) % 2:
            return _reply(start, "503 Service Unavailable", "one at a time")
        return super().__call__(environ, start)


class _AssetlessApp(_Wrapped):
    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/beside.svg":
            return _reply(start, "404 Not Found", "no such page")
        return super().__call__(environ, start)


class _LeakingApp(_Wrapped):
    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"].endswith("data.csv"):
            return _reply(start, "200 OK", "word")
        return super().__call__(environ, start)


class _DeafApp(_Wrapped):
    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/platform/"):
            environ["wsgi.input"].read()
            return _reply(start, "404 Not Found", "no such page")
        return super().__call__(environ, start)


class _DecodingApp(_Wrapped):
    """Reads the JSON of a platform, and passes on what means the same."""

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/platform/"):
            body = environ["wsgi.input"].read().decode(errors="replace").encode() + b"\n"
            environ.update({"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
        return super().__call__(environ, start)


class _FramingApp(_Wrapped):
    """Sends the headers of a worker's page with every reply."""

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        def start_framed(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            names = {name.lower() for name, _ in headers}
            policy = ("Content-Security-Policy", "frame-ancestors 'none'")
            more = [] if policy[0].lower() in names else [policy]
            return start(status, [*headers, *more], *rest)

        return super().__call__(environ, start_framed)


class _FencingApp(_Wrapped):
    """Sends the headers of a worker's page with the files, too."""

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        def start_fenced(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            policy = "content-security-policy"
            fenced = [
                (name, "frame-ancestors 'none'" if name.lower() == policy else value)
                for name, value in headers
            ]
            return start(status, fenced, *rest)

        return super().__call__(environ, start_fenced)


class _BareApp(_Wrapped):
    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        def start_bare(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            kept = [each for each in headers if each[0].lower().startswith("content-t")]
            return start(status, kept, *rest)

        return super().__call__(environ, start_bare)


def _wrapped(wrapper: type[_Wrapped]) -> Any:
    app: Any = create_app()
    app.wsgi_app = wrapper(app.wsgi_app)
    return app


def losing_app() -> Any:
    return _wrapped(_LosingApp)


def doorless_app() -> Any:
    return _wrapped(_DoorlessApp)


def closed_app() -> Any:
    return _wrapped(_ClosedApp)


def assetless_app() -> Any:
    return _wrapped(_AssetlessApp)


def leaking_app() -> Any:
    return _wrapped(_LeakingApp)


def deaf_app() -> Any:
    return _wrapped(_DeafApp)


def decoding_app() -> Any:
    return _wrapped(_DecodingApp)


def framing_app() -> Any:
    return _wrapped(_FramingApp)


def fencing_app() -> Any:
    return _wrapped(_FencingApp)


def bare_app() -> Any:
    return _wrapped(_BareApp)


class Losing(Kept):
    type = "losing"
    application = "broken_architects:losing_app"


class Doorless(Kept):
    type = "doorless"
    application = "broken_architects:doorless_app"


class Closed(Kept):
    type = "closed"
    application = "broken_architects:closed_app"


class Assetless(Kept):
    type = "assetless"
    application = "broken_architects:assetless_app"


class Leaking(Kept):
    type = "leaking"
    application = "broken_architects:leaking_app"


class Deaf(Kept):
    type = "deaf"
    application = "broken_architects:deaf_app"


class Decoding(Kept):
    type = "decoding"
    application = "broken_architects:decoding_app"


class Framing(Kept):
    type = "framing"
    application = "broken_architects:framing_app"


class Fencing(Kept):
    type = "fencing"
    application = "broken_architects:fencing_app"


class Bare(Kept):
    type = "bare"
    application = "broken_architects:bare_app"


@famulus.hookimpl
def famulus_register_architects() -> list[type[famulus.Architect]]:
    """Register them; ``Unregistered`` is left out."""
    return [
        *(Kept, Silent, Careless, Placeless, Writing, Starting, Texting, Unstorable, Yes, Sure),
        *(Hasty, Once, Moving, Forgetting, Orphaning, Losing, Doorless, Closed, Assetless),
        *(
            Leaking,
            Bare,
            Binding,
            Deaf,
            Decoding,
            Framing,
            Fencing,
            Listening,
            Restarting,
            Wandering,
        ),
    ]


class Unregistered(Kept):
    type = "unregistered"
