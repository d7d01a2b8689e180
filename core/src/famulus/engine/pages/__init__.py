"""The pages that a worker sees, as HTML text. Pure functions: core has no HTTP in it."""

from __future__ import annotations

from famulus.engine.pages.amounts import amount_text
from famulus.engine.pages.author_page import author_document
from famulus.engine.pages.entry_page import (
    CONSENT_FIELD,
    ENTRY_KEY_FIELD,
    EntryPage,
    consent_value,
    entry_document,
)
from famulus.engine.pages.frame import PASSED, TaskInfo
from famulus.engine.pages.notice_page import (
    apology_document,
    busy_document,
    conflict_document,
    invalid_document,
    notice_document,
    undecided_document,
)
from famulus.engine.pages.preview_page import preview_document
from famulus.engine.pages.refusal_page import failed_onboarding_document, refusal_document
from famulus.engine.pages.review_page import review_document
from famulus.engine.pages.task_page import (
    OUTCOME_HEADER,
    SUBMISSION_FIELD,
    TICKET_PARAMETER,
    TOKEN_FIELD,
    TaskFrame,
    TaskLayout,
    task_document,
)
from famulus.engine.pages.way_out import (
    WayOut,
    already_document,
    given_back_document,
    may_offer_next,
    stored_document,
    submit_json,
)

__all__ = [
    "CONSENT_FIELD",
    "ENTRY_KEY_FIELD",
    "OUTCOME_HEADER",
    "PASSED",
    "SUBMISSION_FIELD",
    "TICKET_PARAMETER",
    "TOKEN_FIELD",
    "EntryPage",
    "TaskFrame",
    "TaskInfo",
    "TaskLayout",
    "WayOut",
    "already_document",
    "amount_text",
    "apology_document",
    "author_document",
    "busy_document",
    "conflict_document",
    "consent_value",
    "entry_document",
    "failed_onboarding_document",
    "given_back_document",
    "invalid_document",
    "may_offer_next",
    "notice_document",
    "preview_document",
    "refusal_document",
    "review_document",
    "stored_document",
    "submit_json",
    "task_document",
    "undecided_document",
]
