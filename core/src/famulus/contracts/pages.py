"""What passes between a blueprint, the gateway and an architect: pages, forms, replies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from attrs import Factory, frozen


@frozen(kw_only=True)
class Page:
    """The inside of a worker's page. The gateway puts it into the form, with the Submit button.

    ``body`` stands inside the form. ``head`` goes into ``<head>``; nothing in it may wait for
    another host. ``scripts`` comes after the form and after Famulus' own script: the author's
    scripts and whatever is loaded from elsewhere, so that one that hangs keeps nobody from
    reading and submitting. All three are HTML that the blueprint has made safe.
    """

    body: str
    head: str = ""
    scripts: str = ""


@frozen(kw_only=True)
class WorkerView:
    """A worker as callbacks and blueprints see them. ``name`` is the provider's id for them."""

    id: int
    name: str
    provider_type: str


@frozen(kw_only=True)
class UnitView:
    """A unit as callbacks and blueprints see it. ``data`` is its assignment's row."""

    id: int
    assignment_id: int
    index: int
    data: Mapping[str, Any]


@frozen(kw_only=True)
class TaskView:
    """What a task page is made from."""

    agent_id: int
    worker: WorkerView
    unit: UnitView


@frozen(kw_only=True)
class OnboardingView:
    """What an onboarding page is made from."""

    agent_id: int
    worker: WorkerView


@frozen(kw_only=True)
class PreviewView:
    """What a preview is made from: the first row, or None while nothing is loaded."""

    data: Mapping[str, Any] | None


@frozen(kw_only=True)
class FormFile:
    """One uploaded file. ``path`` is where the architect has put its bytes, already complete."""

    field: str
    filename: str
    content_type: str
    size: int
    sha256: str
    path: Path


@frozen(kw_only=True)
class Form:
    """A submitted form: its fields in the order of the page, and its files.

    A file field that was left empty is among the ``fields`` with an empty value and its name in
    ``empty_files``.
    """

    fields: Sequence[tuple[str, str]]
    files: Sequence[FormFile] = ()
    empty_files: frozenset[str] = frozenset()

    def first(self, name: str) -> str | None:
        """Return the first value of a field, or None when the form has no such field."""
        return next((value for key, value in self.fields if key == name), None)


class RefusalReason(StrEnum):
    """Why a worker gets no task; each has its own words on the page and its own code."""

    NOT_QUALIFIED = "not_qualified"
    ALL_DONE = "all_done"
    MAXIMUM_REACHED = "maximum_reached"
    TOO_MANY_OPEN = "too_many_open"
    NOTHING_LEFT = "nothing_left"
    RUN_CLOSED = "run_closed"
    BLOCKED = "blocked"
    UNKNOWN_LINK = "unknown_link"
    TIME_OVER = "time_over"


@frozen(kw_only=True)
class Refusal:
    """A worker is told why not. ``detail`` adds a sentence of the refusing plugin's own."""

    reason: RefusalReason
    detail: str = ""


@frozen(kw_only=True)
class Reply:
    """What the architect sends, as it is: core has no HTTP in it, so this is all it says of it."""

    status: int
    body: str
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = Factory(dict)


@frozen(kw_only=True)
class SubmittedUnit:
    """A unit with its answers, as ``on_unit_submitted`` and a blueprint's ``show`` get it."""

    id: int
    assignment_id: int
    index: int
    data: Mapping[str, Any]
    agent_id: int
    worker: WorkerView
    answers: Any
    late: bool
    started_at: datetime
    submitted_at: datetime


def answers_from(form: Form, lists: Iterable[str] = ()) -> dict[str, Any]:
    """Turn a form into answers the way every blueprint should unless it has a reason not to.

    A name that occurs once is a string, one that repeats, or is among ``lists``, a list of strings.
    A file becomes ``{"name", "size", "type", "sha256"}``, an empty file field ``None``.
    """
    wanted = set(lists)
    values: dict[str, list[Any]] = {}
    for name, value in form.fields:
        values.setdefault(name, []).append(None if name in form.empty_files else value)
    for file in form.files:
        record = {
            "name": file.filename,
            "size": file.size,
            "type": file.content_type,
            "sha256": file.sha256,
        }
        values.setdefault(file.field, []).append(record)
    return {
        name: found if name in wanted or len(found) > 1 else found[0]
        for name, found in values.items()
    }
