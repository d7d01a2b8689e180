"""Parts of the provider ``prolific`` by themselves: real HTTP, a real database, a fake Prolific."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import count
from typing import Any

from attrs import define, evolve, field

from famulus import (
    ConflictError,
    Database,
    PaymentKind,
    PaymentView,
    Result,
    Verdict,
    VisitVerdict,
    VisitView,
)
from famulus_prolific.api import ProlificApi
from famulus_prolific.bonuses import Bonuses
from famulus_prolific.bulks import BulkRecords
from famulus_prolific.fake import FakeProlific, Study, Submission
from famulus_prolific.schema import SCHEMA
from famulus_prolific.verdicts import Verdicts

RUN = 1
CODE = "THE-WORK-IS-DONE"


@define(eq=False)
class ProlificAccount:
    """One account, and one published study with a reward of 1.00."""

    prolific: FakeProlific
    database: Database
    places: int = 20
    #: what was kept, by the keys of payments
    kept: dict[str, Any] = field(factory=dict)
    #: keys that another process has taken over
    taken: set[str] = field(factory=set)
    study: Study = field(init=False)
    _numbers: Iterator[int] = field(factory=lambda: count(1))

    def __attrs_post_init__(self) -> None:
        self.database.prepare([SCHEMA])
        draft = self.api().post(
            "studies/",
            {
                "name": "A study",
                "internal_name": "a study",
                "description": "What it is about.",
                "external_study_url": "http://127.0.0.1/?PROLIFIC_PID={{%PROLIFIC_PID%}}",
                "prolific_id_option": "url_parameters",
                "completion_codes": [
                    {
                        "code": CODE,
                        "code_type": "COMPLETED",
                        "actions": [{"action": "MANUALLY_REVIEW"}],
                    },
                ],
                "total_available_places": self.places,
                "estimated_completion_time": 5,
                "reward": 100,
            },
        )
        self.api().post(f"studies/{draft['id']}/transition/", {"action": "PUBLISH"})
        with self.prolific.turn() as state:
            self.study = state.studies[draft["id"]]

    @property
    def workspace(self) -> str:
        """The id of the account's workspace."""
        return next(iter(self.prolific.state.workspaces))

    def api(self) -> ProlificApi:
        """Return what calls the fake, as another process has it."""
        return ProlificApi(
            self.prolific.token, base_url=self.prolific.api_url, clock=self.database.clock
        )

    def bonuses(self, database: Database | None = None) -> Bonuses:
        """Return what pays, as another process has it."""
        return Bonuses(
            api=self.api(),
            database=database or self.database,
            records=BulkRecords(database=database or self.database),
            account="an-account",
            study_of=lambda run: self.study.id,
        )

    def submission(self, number: int) -> Submission:
        """Have a participant hand in."""
        person = self.prolific.participant(number)
        submission, _ = person.take(self.study.id)
        person.complete(submission, CODE)
        return submission

    def visit(self, submission: Submission) -> VisitView:
        """Return the visit of a submission."""
        return VisitView(
            id=next(self._numbers),
            run_id=RUN,
            worker_name=submission.participant_id,
            reference=submission.id,
        )

    def bonus(self, submission: Submission, amount: str = "0.50") -> PaymentView:
        """Return a bonus that is to be paid."""
        number = next(self._numbers)
        return PaymentView(
            id=number,
            key=f"payment-{number}",
            kind=PaymentKind.BONUS,
            run_id=RUN,
            worker_name=submission.participant_id,
            reference=submission.id,
            amount=Decimal(amount),
            currency="GBP",
            reason="For good work.",
            sent_at=self.database.clock(),
        )

    def keep(self, key: str, data: Any) -> None:
        """Keep something with a payment, unless another process has taken it over."""
        if key in self.taken:
            raise ConflictError(f"{key} is settled by another process")
        self.kept[key] = data

    def pay(self, *payments: PaymentView, bonuses: Bonuses | None = None) -> list[Result]:
        """Pay, and return the results in the order of the payments."""
        found = dict((bonuses or self.bonuses()).pay(payments, self.keep))
        return [found[each.key] for each in payments]

    def settle(
        self, *unsettled: PaymentView, confirmed: Sequence[PaymentView] = ()
    ) -> list[Result]:
        """Find out what became of payments, as another process does."""
        found = dict(
            self.bonuses().settle(
                [*map(self.with_kept, unsettled)], [*map(self.with_kept, confirmed)]
            )
        )
        return [found[each.key] for each in unsettled]

    def with_kept(self, payment: PaymentView) -> PaymentView:
        """Return a payment with what was kept for it."""
        return evolve(payment, kept=self.kept.get(payment.key))

    def paid(self) -> list[tuple[str, int]]:
        """Return who was paid which bonuses."""
        with self.prolific.turn() as state:
            return [
                (each.submission_id, each.amount)
                for each in state.money.ledger
                if each.kind == "bonus"
            ]

    def verdicts(self) -> Verdicts:
        """Return what decides, as another process has it."""
        return Verdicts(
            api=self.api(), study_of=lambda run: self.study.id, note_rejection=lambda run: None
        )

    def decide(self, *given: tuple[Submission, Verdict]) -> list[Result]:
        """Send verdicts, and return the results in their order."""
        asked = [
            VisitVerdict(key=f"{number}", visit=self.visit(submission), verdict=verdict)
            for number, (submission, verdict) in enumerate(given)
        ]
        found = dict(self.verdicts().decide(asked))
        return [found[each.key] for each in asked]
