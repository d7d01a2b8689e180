"""What passes between a blueprint, the gateway and an architect: pages, forms, replies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from attrs import Factory, frozen


@frozen(kw_only=True)
class Page:
    """The inside of a worker's page. The gateway puts it into the form, with the Submit button.

    ``body``, ``head`` and ``scripts`` are HTML that the blueprint has made safe: values of the data
    and of workers have to be escaped by then.
    """

    #: stands inside the form, scripts included; nothing in it may wait for another host
    body: str
    #: goes into ``<head>``; nothing in it may wait for another host
    head: str = ""
    #: stands at the end of the form, behind the Submit button: whatever is loaded from elsewhere,
    #: so that a host that hangs keeps nobody from reading and submitting
    scripts: str = ""
    #: attributes of ``<html>``, as text that core escapes
    html_attributes: Mapping[str, str] = Factory(dict)
    #: attributes of ``<body>``, likewise
    body_attributes: Mapping[str, str] = Factory(dict)
    #: attributes of the form, likewise: a name, an id in place of ``famulus-form``, handlers …;
    #: where and how it is sent stays core's
    form_attributes: Mapping[str, str] = Factory(dict)


@frozen(kw_only=True)
class WorkerView:
    """A worker as callbacks and blueprints see them."""

    #: the number in this database
    id: int
    #: the provider's id for them
    name: str
    #: the type name of the provider
    provider_type: str


@frozen(kw_only=True)
class UnitView:
    """A unit as callbacks and blueprints see it."""

    id: int
    assignment_id: int
    #: which of the assignment's units it is, from 0
    index: int
    #: the assignment's row
    data: Mapping[str, Any]


@frozen(kw_only=True)
class TaskView:
    """What a task page is made from."""

    #: this worker's attempt at this unit; the same whenever the page is loaded again
    agent_id: int
    worker: WorkerView
    unit: UnitView


@frozen(kw_only=True)
class OnboardingView:
    """What an onboarding page is made from."""

    #: this worker's attempt at the onboarding; the same whenever the page is loaded again
    agent_id: int
    worker: WorkerView


@frozen(kw_only=True)
class AttemptView:
    """The attempt that a form belongs to: as the page's signed token says, whatever its fields
    say.
    """

    agent_id: int
    #: whether it is an answer to the onboarding, which has no unit
    onboarding: bool
    _unit: Callable[[], UnitView]

    @property
    def unit(self) -> UnitView:
        """The unit that the page was for, read from the database when it is asked for.

        :raises LookupError: in the onboarding.
        """
        return self._unit()


@frozen(kw_only=True)
class PreviewView:
    """What a preview is made from."""

    #: the first row; None while nothing is loaded
    data: Mapping[str, Any] | None


@frozen(kw_only=True)
class FormFile:
    """One uploaded file, received whole."""

    #: the name of the form's field
    field: str
    #: as the browser gave it: never a path to open
    filename: str
    #: as the browser gave it
    content_type: str
    #: in bytes
    size: int
    #: of the content, in hexadecimal
    sha256: str
    #: where its bytes are while the form is being read; they are moved once the answers are stored
    path: Path


@frozen(kw_only=True)
class Form:
    """A submitted form."""

    #: names and values in the order of the page; a name may repeat
    fields: Sequence[tuple[str, str]]
    files: Sequence[FormFile] = ()
    #: names of file fields that were left empty; each is among ``fields`` with an empty value
    empty_files: frozenset[str] = frozenset()

    def first(self, name: str) -> str | None:
        """Return the first value of a field, or None when the form has no such field."""
        return next((value for key, value in self.fields if key == name), None)


class RefusalReason(StrEnum):
    """Why a worker gets no task; each has its own words on the page and its own code."""

    #: a qualification they lack, or a failed onboarding
    NOT_QUALIFIED = "not_qualified"
    #: they have done every assignment there is
    ALL_DONE = "all_done"
    #: they have done as many units of the task as one worker may
    MAXIMUM_REACHED = "maximum_reached"
    #: they hold as many units as one worker may at the same time
    TOO_MANY_OPEN = "too_many_open"
    #: another visit has the one place that they name; the platform may give it back soon
    PLACE_TAKEN = "place_taken"
    #: nothing is free right now; they may come again
    NOTHING_LEFT = "nothing_left"
    #: the run is over for good, or its lifetime is
    RUN_CLOSED = "run_closed"
    #: the run is stopped, or stopping: it can be resumed
    RUN_STOPPED = "run_stopped"
    BLOCKED = "blocked"
    #: the address or the form is not one of ours
    UNKNOWN_LINK = "unknown_link"
    #: they came back to a unit whose time had run out
    TIME_OVER = "time_over"


@frozen(kw_only=True)
class Refusal:
    """A worker is told why not."""

    reason: RefusalReason
    #: a sentence of the refusing plugin's own, shown beneath the reason's words
    detail: str = ""
    #: what refused, for the operator's log and the event: the worker never sees it
    note: str = ""


@frozen(kw_only=True)
class Reply:
    """What the architect sends, as it is: core has no HTTP in it, so this is all it says of it."""

    #: the HTTP status
    status: int
    body: str
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = Factory(dict)


@frozen(kw_only=True)
class SubmittedUnit:
    """A unit with its answers, as ``on_unit_submitted`` and a blueprint's ``show`` get it."""

    id: int
    assignment_id: int
    #: which of the assignment's units it is, from 0
    index: int
    #: the assignment's row
    data: Mapping[str, Any]
    #: this worker's attempt; a unit has another one where somebody else's late answers came too
    agent_id: int
    worker: WorkerView
    #: what the blueprint's ``read_answers`` returned
    answers: Any
    #: submitted after the worker's time was over
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
