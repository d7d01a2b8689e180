"""Forgetting people whom core does not know, so that ``famulus workers forget`` cannot."""

from __future__ import annotations

from collections.abc import Iterable

from famulus import Database, NotFoundError, Problem, Transaction, UsageError, find_worker
from famulus_links.links import delete_person
from famulus_links.people import workers_known_as


def forget_people(database: Database, whose: Iterable[str]) -> int:
    """Delete people who have never come, by their names or addresses, and return their number.

    :raises famulus.UsageError: for a name that is of none or of several people, and for people who
        have come, whose work core knows.
    """
    found: list[str] = []
    problems: list[Problem] = []
    for who in whose:
        with database.read() as tx:
            meant = workers_known_as(tx, who)
        if not meant:
            remedy = "`famulus links list RUN` lists those with a link to a run"
            problems.append(Problem(f"there is no person {who!r}; {remedy}"))
        elif len(meant) > 1:
            known = ", ".join(meant)
            problems.append(Problem(f"{who!r} may be one of {known}; name the one that is meant"))
        elif _has_come(database, meant[0]):
            remedy = f"`famulus workers forget {meant[0]}` forgets them"
            problems.append(Problem(f"{who} has come to a run; {remedy}"))
        else:
            found += meant
    if problems:
        raise UsageError(problems)
    workers = set(found)
    database.write(lambda tx: _delete(tx, workers))
    # What was deleted is in the file until then.
    database.compact()
    return len(workers)


def _delete(tx: Transaction, workers: Iterable[str]) -> None:
    for worker in workers:
        delete_person(tx, worker)


def _has_come(database: Database, worker: str) -> bool:
    try:
        find_worker(database, "links", worker)
    except NotFoundError:
        return False
    return True
