"""The pages of one run that hold a form of its blueprint: the task, the onboarding, the preview."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from attrs import define, evolve, field

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import VisitView
from famulus.contracts.views import (
    Form,
    OnboardingView,
    Page,
    PreviewView,
    TaskView,
    UnitView,
    WorkerView,
    page_from,
)
from famulus.engine import pages
from famulus.engine.admission_results import AssignedUnit, OpenOnboarding
from famulus.engine.answers import read_unit
from famulus.engine.attempts import Attempt
from famulus.engine.submitted_answers import read_last_answers
from famulus.engine.tokens import SignedArrival, SignedAttempt, Tokens
from famulus.engine.unit_number import read_unit_number
from famulus.engine.visits import most_left
from famulus.engine.worker_progress import UnitNumber
from famulus.model.database import Database
from famulus.model.fields import to_micros
from famulus.model.statements import Param, Statement
from famulus.model.tables import AgentTable, AssignmentTable
from famulus.translation import LANGUAGES, Translator

_SECOND = 1_000_000

_FIRST_ROW = Statement(
    AssignmentTable.select(AssignmentTable.data).where(
        AssignmentTable.run == Param("run"), AssignmentTable.number == 0
    )
)
_DEADLINE = Statement(AgentTable.select(AgentTable.deadline).where(AgentTable.id == Param("agent")))


@define(kw_only=True)
class TaskPages:
    """Makes the pages of one run. Used by many threads; keeps only a cache."""

    database: Database
    run_id: int
    blueprint: Blueprint
    provider: Provider
    tokens: Tokens
    info: pages.TaskInfo
    #: whether a power failure may undo an arrival, so that its page has to say how to make it again
    signs_arrivals: bool
    _first_row: Mapping[str, Any] | None = field(default=None, init=False)
    #: by the tag of a language, and whether for the onboarding
    _layout: Callable[[str, bool], pages.TaskLayout] = field(init=False)

    @_layout.default
    def _cached_layouts(self) -> Callable[[str, bool], pages.TaskLayout]:
        return lru_cache(2 * len(LANGUAGES))(partial(_layout_of, self.info))

    def page(
        self,
        found: AssignedUnit | OpenOnboarding,
        visit: VisitView,
        translate: Translator,
        *,
        just_passed: bool,
    ) -> str:
        """Return the page of the unit or onboarding that a worker was given in a visit.

        :param just_passed: whether the worker comes from the onboarding, which they have passed.
        """
        worker = WorkerView(
            id=found.worker, name=visit.worker_name, provider_type=self.provider.type
        )
        if isinstance(found, OpenOnboarding):
            view = self._onboarding_view(found.agent, worker, translate)
            page = page_from(self.blueprint.onboarding_page(view), "onboarding_page")
            signed = SignedAttempt(found.agent, found.nonce, onboarding=True)
            frame = self._frame(signed, page, found.deadline)
            return pages.task_document(self._layout(translate.language.tag, True), frame)
        unit = UnitView(
            id=found.unit,
            assignment_id=found.assignment,
            index=found.index,
            data=json.loads(found.data),
        )
        page = page_from(
            self.blueprint.task_page(self._view(found.agent, worker, unit, translate)), "task_page"
        )
        number = found.number or self._number(found.worker, found.agent)
        arrival = SignedArrival(
            found.unit,
            found.started_at,
            visit.worker_name,
            visit.reference,
            found.accept,
            dict(visit.query),
        )
        frame = self._frame(
            self._signed(found.agent, found.nonce, arrival),
            page,
            found.deadline,
            number=self._limited(number, visit),
            just_passed=just_passed,
        )
        return pages.task_document(self._layout(translate.language.tag, False), frame)

    def refused_page(
        self,
        attempt: Attempt,
        form: Form,
        message: str,
        fields: Mapping[str, str],
        translate: Translator,
    ) -> str:
        """Return the page of an attempt again, with the values of a form that was not stored.

        :param message: the reason, shown above the form.
        :param fields: a sentence for each field that is not right.
        """
        with self.database.read() as tx:
            (deadline,) = tx.one(_DEADLINE, agent=attempt.agent) or (0,)
            unit = None if attempt.unit is None else read_unit(tx, attempt.unit)
        worker = WorkerView(
            id=attempt.worker, name=attempt.worker_name, provider_type=self.provider.type
        )
        if unit is None:
            signed = SignedAttempt(attempt.agent, attempt.nonce, onboarding=True)
            shown = self._onboarding_view(attempt.agent, worker, translate)
            found = self.blueprint.refused_onboarding_page(shown, form, fields)
            page, number = page_from(found, "refused_onboarding_page"), None
        else:
            arrival = SignedArrival(
                unit.id,
                attempt.started_at,
                attempt.worker_name,
                attempt.reference,
                attempt.accept,
                json.loads(attempt.query),
            )
            signed = self._signed(attempt.agent, attempt.nonce, arrival)
            view = self._view(attempt.agent, worker, unit, translate)
            found = self.blueprint.refused_page(view, form, fields)
            page = page_from(found, "refused_page")
            number = self._number(attempt.worker, attempt.agent)
            number = self._limited(number, attempt.visit_view)
        frame = self._frame(signed, page, deadline, number=number)
        layout = self._layout(translate.language.tag, unit is None)
        return pages.task_document(layout, evolve(frame, message=message))

    def preview(self, translate: Translator) -> str:
        """Return the preview."""
        if self._first_row is None:
            with self.database.read() as tx:
                row = tx.one(_FIRST_ROW, run=self.run_id)
            self._first_row = json.loads(row[0]) if row else None
        page = self.blueprint.preview_page(
            PreviewView(data=self._first_row, language=translate.language.tag)
        )
        if page is not None:
            page_from(page, "preview_page")
        return pages.preview_document(self.info, translate, page)

    def passed(self, just_passed: bool) -> bool | None:
        """Return whether a page shows that the onboarding was passed; None if the run has none."""
        return just_passed if self.blueprint.has_onboarding else None

    def _view(
        self, agent: int, worker: WorkerView, unit: UnitView, translate: Translator
    ) -> TaskView:
        def earlier_answers() -> Any:
            with self.database.read() as tx:
                stored = read_last_answers(tx, run=self.run_id, worker=worker.id)
            return None if stored is None else json.loads(stored)

        return TaskView(
            agent_id=agent,
            worker=worker,
            unit=unit,
            language=translate.language.tag,
            earlier_answers=earlier_answers,
        )

    def _onboarding_view(
        self, agent: int, worker: WorkerView, translate: Translator
    ) -> OnboardingView:
        return OnboardingView(agent_id=agent, worker=worker, language=translate.language.tag)

    def _number(self, worker: int, agent: int) -> UnitNumber | None:
        with self.database.read() as tx:
            return read_unit_number(tx, run=self.run_id, worker=worker, agent=agent)

    def _limited(self, number: UnitNumber | None, visit: VisitView) -> UnitNumber | None:
        """Return a unit's number, its maximum capped by what the provider lets the worker do."""
        left = None if number is None else most_left(self.provider, visit)
        if number is None or left is None:
            return number
        bounds = (number.number + left, number.most)
        return evolve(number, most=min(bound for bound in bounds if bound is not None))

    def _signed(self, agent: int, nonce: int | None, arrival: SignedArrival) -> SignedAttempt:
        return SignedAttempt(agent, nonce, arrival=arrival if self.signs_arrivals else None)

    def _frame(
        self,
        signed: SignedAttempt,
        page: Page,
        deadline: int,
        *,
        number: UnitNumber | None = None,
        just_passed: bool = False,
    ) -> pages.TaskFrame:
        now = to_micros(self.database.clock())
        # As in the token, the number alone may be another attempt's after a power failure.
        attempt = signed.agent if signed.nonce is None else f"{signed.agent}-{signed.nonce}"
        return pages.TaskFrame(
            page=page,
            token=self.tokens.sign(signed),
            ticket=self.tokens.sign_ticket(signed.agent),
            submission_id=secrets.token_hex(16),
            # One host may serve the runs of several databases, and a browser keeps by host.
            storage_key=f"{self.database.identity}-{self.run_id}-{attempt}",
            seconds_left=max((deadline - now) // _SECOND, 0),
            number=number,
            passed=self.passed(just_passed),
        )


def _layout_of(info: pages.TaskInfo, tag: str, is_onboarding: bool) -> pages.TaskLayout:
    return pages.TaskLayout.of(info, Translator(LANGUAGES[tag]), is_onboarding=is_onboarding)
