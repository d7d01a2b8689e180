"""The provider prolific by itself: a real database, and a fake Prolific to call over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field

from famulus import (
    Arrival,
    Context,
    Database,
    Plan,
    Preview,
    Refusal,
    RequesterView,
    Role,
    RunView,
    SharedTaskState,
    TaskArgs,
)
from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import FakeProlific, Study
from famulus_prolific.options import ProlificArgs
from famulus_prolific.provider import ProlificProvider
from famulus_prolific.schema import SCHEMA
from famulus_prolific.tokens import ENVIRONMENT

RUN_URL = "https://tasks.example.org/"


def parameters(url: str) -> dict[str, str]:
    """Return the parameters of the address that a participant was sent to."""
    return dict(parse_qsl(urlsplit(url).query))


@define(eq=False)
class Bench:
    """One run of a requester, as core would show it to the provider."""

    prolific: FakeProlific
    database: Database
    clock: MovableClock
    options: dict[str, Any] = field(factory=dict)
    task: dict[str, Any] = field(factory=dict)
    shared_state: SharedTaskState = field(factory=SharedTaskState)
    provider: ProlificProvider = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.database.prepare([SCHEMA])
        self.restart()

    def restart(self, **options: Any) -> None:
        """Start again with only the database, as after a crash."""
        self.options = {**self.options, **options}
        self.provider = self.make()

    def make(self) -> ProlificProvider:
        """Make another instance of the account's provider."""
        with self.prolific.turn() as state:
            (workspace,) = state.workspaces
            settings = {
                "account": state.researcher_id,
                "currency": state.money.currency,
                "workspace": workspace,
                "token_in": ENVIRONMENT,
            }
        context = Context(
            database=self.database,
            clock=self.clock,
            shared_state=self.shared_state,
            requester=RequesterView(id=1, name="me", provider_type="prolific", settings=settings),
            run_id=self.run.id,
        )
        return ProlificProvider(self._args, context)

    @property
    def _args(self) -> ProlificArgs:
        where = {"api_url": self.prolific.api_url, "site_url": self.prolific.site_url}
        return ProlificArgs(**{**where, **self.options})

    @property
    def plan(self) -> Plan:
        """A plan that Prolific accepts, except for ``task`` and ``options``."""
        given = {
            "task_title": "Label a picture",
            "task_description": "What is on it?",
            "task_reward": Decimal("1.50"),
            "estimated_minutes": Decimal(10),
            **self.task,
        }
        nothing = Role(type="nothing", args=None)
        return Plan(
            task=TaskArgs(**given),
            blueprint=nothing,
            architect=nothing,
            provider=Role(type="prolific", args=self._args),
            shared_state=self.shared_state,
            task_dir=Path(),
        )

    @property
    def run(self) -> RunView:
        """The run."""
        return self.other_run(1)

    def other_run(self, number: int) -> RunView:
        """Return a run of the same plan."""
        return RunView(
            id=number,
            key=f"key-{number}",
            plan=self.plan,
            url=RUN_URL,
            closes_at=self.clock() + timedelta(days=1),
        )

    @property
    def studies(self) -> list[Study]:
        """All studies of the account, oldest first."""
        with self.prolific.turn() as state:
            return list(state.studies.values())

    @property
    def study(self) -> Study:
        """The only study of the account."""
        (found,) = self.studies
        return found

    @property
    def status(self) -> str:
        """The status of the only study."""
        return self.study.status

    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | Refusal:
        """Arrive, as in a serving process."""
        return self.provider.arrive(query)
