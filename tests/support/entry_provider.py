"""A provider whose workers register by an entry form, and leave to their own page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from attrs import evolve

from famulus import (
    Arrival,
    Completion,
    Entry,
    EntryField,
    EntryFieldKind,
    EntryForm,
    OwnPage,
    Preview,
    Provider,
    Refusal,
    RefusalReason,
    VisitOutcome,
    VisitView,
    hookimpl,
)
from famulus.testing.kinds import CrowdProvider

FORM = EntryForm(
    title="Take part in <the study>",
    paragraphs=(
        "You will read short texts & judge them. It takes about ten minutes.",
        "https://example.org/information",
    ),
    fields=(
        EntryField(
            name="email",
            label="Mail address",
            kind=EntryFieldKind.EMAIL,
            help="We only use it to tell your answers apart.",
        ),
        EntryField(name="name", label="Name", kind=EntryFieldKind.NAME, required=False),
        EntryField(name="code", label="Code word", kind=EntryFieldKind.CODE, longest=20),
    ),
    consent="I am at least 18 years old, and I agree that my answers are stored.",
    button="Begin",
)
ENTRANCE = {"open": "yes"}
#: A code word that is refused.
OVER = "winter"
CODE_WORD = "summer"


class EntryProvider(CrowdProvider):
    """Admits those who know the code word; a mail address, or the page, is one worker."""

    type = "entry"

    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | EntryForm | Refusal:
        if "open" in query:
            return FORM
        return super().arrive(query) if "assignment_id" in query else Preview()

    def enter(
        self, query: Mapping[str, str], entry: Entry
    ) -> Mapping[str, str] | EntryForm | Refusal:
        if entry.values["code"] == OVER:
            return Refusal(reason=RefusalReason.RUN_CLOSED)
        if entry.values["code"] != CODE_WORD:
            return evolve(FORM, messages={"code": "This is not the code word."})
        name = hashlib.sha256(f"{entry.values['email']} {entry.key}".encode()).hexdigest()[:12]
        return {"worker_id": name, "assignment_id": "first & only"}

    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        again = {"worker_id": visit.worker_name, "assignment_id": f"{visit.reference}+"}
        return OwnPage(next_query=again)


class EntryPlugin:
    """Registers the provider."""

    @hookimpl
    def famulus_register_providers(self) -> list[type[Provider]]:
        return [EntryProvider]
