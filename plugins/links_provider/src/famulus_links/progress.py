"""Who has come by the links of a run, and who has not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from attrs import frozen

from famulus import Database, DataBrowser, UnitStatus
from famulus_links.links import Link, links_of

#: The keys of :meth:`LinkProgress.as_dict`.
COLUMNS = ("name", "email", "group", "worker", "state", "entered_at", "answers", "people")
#: Those that tell personal links apart, and those that tell open links apart: they have no names.
PERSONAL = ("name", "email", "group", "worker", "state", "answers")
OPEN = ("state", "people", "link")
_WITH_A_WORKER = tuple(set(UnitStatus) - {UnitStatus.CREATED, UnitStatus.LAUNCHED})


class LinkState(StrEnum):
    """The state of a link."""

    REVOKED = "revoked"
    #: answers are stored
    ANSWERED = "answered"
    #: a unit is open
    WORKING = "working"
    EXPIRED = "expired"
    #: no unit is open or done: the person can be reminded
    WAITING = "waiting"
    #: anyone can come in by it
    OPEN = "open"
    #: an open link by which as many people have come in as may
    USED_UP = "used_up"
    #: the run is over, before anything was done by it
    ENDED = "ended"


#: What links are until their run is over.
_ENDING = (LinkState.EXPIRED, LinkState.WAITING, LinkState.OPEN, LinkState.USED_UP)


@frozen(kw_only=True)
class LinkProgress:
    """A link, and the work done through it."""

    link: Link
    #: units of the run that the person has answers to, by whichever of their links
    answers: int
    state: LinkState

    def as_dict(self) -> dict[str, str | int]:
        """Return the link and its progress as a row of a list."""
        link = self.link
        who = (link.person_name or "", link.email or "", link.group_name or "", link.worker or "")
        entered = link.entered_at and datetime.fromtimestamp(link.entered_at, UTC).isoformat()
        done = (entered or "", self.answers, 1 if link.worker else link.used)
        return dict(zip(COLUMNS, (*who, self.state.value, *done), strict=True))


def read_progress(
    database: Database, run: int, now: datetime, *, has_ended: bool
) -> Sequence[LinkProgress]:
    """Return the links of a run and the work done through them, in the order of their creation.

    :param has_ended: whether the run is over for good.
    """
    with database.read() as tx:
        links = links_of(tx, run)
    answers, working = _read_work(database, run)
    found = []
    for link in links:
        state = _state(link, answers[link.worker], link.worker in working, now)
        if has_ended and state in _ENDING:
            state = LinkState.ENDED
        found.append(LinkProgress(link=link, answers=answers[link.worker], state=state))
    return found


def _read_work(database: Database, run: int) -> tuple[Counter[str | None], set[str | None]]:
    """Return the number of answers of each worker, and the workers who have a unit open."""
    answers: Counter[str | None] = Counter()
    working: set[str | None] = set()
    browser = DataBrowser(database)
    for unit in browser.collect_matching_units_from_task_runs([run], _WITH_A_WORKER):
        if unit.agent is None:
            continue
        if unit.agent.submitted_at is None:
            working.add(unit.agent.worker.name)
        else:
            answers[unit.agent.worker.name] += 1
    return answers, working


def _state(link: Link, answers: int, is_working: bool, now: datetime) -> LinkState:
    if link.revoked_at is not None:
        return LinkState.REVOKED
    if answers:
        return LinkState.ANSWERED
    if is_working:
        return LinkState.WORKING
    if link.refuse(now) is not None:
        return LinkState.EXPIRED
    if link.worker is not None:
        return LinkState.WAITING
    return LinkState.USED_UP if link.is_used_up else LinkState.OPEN
