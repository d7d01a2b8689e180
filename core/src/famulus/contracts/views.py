"""The types that blueprints, the gateway and architects exchange: pages, forms, replies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from attrs import Factory, field, frozen


@frozen(kw_only=True)
class Page:
    """The content of a worker's page. The gateway puts it into the form, with the Submit button.

    ``body``, ``head`` and ``scripts`` are HTML. The blueprint has to escape all values of the data
    and of workers.
    """

    #: content of the form, scripts included; nothing in it may wait for another host
    body: str
    #: content of ``<head>``; nothing in it may wait for another host
    head: str = ""
    #: scripts that are loaded from other hosts; they come after the Submit button, so that a host
    #: that hangs delays neither reading nor submitting
    scripts: str = ""
    #: whether scripts that wait for another host may validate the answers or fill fields in: what
    #: submits then waits until all scripts of the page have run or failed, 20 seconds at most
    holds_submissions: bool = False
    #: attributes of ``<html>``, as text; core escapes them
    html_attributes: Mapping[str, str] = Factory(dict)
    #: attributes of ``<body>``, as text
    body_attributes: Mapping[str, str] = Factory(dict)
    #: attributes of the form, as text: a name, an id in place of ``famulus-form``, handlers …;
    #: attributes that say where and how it is sent are ignored
    form_attributes: Mapping[str, str] = Factory(dict)
    #: attributes of the Submit button, as text: an id for the page's scripts, ``hidden`` where the
    #: body has a button of its own …; its look is then the page's to change
    submit_attributes: Mapping[str, str] = Factory(dict)


def _everything(name: str) -> bool:
    return bool(name)


def page_from(found: Any, method: str) -> Page:
    """Return what a blueprint's method has returned, which has to be a page.

    :raises TypeError: with the method's name, otherwise.
    """
    if isinstance(found, Page):
        return found
    raise TypeError(f"{method}() must return a famulus.Page, and returned {found!r:.200}")


@frozen
class AssetFolder:
    """A folder, and the choice of its files that are served beside a page.

    ``serves`` is asked, by any thread, for the name of a file as it stands in the address, such as
    ``images/1.png``. Whatever it returns, no file outside of the folder is served, and none whose
    name begins with a dot.
    """

    path: Path
    #: the default serves every file of the folder
    serves: Callable[[str], bool] = _everything


@frozen(kw_only=True)
class WorkerView:
    """A worker as callbacks and blueprints see them."""

    #: the number in this database
    id: int
    #: the provider's id of the worker
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
    """The data that a task page is made from."""

    #: this worker's attempt at this unit; the same whenever the page is loaded again
    agent_id: int
    worker: WorkerView
    unit: UnitView
    #: of the frame around the task, as in ``lang``; the page should have it too, if it can
    language: str = "en"
    _earlier_answers: Callable[[], Any] = lambda: None

    @property
    def earlier_answers(self) -> Any:
        """What ``read_answers`` returned for the worker's last submitted unit of this run.

        None if no unit was submitted; read from the database at each access. Answers that a worker
        submits in another tab may change it between two loads of one page.
        """
        return self._earlier_answers()


@frozen(kw_only=True)
class OnboardingView:
    """The data that an onboarding page is made from."""

    #: this worker's attempt at the onboarding; the same whenever the page is loaded again
    agent_id: int
    worker: WorkerView
    #: as in :class:`TaskView`
    language: str = "en"


@frozen(kw_only=True)
class AttemptView:
    """The attempt that a form belongs to, as named by its signed token."""

    agent_id: int
    #: whether it is an attempt at the onboarding, which has no unit
    onboarding: bool
    _unit: Callable[[], UnitView]
    #: as in :class:`TaskView`, for the messages of :exc:`famulus.InvalidAnswers`
    language: str = "en"

    @property
    def unit(self) -> UnitView:
        """The unit of the attempt, which is read from the database at each access.

        :raises LookupError: in the onboarding.
        """
        return self._unit()


@frozen
class NotPassed:
    """The verdict on answers to an onboarding that do not qualify. Its truth value is False.

    The page of the failed onboarding shows the message, as text, whenever the worker comes.
    """

    #: one or more sentences for the worker; core cuts it off after 2,000 characters
    message: str = field()
    #: the worker has made no mistake: their answers have shown that the rest of the work is not for
    #: them, and they leave by the outcome ``SCREENED_OUT``
    screened_out: bool = field(default=False, kw_only=True)

    @message.validator
    def _check(self, _field: object, value: object) -> None:
        if not (isinstance(value, str) and value.strip()):
            raise ValueError(f"the message has to be text for the worker, not {value!r}")

    def __bool__(self) -> bool:
        return False


@frozen(kw_only=True)
class PreviewView:
    """The data that a preview is made from."""

    #: the first row; None while none is loaded
    data: Mapping[str, Any] | None
    #: as in :class:`TaskView`
    language: str = "en"


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
    #: the file, until the answers are stored: it is moved then
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
        for key, value in self.fields:
            if key == name:
                return value
        return None


_LONGEST_TITLE, _LONGEST_TEXT, _LONGEST_CODE = 100, 2000, 32
_CODE = re.compile(f"[a-z][a-z0-9_]{{0,{_LONGEST_CODE - 1}}}")


class RefusalReason(StrEnum):
    """Why a worker gets no task. Each reason has a text and a code on the page."""

    #: a qualification is missing, or the onboarding was failed
    NOT_QUALIFIED = "not_qualified"
    #: the worker has done every assignment
    ALL_DONE = "all_done"
    #: the worker has done as many units of the task as one worker may
    MAXIMUM_REACHED = "maximum_reached"
    #: the worker has as many units open as one worker may
    TOO_MANY_OPEN = "too_many_open"
    #: another visit has the place that the arrival names
    PLACE_TAKEN = "place_taken"
    #: no unit is free now; there may be one later
    NOTHING_LEFT = "nothing_left"
    #: every unit of the run is done
    RUN_COMPLETE = "run_complete"
    #: the run is finished, or its lifetime is over
    RUN_CLOSED = "run_closed"
    #: the run is stopped or stopping, and can be resumed
    RUN_STOPPED = "run_stopped"
    BLOCKED = "blocked"
    #: the address or the form is not of this run
    UNKNOWN_LINK = "unknown_link"
    #: the worker came back to a unit whose time was over
    TIME_OVER = "time_over"


_CODES = frozenset(reason.value for reason in RefusalReason)


@frozen(kw_only=True)
class Refusal:
    """Why an arrival gets no unit."""

    reason: RefusalReason
    #: a sentence of the plugin that refuses, shown below the text of the reason
    detail: str = ""
    #: what refused, for the log and the event; it is not shown to the worker
    note: str = ""

    @property
    def code(self) -> str:
        """The code of the reason, which is shown to the worker and recorded with the event."""
        return self.reason.value


@frozen(kw_only=True)
class PluginRefusal(Refusal):
    """A refusal that is a plugin's own: the worker sees its title, its text and its code.

    ``reason`` is the most similar reason of core. Title, text and code are shown as text, not as
    HTML.

    :raises ValueError: for a title or text that is blank or too long, and for a code that is not
        lowercase letters, digits and underscores, or is one of core's.
    """

    reason: RefusalReason = RefusalReason.NOT_QUALIFIED
    #: the heading of the page, of at most 100 characters in one line
    title: str = field()
    #: what the worker can know and do about it, of at most 2,000 characters
    text: str = field()
    #: identifies the kind of refusal, such as ``worked_lately``; of at most 32 characters
    code: str = field()

    @title.validator
    def _check_title(self, _field: object, value: object) -> None:
        if not (isinstance(value, str) and value.strip() and value.isprintable()):
            raise ValueError(f"the title has to be a line of text, not {value!r}")
        if len(value) > _LONGEST_TITLE:
            raise ValueError(f"the title has {len(value)} of at most {_LONGEST_TITLE} characters")

    @text.validator
    def _check_text(self, _field: object, value: object) -> None:
        if not (isinstance(value, str) and value.strip()):
            raise ValueError(f"the text has to be text for the worker, not {value!r}")
        if len(value) > _LONGEST_TEXT:
            raise ValueError(f"the text has {len(value)} of at most {_LONGEST_TEXT} characters")

    @code.validator
    def _check_code(self, _field: object, value: object) -> None:
        if not (isinstance(value, str) and _CODE.fullmatch(value)):
            raise ValueError(
                f"the code {value!r} has to be a letter and then at most {_LONGEST_CODE - 1} "
                "lowercase letters, digits and underscores"
            )
        if value in _CODES:
            raise ValueError(f"the code {value!r} is one of Famulus; choose another one")


@frozen(kw_only=True)
class Reply:
    """A reply of the gateway, which the architect sends as it is."""

    #: the HTTP status
    status: int
    body: str
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = Factory(dict)


@frozen(kw_only=True)
class SubmittedUnit:
    """A unit with the answers to it."""

    id: int
    assignment_id: int
    #: which of the assignment's units it is, from 0
    index: int
    #: the assignment's row
    data: Mapping[str, Any]
    #: the worker's attempt; a unit may have several, if late answers of another worker came too
    agent_id: int
    worker: WorkerView
    #: what the blueprint's ``read_answers`` returned
    answers: Any
    #: whether they were submitted after the time was over
    late: bool
    started_at: datetime
    submitted_at: datetime
    #: the tag of the language of the page that the worker saw; empty if it is unknown
    language: str = ""


def answers_from(form: Form, lists: Iterable[str] = ()) -> dict[str, Any]:
    """Return the answers of a form, as blueprints usually represent them.

    The value of a name is a string, or a list of strings for a name that repeats or is among
    ``lists``. A file is ``{"name", "size", "type", "sha256"}``, an empty file field ``None``.
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
