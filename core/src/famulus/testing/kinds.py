"""A blueprint, an architect and providers for tests in one process.

The plugin :class:`KitPlugin` registers them. The plugin has no entry point, so that no program
finds it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from attrs import define, evolve, frozen

from famulus.contracts.architect import Architect, Deployed, Deployment, ServerHealth
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.blueprint_args import OnboardingArgs
from famulus.contracts.completion import Completion, Nothing, VisitOutcome
from famulus.contracts.entry_form import EntryForm
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.plan import Plan, SharedTaskState
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Arrival,
    Capabilities,
    Preview,
    VisitView,
)
from famulus.contracts.views import (
    AttemptView,
    Form,
    NotPassed,
    OnboardingView,
    Page,
    PreviewView,
    Refusal,
    TaskView,
    answers_from,
)
from famulus.errors import InvalidAnswers, Problem
from famulus.options.declare import callback, option, rows


@frozen(kw_only=True)
class RowsArgs(OnboardingArgs):
    """Options of the blueprint ``rows``; ``onboarding_qualification`` adds an onboarding."""

    rows_file: Path | None = option(help="File with a JSON object on each line, read when needed.")


@define(kw_only=True)
class RowsState(SharedTaskState):
    """The state of the blueprint ``rows``, which a test gives in Python."""

    rows: Any = rows(help="The rows: a list or a generator.")
    validate_onboarding: Callable[[Any], bool | NotPassed] | None = callback(
        help="(answers) -> bool or NotPassed; without it the answer must be 'right'."
    )


class RowsBlueprint(Blueprint):
    """A form with one field for each row; the page holds the row as JSON in ``<output>``.

    The answer ``invalid`` is refused.
    """

    type = "rows"
    Args = RowsArgs
    SharedState = RowsState
    is_quick = True

    def problems(self, plan: Plan) -> list[Problem]:
        """Return no problems."""
        return []

    def assignments(self) -> Iterator[Mapping[str, Any]]:
        """Stream the rows of the file, or else those given in Python."""
        if self.args.rows_file is None:
            yield from self._state.rows or ()
            return
        with self.args.rows_file.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)

    @property
    def data_is_code(self) -> bool:
        """Whether the rows were given in Python."""
        return self.args.rows_file is None

    @property
    def has_onboarding(self) -> bool:
        """Whether the option that names the onboarding's qualification is set."""
        return self.args.onboarding_qualification is not None

    def task_page(self, view: TaskView) -> Page:
        """Show the row and one field."""
        return _page(view.unit.data)

    def refused_page(self, view: TaskView, form: Form, fields: Mapping[str, str]) -> Page:
        """Show the row, the field and what is wrong with its value."""
        page = super().refused_page(view, form, fields)
        said = "".join(f"<p>{escape(name)}: {escape(text)}</p>" for name, text in fields.items())
        return evolve(page, body=page.body + said)

    def preview_page(self, view: PreviewView) -> Page:
        """Show the first row."""
        return _page(view.data)

    def onboarding_page(self, view: OnboardingView) -> Page:
        """Show one field."""
        return _page(None)

    def onboarding_passed(self, answers: Any, attempt: AttemptView) -> bool | NotPassed:
        """Ask the callback; without one, accept the answer ``right``."""
        check = self._state.validate_onboarding
        return check(answers) if check else answers.get("answer") == "right"

    def read_answers(self, form: Form, attempt: AttemptView) -> Any:
        """Take the fields as they are."""
        if form.first("answer") == "invalid":
            raise InvalidAnswers("This is no answer.", {"answer": "Give another one."})
        return answers_from(form)

    @property
    def _state(self) -> RowsState:
        state = self.context.shared_state
        assert isinstance(state, RowsState)
        return state


@frozen(kw_only=True)
class NoArgs:
    """No options."""


@frozen(kw_only=True)
class NowhereArgs:
    """Options of the architect ``nowhere``."""

    public_url: str | None = option(help="The run's address as the architect reports it.")


class NowhereArchitect(Architect):
    """An architect that serves nothing: a test opens its own gateway."""

    type = "nowhere"
    Args = NowhereArgs
    url: ClassVar[str] = "http://nowhere.invalid/"

    def problems(self, plan: Plan) -> list[Problem]:
        """Return no problems."""
        return []

    def deploy(self, deployment: Deployment) -> Deployed:
        """Return an address at which nothing is served."""
        return Deployed(self.args.public_url or self.url)

    def health(self) -> ServerHealth:
        """Return ``SERVING``, so that the run is not deployed again."""
        return ServerHealth.SERVING

    def shutdown(self) -> None:
        """Do nothing."""


class CrowdProvider(Provider):
    """A crowd whose workers are named in the URL.

    The parameters are ``worker_id``, ``assignment_id`` and, optionally, ``accept`` and ``place``.
    """

    type = "crowd"
    Args: ClassVar[Any] = NoArgs
    default_requester = "requester of the crowd"
    is_quick = True

    def problems(self, plan: Plan) -> list[Problem]:
        """Return no problems."""
        return []

    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | EntryForm | Refusal:
        """Return an arrival of the worker that the parameters name."""
        if "worker_id" not in query:
            return Preview()
        return Arrival(
            worker_name=query["worker_id"],
            reference=query["assignment_id"],
            accept=query.get("accept", ""),
            place=query.get("place", ""),
        )

    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        """Return :class:`~famulus.Nothing`: no last step is left to the worker."""
        return Nothing()


class ReportingCrowdProvider(CrowdProvider):
    """A crowd whose platform reports which visits were submitted."""

    type = "reporting_crowd"
    capabilities = Capabilities(reports_submissions=True)
    sync_seconds = 0
    is_quick = True


class KitPlugin:
    """Registers the kinds of this module."""

    @hookimpl
    def famulus_register_blueprints(self) -> list[type[Blueprint]]:
        """Return the blueprint ``rows``."""
        return [RowsBlueprint]

    @hookimpl
    def famulus_register_architects(self) -> list[type[Architect]]:
        """Return the architect ``nowhere``."""
        return [NowhereArchitect]

    @hookimpl
    def famulus_register_providers(self) -> list[type[Provider]]:
        """Return the providers ``crowd`` and ``reporting_crowd``."""
        return [CrowdProvider, ReportingCrowdProvider]


def _page(row: Mapping[str, Any] | None) -> Page:
    shown = "" if row is None else f"<output>{escape(json.dumps(dict(row)))}</output>"
    return Page(body=f'{shown}<input name="answer">')
