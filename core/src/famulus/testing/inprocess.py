"""Runs and workers in one process: a real database and the real engine, without HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from html import unescape
from secrets import token_hex
from typing import Any

from attrs import frozen

from famulus.contracts.views import Form, FormFile, Reply
from famulus.engine.gateway import Gateway
from famulus.engine.pages import SUBMISSION_FIELD, TOKEN_FIELD
from famulus.engine.places.closing import ClosingLimits
from famulus.operate import lease
from famulus.operate.launching import Launched
from famulus.operate.managed_run import ManagedRun
from famulus.operate.operator import Operator
from famulus.operate.run_threads import RunThreads
from famulus.plugins import Plugins
from famulus.testing.kinds import KitPlugin, RowsState

_HIDDEN = re.compile(r'<input type="hidden" name="(famulus_\w+)" value="([^"]*)"')
_ROW = re.compile(r"<output>(.*?)</output>", re.DOTALL)


def kit_plugins(**more: object) -> Plugins:
    """Return the plugins of :mod:`famulus.testing.kinds`, and other plugins by their names."""
    plugins = Plugins()
    for name, plugin in {"kit": KitPlugin(), **more}.items():
        plugins.add(name, plugin)
    return plugins


def rows_configuration(
    *,
    provider: str = "crowd",
    architect: str = "nowhere",
    blueprint: Mapping[str, Any] | None = None,
    provider_options: Mapping[str, Any] | None = None,
    public_url: str | None = None,
    **task: Any,
) -> dict[str, Any]:
    """Return the configuration of a task of the blueprint ``rows`` that no server serves.

    :param public_url: the address that the run reports although nothing serves it.
    :param task: options of the task; required options have default values here.
    """
    required = {
        "task_title": "A task",
        "task_description": "Of a test.",
        "task_reward": "0.10",
        # Most tests have one worker who does everything at once.
        "allowed_concurrent": 0,
    }
    return {
        "defaults": [{"blueprint": "rows"}, {"architect": architect}, {"provider": provider}],
        "architect": {"public_url": public_url} if public_url else {},
        "provider": dict(provider_options or {}),
        "blueprint": dict(blueprint or {}),
        "task": {**required, **task},
    }


class ManualOperator(Operator):
    """An operator without threads of its own: what is due happens when :meth:`turn` is called.

    No time passes before the closing of places is retried.
    """

    _closing_limits = ClosingLimits(pauses=(0.0, 0.0, 0.0))

    def launch_rows(
        self,
        rows: Iterable[Mapping[str, Any]],
        *,
        shared: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Gateway:
        """Launch a task of the blueprint ``rows``, load all its data and open a gateway.

        :param shared: more of the shared state; ``options`` go to :func:`rows_configuration`.
        """
        state = RowsState(rows=rows, **(shared or {}))
        launched = self.launch(rows_configuration(**options), shared_state=state)
        self.load_all(launched)
        return self.gateway(launched)

    def load_all(self, launched: Launched) -> None:
        """Wait until the data of a launched run are loaded, or loading them has failed."""
        loading = self.managed(launched.run_id).loading
        if loading is not None:
            loading.join()

    def managed(self, run: int) -> ManagedRun:
        """Return the managed run of this operator with that number."""
        return self._runs[run]

    def turn(self, *, suspended: bool = False) -> None:
        """Sync every run once, do what is due, and deliver its outbox rows and events.

        :param suspended: whether to act as if the operator had been suspended since its last turn;
            otherwise, as if it had been running all the time.
        """
        for managed in self._threads.going_on():
            managed.sync()
            if not suspended:
                self._renew_lease(managed)
            managed.renew_lease()
            managed.look_after()
            if not managed.ended.is_set():
                managed.deliver()
                managed.listeners.catch_up()

    def _renew_lease(self, managed: ManagedRun) -> None:
        self.database.write(lambda tx: lease.renew(tx, managed.run, managed.holder))

    def _make_threads(self, runs: dict[int, ManagedRun]) -> RunThreads:
        return NoThreads(self.database, runs)


class NoThreads(RunThreads):
    """Replaces the threads of an operator whose runs a test manages itself."""

    def start(self) -> None:
        """Start no threads."""


@frozen(kw_only=True)
class Seen:
    """A reply, parsed into what a worker sees."""

    reply: Reply
    #: the hidden fields of the page's form
    hidden: Mapping[str, str]
    #: the row shown on a page of the blueprint ``rows``
    row: Mapping[str, Any] | None

    @property
    def status(self) -> int:
        """The reply's status."""
        return self.reply.status

    @property
    def text(self) -> str:
        """The reply's body."""
        return self.reply.body

    @property
    def refusal(self) -> str | None:
        """The code of the refusal, or None."""
        return self.reply.headers.get("X-Famulus-Refusal")

    @property
    def outcome(self) -> str | None:
        """The outcome of a submission, as sent to the page's script; None for a page."""
        if not self.reply.content_type.startswith("application/json"):
            return None
        return str(json.loads(self.reply.body)["outcome"])

    @property
    def has_form(self) -> bool:
        """Whether the page has a form to submit."""
        return TOKEN_FIELD in self.hidden


def seen(reply: Reply) -> Seen:
    """Parse a reply, as far as tests need it."""
    row = _ROW.search(reply.body)
    return Seen(
        reply=reply,
        hidden={name: unescape(value) for name, value in _HIDDEN.findall(reply.body)},
        row=None if row is None else json.loads(unescape(row[1])),
    )


@frozen
class GatewayWorker:
    """A worker who arrives through a gateway, with a new reference for each visit."""

    gateway: Gateway
    name: str
    #: the header of this name
    accept_language: str = ""

    def arrive(self, reference: str | None = None, **query: str) -> Seen:
        """Open the task; the same reference again is a reload."""
        if reference is None:
            reference = token_hex(8)
        reply = self.gateway.arrive(
            {"worker_id": self.name, "assignment_id": reference, **query},
            accept_language=self.accept_language,
        )
        return seen(reply)

    def submit(
        self,
        page: Seen,
        answer: str = "an answer",
        *,
        files: Sequence[FormFile] = (),
        submission: str | None = None,
        as_json: bool = False,
        **fields: str,
    ) -> Seen:
        """Send the page's form. Calling it again repeats the submission, as after a lost reply.

        :param submission: a submission's id to send in place of the one in the page.
        """
        hidden = dict(page.hidden)
        if submission is not None:
            hidden[SUBMISSION_FIELD] = submission
        form = Form(fields=[*hidden.items(), ("answer", answer), *fields.items()], files=files)
        reply = self.gateway.submit(form, as_json=as_json, accept_language=self.accept_language)
        return seen(reply)

    def give_back(self, page: Seen) -> Seen:
        """Press the button that gives the unit back."""
        return seen(self.gateway.give_back(Form(fields=[*page.hidden.items()])))

    def work(self, answer: str = "an answer") -> Seen:
        """Arrive for a new visit and submit its form, if it has one; return the last page seen."""
        page = self.arrive()
        return self.submit(page, answer) if page.has_form else page
