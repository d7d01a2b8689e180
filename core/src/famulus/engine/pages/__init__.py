"""The pages that a worker sees, as HTML text. Pure functions: core has no HTTP in it."""

from __future__ import annotations

from famulus.engine.pages.author_page import author_document
from famulus.engine.pages.entry_page import (
    CONSENT_FIELD,
    ENTRY_KEY_FIELD,
    EntryPage,
    consent_value,
    entry_document,
)
from famulus.engine.pages.notice_page import (
    apology_document,
    busy_document,
    conflict_document,
    invalid_document,
    notice_document,
    undecided_document,
)
from famulus.engine.pages.refusal_page import failed_onboarding_document, refusal_document
from famulus.engine.pages.review_page import review_document
from famulus.engine.pages.task_page import (
    OUTCOME_HEADER,
    PASSED,
    SUBMISSION_FIELD,
    TICKET_PARAMETER,
    TOKEN_FIELD,
    TaskFrame,
    TaskInfo,
    preview_document,
    task_document,
)
from famulus.engine.pages.way_out import (
    WayOut,
    already_document,
    given_back_document,
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
    "WayOut",
    "already_document",
    "apology_document",
    "author_document",
    "busy_document",
    "conflict_document",
    "consent_value",
    "entry_document",
    "failed_onboarding_document",
    "given_back_document",
    "invalid_document",
    "notice_document",
    "preview_document",
    "refusal_document",
    "review_document",
    "stored_document",
    "submit_json",
    "task_document",
    "undecided_document",
]
