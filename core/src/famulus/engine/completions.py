"""How workers leave: the provider's completion of a visit, and the pages that end with it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import evolve, frozen

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.completion import Completion, Nothing, OwnPage, VisitOutcome
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Arrival,
    VisitView,
)
from famulus.contracts.views import AttemptView, Refusal, RefusalReason
from famulus.engine import pages
from famulus.engine.admission import Admission
from famulus.engine.own_work import OwnWork, PaidRun, read_own_work
from famulus.engine.qualifications.rules import FailedOnboarding
from famulus.engine.visits import most_left, read_refused_visit
from famulus.errors import FamulusError
from famulus.model.database import Database
from famulus.translation import Translator

_log = logging.getLogger(__name__)

_O, _R = VisitOutcome, RefusalReason
#: The outcome of each refusal; None if the worker holds no place that the provider knows.
OUTCOMES: Mapping[RefusalReason, VisitOutcome | None] = MappingProxyType(
    {
        _R.NOT_QUALIFIED: _O.NOT_QUALIFIED,
        _R.ALL_DONE: _O.NO_WORK_LEFT,
        _R.MAXIMUM_REACHED: _O.LIMIT_REACHED,
        _R.TOO_MANY_OPEN: _O.LIMIT_REACHED,
        _R.PLACE_TAKEN: _O.NO_WORK_LEFT,
        _R.NOTHING_LEFT: _O.NO_WORK_LEFT,
        _R.RUN_COMPLETE: _O.RUN_CLOSED,
        _R.RUN_CLOSED: _O.RUN_CLOSED,
        _R.RUN_STOPPED: _O.RUN_CLOSED,
        _R.BLOCKED: _O.NOT_QUALIFIED,
        _R.UNKNOWN_LINK: None,
        _R.TIME_OVER: _O.WITHDREW,
    }
)


def outcome_of(refusal: Refusal) -> VisitOutcome | None:
    """Return the outcome of a refused visit, or None if the worker holds no place."""
    if isinstance(refusal, FailedOnboarding):
        return _O.SCREENED_OUT if refusal.is_screened_out else _O.FAILED_CHECK
    return OUTCOMES[refusal.reason]


@frozen(eq=False, kw_only=True)
class Completions:
    """Asks the provider of one run how workers leave. Used by many threads.

    The page has to be sent whatever plugins raise, since it confirms that answers are stored, or
    says why there is no work.
    """

    database: Database
    run: PaidRun
    #: of the run, by the tag of the page's language
    titles: Mapping[str, str]
    blueprint: Blueprint
    provider: Provider
    admission: Admission

    def stored_page(
        self,
        visit: VisitView,
        answers: Any,
        view: AttemptView,
        translate: Translator,
        *,
        late: bool,
        has_next: bool | None = None,
    ) -> str:
        """Return the page for answers that are stored, with the last step of the worker.

        :param has_next: whether there is another unit for the worker; None if it is not known.
        """
        thank_you = self._thank_you(answers, view)
        return pages.stored_document(
            self.titles[translate.language.tag],
            translate,
            answers,
            late,
            self.of(visit, VisitOutcome.COMPLETED, thank_you, has_next=has_next),
            shows_answers=self.provider.capabilities.shows_answers,
        )

    def already_page(self, visit: VisitView, translate: Translator, *, is_work: bool = True) -> str:
        """Return the page for a worker whose answers were stored earlier.

        :param is_work: whether the answers are to a unit; answers to an onboarding are not paid.
        """
        way_out = pages.WayOut(VisitOutcome.WITHDREW, Nothing())
        if is_work:
            way_out = self.of(visit, VisitOutcome.COMPLETED)
        return pages.already_document(self.titles[translate.language.tag], translate, way_out)

    def given_back_page(self, visit: VisitView, translate: Translator) -> str:
        """Return the page for a worker who has given a unit back."""
        way_out = self.of(visit, VisitOutcome.WITHDREW)
        return pages.given_back_document(self.titles[translate.language.tag], translate, way_out)

    def of(
        self,
        visit: VisitView,
        outcome: VisitOutcome,
        thank_you: str = "",
        *,
        has_next: bool | None = None,
    ) -> pages.WayOut:
        """Return how the worker of a visit leaves. Not called inside a transaction.

        :param thank_you: the blueprint's text for the page, as HTML.
        :param has_next: whether there is another unit for the worker; None if it is not known.
        """
        completion = self._ask(visit, outcome)
        may_offer_next = pages.may_offer_next(completion, outcome)
        way = pages.WayOut(
            outcome,
            completion,
            no_more=self._no_more(visit) if may_offer_next and not has_next else None,
            thank_you=thank_you,
        )
        if isinstance(completion, OwnPage):
            way = evolve(
                way,
                own_work=self._own_work(visit),
                own_query=visit.query,
                most_left=most_left(self.provider, visit),
            )
        return way

    def of_refusal(
        self, arrival: Arrival, query: Mapping[str, str], refusal: Refusal
    ) -> pages.WayOut | None:
        """Return how a refused worker leaves, or None if they hold no place.

        :param query: the parameters of the URL that the worker came with.
        """
        outcome = outcome_of(refusal)
        if outcome is None:
            return None
        return evolve(self.of(self._refused_visit(arrival, query), outcome), refused_query=query)

    def _refused_visit(self, arrival: Arrival, query: Mapping[str, str]) -> VisitView:
        try:
            with self.database.read() as tx:
                return read_refused_visit(tx, self.run.id, self.provider.type, arrival, query)
        except FamulusError:
            # The refusal is decided, and the page shows it even if this fails.
            return VisitView(
                id=0,
                run_id=self.run.id,
                worker_name=arrival.worker_name,
                reference=arrival.reference,
                query=query,
            )

    def _no_more(self, visit: VisitView) -> RefusalReason | None:
        """Return why the worker would be refused the next unit, or None."""
        try:
            refusal = self.admission.refuse_another(visit.worker_name)
        except FamulusError:
            # The page is sent even if this fails; the link leads to a reply that is right then.
            return None
        return None if refusal is None else refusal.reason

    def _own_work(self, visit: VisitView) -> OwnWork | None:
        try:
            with self.database.read() as tx:
                return read_own_work(tx, self.run, visit.worker_name)
        except FamulusError:
            # What has happened is shown even if this fails.
            return None

    def _thank_you(self, answers: Any, view: AttemptView) -> str:
        """Return the blueprint's text for the page that confirms stored answers, as HTML."""
        try:
            text = self.blueprint.thank_you(answers, view)
            if not isinstance(text, str):
                raise TypeError(f"thank_you returned {text!r}: it must return HTML as a string")
        except BaseException:  # noqa: BLE001 - third-party code: sys.exit() ends no one but itself
            _log.exception("run %d: %s.thank_you failed", self.run.id, self.blueprint.type)
            return ""
        return text

    def _ask(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        try:
            completion = self.provider.completion(visit, outcome)
            if not isinstance(completion, Completion):
                raise TypeError(
                    f"completion returned {completion!r}: it must return PostForm, GoTo, ShowCode,"
                    " ReturnPlace, OwnPage or Nothing"
                )
        except BaseException:  # noqa: BLE001 - third-party code: sys.exit() ends no one but itself
            _log.exception(
                "run %d: %s.completion failed (%s)", self.run.id, self.provider.type, outcome
            )
            return Nothing()
        if self.provider.capabilities.one_visit_per_worker:
            return evolve(completion, next_query=None)
        return completion
