"""The shell of a worker's pages as HTML text: pure functions; whoever carries them has the HTTP."""

from __future__ import annotations

from famulus.engine.pages.notices import (
    apology_document,
    busy_document,
    conflict_document,
    given_back_document,
    invalid_document,
    refusal_document,
    undecided_document,
)
from famulus.engine.pages.stored import already_document, stored_document, submit_json
from famulus.engine.pages.task import (
    OUTCOME_HEADER,
    SUBMISSION_FIELD,
    TICKET_PARAMETER,
    TOKEN_FIELD,
    TaskShell,
    preview_document,
    task_document,
)

__all__ = [
    "OUTCOME_HEADER",
    "SUBMISSION_FIELD",
    "TICKET_PARAMETER",
    "TOKEN_FIELD",
    "TaskShell",
    "already_document",
    "apology_document",
    "busy_document",
    "conflict_document",
    "given_back_document",
    "invalid_document",
    "preview_document",
    "refusal_document",
    "stored_document",
    "submit_json",
    "task_document",
    "undecided_document",
]
