"""A gateway that echoes its requests, and an application of it for serving processes."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from flask import Flask, Response, jsonify, request

import famulus
from famulus import AssetFolder, Form, PlatformRequest, Reply, UnavailableError, UsageError
from famulus_flask.wsgi import create_app


class StubGateway:
    """Answers with what it got; keeps the files whose field is called ``kept``."""

    def __init__(self, folder: Path) -> None:
        self.run_id = 7
        self.upload_folder = folder / "uploads"
        self.upload_folder.mkdir()
        self.kept_folder = folder / "kept"
        self.assets = [AssetFolder(folder / name) for name in ("assets", "more_assets")]
        for each in [self.kept_folder, *(one.path for one in self.assets)]:
            each.mkdir()
        self.headers: Mapping[str, str] = {"Content-Security-Policy": "frame-ancestors 'none'"}
        self.asset_headers = {"Content-Security-Policy": "frame-ancestors 'self'"}
        self.forms: list[Form] = []
        #: those that were too large
        self.refused: list[Form] = []
        self.entered: list[tuple[dict[str, str], Sequence[tuple[str, str]]]] = []
        self.requests: list[PlatformRequest] = []
        self.most_platform_bytes = 100
        #: the only one that admits a form, or None for any
        self.ticket: str | None = None
        #: whether pages and submissions can be answered together
        self.is_quick = False
        #: whether they are answered in a thread
        self.waits_for_server = False
        #: how many were answered together, each time
        self.batches: list[int] = []

    def admits(self, ticket: str) -> bool:
        return self.ticket in (None, ticket)

    def not_admitted(self, *, as_json: bool, accept_language: str) -> Reply:
        kind = "application/json" if as_json else "text/html; charset=utf-8"
        return Reply(status=404, body="not admitted", content_type=kind)

    def arrive(self, query: Mapping[str, str], *, accept_language: str) -> Reply:
        if "hang" in query:
            threading.Event().wait()
        return Reply(status=200, body=json.dumps(dict(query)))

    def enter(self, query: Mapping[str, str], form: Form, *, accept_language: str) -> Reply:
        assert not form.files
        self.entered.append((dict(query), form.fields))
        return Reply(status=303, body="", headers={"Location": "./?from=the+gateway"})

    def submit(self, form: Form, *, as_json: bool, accept_language: str) -> Reply:
        if form.first("unavailable"):
            raise UnavailableError("not now")
        if form.first("mistake"):
            raise ZeroDivisionError("a mistake")
        self.forms.append(form)
        for file in form.files:
            if file.field == "kept":
                file.path.rename(self.kept_folder / file.path.name)
        body = json.dumps(
            {
                "fields": list(form.fields),
                "files": [[file.field, file.filename, file.size] for file in form.files],
            }
        )
        kind = "application/json" if as_json else "text/html; charset=utf-8"
        return Reply(
            status=int(form.first("status") or 200),
            body=body,
            content_type=kind,
            headers={} if form.first("header") is None else {"X-Taken": form.first("header") or ""},
        )

    def begin_arrival(
        self, query: Mapping[str, str], *, accept_language: str
    ) -> Callable[[], Reply] | None:
        if not self.is_quick or "slow" in query:
            return None
        return lambda: self.arrive(query, accept_language=accept_language)

    def begin_submission(
        self, form: Form, *, as_json: bool, accept_language: str
    ) -> Callable[[], Reply] | None:
        if not self.is_quick or form.first("slow") is not None:
            return None
        return lambda: self.submit(form, as_json=as_json, accept_language=accept_language)

    def answer_together(self, requests: Sequence[Callable[[], Reply]]) -> list[Reply | None]:
        """Return None for a request that fails: the general way finds out why."""
        self.batches.append(len(requests))
        return [self._answer(request) for request in requests]

    def _answer(self, request: Callable[[], Reply]) -> Reply | None:
        try:
            return request()
        except (ZeroDivisionError, UnavailableError):
            return None

    def too_large(self, form: Form, message: str, *, as_json: bool, accept_language: str) -> Reply:
        self.refused.append(form)
        body = json.dumps({"outcome": "too_large", "message": message, "fields": form.fields})
        kind = "application/json" if as_json else "text/html; charset=utf-8"
        return Reply(status=413, body=body, content_type=kind)

    def notice(
        self, status: int, heading: str, text: str, *, as_json: bool, accept_language: str
    ) -> Reply:
        outcome = "too_large" if status == 413 else "error"
        body = json.dumps({"outcome": outcome, "message": text, "heading": heading})
        kind = "application/json" if as_json else "text/html; charset=utf-8"
        return Reply(status=status, body=body, content_type=kind)

    def give_back(self, form: Form, *, accept_language: str) -> Reply:
        return Reply(status=200, body=f"given back {form.first('famulus_token')}")

    def receive(self, provider_type: str, request: PlatformRequest) -> Reply:
        if provider_type != "crowd":
            return Reply(status=404, body="no such platform", content_type="text/plain")
        self.requests.append(request)
        return Reply(
            status=202, body="taken", content_type="text/plain", headers={"X-Challenge": "c"}
        )

    def busy(self, cause: Exception | None = None, *, accept_language: str = "") -> Reply:
        return Reply(status=503, body="come again", headers={"Retry-After": "5"})

    def close(self) -> None:
        (Path(os.environ["FAMULUS_FILES"]) / "closed").touch()


def create_served_app() -> Flask:
    """Make an application that also reports its process."""
    gateway = StubGateway(Path(tempfile.mkdtemp(dir=os.environ["FAMULUS_FILES"])))
    vars(famulus)["open_gateway"] = lambda *_: gateway
    app = create_app()

    @app.get("/environment")
    def environment() -> Response:
        return jsonify(
            pid=os.getpid(),
            forms=len(gateway.forms),
            process=sorted(os.environ),
            request=sorted(request.environ),
        )

    return app


def create_refused_app() -> Flask:
    """Fail the way a gateway does that lacks something."""
    raise UsageError("the run needs the callback worker_can_do_unit")


def create_broken_app() -> Flask:
    """Fail the way a mistake does."""
    raise ZeroDivisionError("a mistake")
