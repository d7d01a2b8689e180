"""``famulus qualifications``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from famulus.cli.output import say, say_json
from famulus.cli.provider_choice import choose_provider, deliver, read_workers
from famulus.cli.session import Session
from famulus.cli.text_layout import table
from famulus.cli.words import counted
from famulus.data.qualification_list import (
    QualificationHolder,
    QualificationSummary,
    holders_of,
    list_qualifications,
)
from famulus.engine.qualifications import grants as granting
from famulus.engine.workers import find_worker
from famulus.errors import NotFoundError, Problem
from famulus.iso_time import iso
from famulus.model.database import Database
from famulus.options.requirements import check_value, qualification_name
from famulus.options.suggest import did_you_mean

if TYPE_CHECKING:
    from famulus.engine.qualifications.bulk_grants import Granted
    from famulus.model.transaction import Transaction

_HEAD = ("NAME", "HOLDERS", "CREATED", "DESCRIPTION")
_HOLDERS_HEAD = ("WORKER", "PROVIDER", "VALUE", "GRANTED")


def list_all(session: Session, as_json: bool) -> None:
    """List the qualifications."""
    with session.open_existing() as database:
        found = list_qualifications(database)
    if as_json:
        say_json([_json(each) for each in found])
        return
    for line in table([_HEAD, *map(_row, found)]) if found else ():
        say(line)
    if not found:
        hint = session.command("qualifications", "create")
        shown = database.location.shown
        say(f"No qualifications yet in {shown}; `{hint} NAME` makes one.", err=True)


def create(session: Session, name: str, description: str) -> None:
    """Create the qualification NAME."""
    name = qualification_name(name)
    with session.open_database() as database:

        def job(tx: Transaction) -> bool:
            there = granting.find_qualification(tx, name) is not None
            granting.make_qualification(tx, name, description)
            return there

        was_there = database.write(job)
    say(f"There is a qualification {name} already." if was_there else f"Created {name}.")


def grant(
    session: Session,
    name: str,
    workers: tuple[str, ...],
    value: int,
    create: bool,
    provider: str | None,
    requester: str | None,
) -> None:
    """Grant the qualification NAME to workers, or change its value."""
    from famulus.engine.qualifications.bulk_grants import Granted, make_workers

    check_value(value)
    name, names = qualification_name(name), read_workers(workers)
    with choose_provider(session, provider, requester) as choice:
        _numbers(session, choice.database, [name], create=create)

        def job(tx: Transaction) -> Granted:
            numbers, new = make_workers(tx, choice.provider_type, names)
            changed = sum(
                granting.grant(
                    tx,
                    worker=each,
                    qualification=name,
                    value=value,
                    requesters=choice.informed,
                )
                for each in numbers.values()
            )
            return Granted(changed=changed, unchanged=len(numbers) - changed, new_workers=new)

        done = choice.database.write(job)
        number = counted(done.changed + done.unchanged, "worker")
        say(f"{name} is {value} for {number} of {choice.provider_type}{_besides(done)}.")
        deliver(choice)


def revoke(
    session: Session,
    name: str,
    workers: tuple[str, ...],
    provider: str | None,
    requester: str | None,
) -> None:
    """Take the qualification NAME from workers."""
    name, names = qualification_name(name), read_workers(workers)
    with choose_provider(session, provider, requester) as choice:
        _numbers(session, choice.database, [name], create=False)
        known = _known(choice.database, choice.provider_type, names)

        def job(tx: Transaction) -> int:
            return sum(
                granting.revoke(tx, worker=each, qualification=name, requesters=choice.informed)
                for each in known.values()
            )

        number = choice.database.write(job)
        rest = counted(len(known) - number, "worker")
        if number:
            say(f"Took {name} from {counted(number, 'worker')}.")
        if number < len(known):
            say(f"{rest} did not have {name}.")
        deliver(choice)


def workers(session: Session, name: str, provider: str | None, as_json: bool) -> None:
    """List the workers who have the qualification NAME."""
    name = qualification_name(name)
    with session.open_existing() as database:
        _numbers(session, database, [name], create=False)
        found = list(holders_of(database, name, provider))
    if as_json:
        say_json([_holder_json(each) for each in found])
        return
    for line in table([_HOLDERS_HEAD, *map(_holder_row, found)]) if found else ():
        say(line)
    if not found:
        say(f"No worker has {name}.", err=True)


def import_(
    session: Session,
    file: Path,
    name: str | None,
    create: bool,
    provider: str | None,
    requester: str | None,
) -> None:
    """Grant what FILE.csv lists, such as an allow list or a block list of thousands."""
    from famulus.cli.grant_files import read_grants
    from famulus.engine.qualifications.bulk_grants import ListedGrant, grant_all

    rows = read_grants(file, None if name is None else qualification_name(name))
    names = dict.fromkeys(row.qualification for row in rows)
    with choose_provider(session, provider, requester) as choice:
        numbers = _numbers(session, choice.database, names, create=create)
        listed = (ListedGrant(row.worker, numbers[row.qualification], row.value) for row in rows)
        done = grant_all(
            choice.database,
            listed,
            provider_type=choice.provider_type,
            requesters=choice.informed,
        )
        number = counted(done.changed + done.unchanged, "grant")
        say(f"The file has {number} to workers of {choice.provider_type}{_besides(done)}.")
        deliver(choice)


def reset_onboarding(
    session: Session,
    name: str,
    workers: tuple[str, ...],
    provider: str | None,
    requester: str | None,
) -> None:
    """Let workers repeat the onboarding of the qualification NAME."""
    name, names = qualification_name(name), read_workers(workers)
    with choose_provider(session, provider, requester) as choice:
        _numbers(session, choice.database, [name], create=False)
        known = _known(choice.database, choice.provider_type, names)

        def job(tx: Transaction) -> list[bool]:
            return [
                granting.reset_onboarding(
                    tx, worker=each, qualification=name, requesters=choice.informed
                )
                for each in known.values()
            ]

        for worker, was in zip(known, choice.database.write(job), strict=True):
            what = "repeats it at the next visit" if was else "had neither passed nor failed it"
            say(f"{worker} {what}.")
        deliver(choice)


def _besides(done: Granted) -> str:
    parts = []
    if done.unchanged:
        parts.append(f"; {done.unchanged:,} of them had it already")
    if done.new_workers:
        parts.append(f"; {done.new_workers:,} of them new here")
    return "".join(parts)


def _numbers(
    session: Session, database: Database, names: Iterable[str], *, create: bool
) -> dict[str, int]:
    """Return the numbers of qualifications by name; raise one error for all missing names."""
    wanted = list(names)
    if create:
        return database.write(
            lambda tx: {name: granting.make_qualification(tx, name) for name in wanted}
        )
    numbers: dict[str, int | None] = {}
    if database.exists:
        with database.read() as tx:
            numbers = {name: granting.find_qualification(tx, name) for name in wanted}
    found = {name: number for name, number in numbers.items() if number is not None}
    missing = [name for name in wanted if name not in found]
    if missing:
        known = [each.name for each in list_qualifications(database)]
        hint = session.command("qualifications", "create")
        raise NotFoundError(
            Problem(
                f"there is no qualification {name!r}{did_you_mean(name, known)}; `{hint} NAME` "
                "makes one"
            )
            for name in missing
        )
    return found


def _known(database: Database, provider_type: str, names: Iterable[str]) -> dict[str, int]:
    """Return the numbers of workers by name; raise one error for all unknown names."""
    with database.read() as tx:
        numbers = {name: find_worker(tx, provider_type, name) for name in names}
    unknown = [name for name, number in numbers.items() if number is None]
    if unknown:
        raise NotFoundError(
            [Problem(f"there is no worker {n!r} of {provider_type}") for n in unknown]
        )
    return {name: number for name, number in numbers.items() if number is not None}


def _row(each: QualificationSummary) -> tuple[str, ...]:
    created = f"{each.created_at.astimezone():%Y-%m-%d %H:%M}"
    return (each.name, f"{each.holders:,}", created, each.description or "-")


def _json(each: QualificationSummary) -> dict[str, Any]:
    return {
        "name": each.name,
        "description": each.description,
        "created_at": iso(each.created_at),
        "holders": each.holders,
    }


def _holder_row(each: QualificationHolder) -> tuple[str, ...]:
    granted = f"{each.grant.granted_at.astimezone():%Y-%m-%d %H:%M}"
    return (each.worker.name, each.worker.provider_type, str(each.grant.value), granted)


def _holder_json(each: QualificationHolder) -> dict[str, Any]:
    return {
        "worker": each.worker.name,
        "provider": each.worker.provider_type,
        "value": each.grant.value,
        "granted_at": iso(each.grant.granted_at),
    }
