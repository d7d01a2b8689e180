"""People: reading a list of them, and storing them."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from attrs import frozen

from famulus import Problem, Transaction, UsageError
from famulus_links.tables import LinksPerson

#: Begins the names in core of all people, and of no worker that a platform sends.
WORKER_PREFIX = "person-"

_LONGEST = 255
#: People that are read by one statement.
_BATCH = 500
#: How the columns of a list may be spelt.
_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"name": "name", "email": "email", "e-mail": "email", "mail": "email", "group": "group"}
)


@frozen(kw_only=True)
class Person:
    """A person of a list: with a name, an e-mail address, or both."""

    name: str = ""
    email: str = ""
    group: str = ""

    @property
    def listed_as(self) -> str:
        """What identifies the person: the e-mail address, or else the name."""
        return identifier(self.email or self.name)


def identifier(text: str) -> str:
    """Return a name or an e-mail address in the form for comparison: without case and spaces."""
    return " ".join(text.split()).casefold()


def is_known_as(who: str, *names: str | None) -> bool:
    """Return whether a text is one of a person's names or addresses."""
    return identifier(who) in {identifier(name) for name in names if name}


def new_worker_name() -> str:
    """Return a random name, under which core stores a new person."""
    return WORKER_PREFIX + secrets.token_hex(5)


def read_people(path: Path) -> list[Person]:
    """Read a list of people from a CSV file with the columns name, email and group.

    A person who is listed twice is returned once, as in the last row.

    :raises famulus.UsageError: with everything that is wrong in the file.
    """
    problems: list[Problem] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            people = list(_read_rows(file, path, problems))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        message = f"is not CSV in UTF-8 ({error}); save it as UTF-8, which Excel calls “CSV UTF-8”"
        raise UsageError(Problem(message, file=path)) from error
    if problems:
        raise UsageError(problems)
    if not people:
        raise UsageError(Problem("names no person: add a row for each", file=path))
    return list({person.listed_as: person for person in people}.values())


def _read_rows(file: Iterator[str], path: Path, problems: list[Problem]) -> Iterator[Person]:
    reader = csv.reader(file, strict=True)
    head = next(reader, [])
    titles = [_COLUMNS.get(identifier(title), "") for title in head]
    unknown = [repr(title) for title, known in zip(head, titles, strict=True) if not known]
    if unknown or not {"name", "email"} & set(titles):
        found = f"unknown column {', '.join(unknown)}" if unknown else "no column name or email"
        message = (
            f"{found}; the first line has to name the columns, separated by commas: name or email, "
            "or both, and group"
        )
        problems.append(Problem(message, file=path, line=1))
        return
    for cells in reader:
        values = {title: " ".join(cell.split()) for title, cell in zip(titles, cells, strict=False)}
        fault = _fault(values, more=cells[len(titles) :])
        if fault:
            problems.append(Problem(fault, file=path, line=reader.line_num))
        elif any(values.values()):
            yield Person(**values)


def _fault(values: Mapping[str, str], more: Sequence[str]) -> str:
    """Return what is wrong with a row, or an empty text; ``more`` are cells beyond the columns."""
    if any(map(str.strip, more)):
        return f"has {len(values) + len(more)} cells for {len(values)} columns"
    if values.get("group") and not values.get("name") and not values.get("email"):
        return "has neither a name nor an e-mail address"
    for title, value in values.items():
        if len(value) > _LONGEST or not value.isprintable():
            return f"{title}: has more than {_LONGEST} characters, or one that cannot be printed"
    email = values.get("email", "")
    if email and not all(email.partition("@")[::2]):
        return f"email: {email!r} is not an e-mail address"
    return ""


def workers_called(tx: Transaction, who: str) -> list[str]:
    """Return the worker names of the people with this name, mail address or worker name."""
    query = LinksPerson.select(LinksPerson.worker, LinksPerson.name, LinksPerson.email)
    return [
        row.worker
        for row in tx.rows(query.order_by(LinksPerson.id))
        if is_known_as(who, row.worker, row.name, row.email)
    ]


def store_person(tx: Transaction, person: Person) -> int:
    """Store or update a person of a list; return the number of their row.

    Values of the list replace stored ones.
    """
    values = {"name": person.name, "email": person.email, "group_name": person.group}
    known = LinksPerson.listed_as == person.listed_as
    tx.execute(
        LinksPerson.insert(
            worker=new_worker_name(), listed_as=person.listed_as, **values
        ).on_conflict_ignore()
    )
    given = {name: value for name, value in values.items() if value}
    tx.execute(LinksPerson.update(given).where(known))
    row = tx.row(LinksPerson.select(LinksPerson.id).where(known))
    assert row is not None
    return int(row.id)


def is_entered(tx: Transaction, entered_as: str) -> bool:
    """Return whether an entry has already registered a person."""
    query = LinksPerson.select(LinksPerson.id).where(LinksPerson.entered_as == entered_as)
    return tx.row(query) is not None


def store_entered(tx: Transaction, person: Person, entered_as: str) -> tuple[int, bool]:
    """Store a person who has registered themselves, once for each entry.

    The person counts as new, even with the name or address of a listed person.

    :returns: the number of their row, and whether it is new.
    """
    stored = tx.execute(
        LinksPerson.insert(
            worker=new_worker_name(), name=person.name, email=person.email, entered_as=entered_as
        ).on_conflict_ignore()
    )
    row = tx.row(LinksPerson.select(LinksPerson.id).where(LinksPerson.entered_as == entered_as))
    assert row is not None
    return int(row.id), bool(stored.rowcount)


def payee_names(tx: Transaction, workers: Sequence[str]) -> dict[str, str]:
    """Return the name and the address of people by their worker names in core."""
    found = {}
    for first in range(0, len(workers), _BATCH):
        query = LinksPerson.select().where(LinksPerson.worker << workers[first : first + _BATCH])
        for row in tx.rows(query.order_by(LinksPerson.id)):
            known = f"{row.name} ({row.email})" if row.name and row.email else row.name or row.email
            if known:
                found[row.worker] = known
    return found


def personal_texts(tx: Transaction, worker: str) -> tuple[str, ...]:
    """Return the name and the address of a person, as far as they are known."""
    row = tx.row(LinksPerson.select().where(LinksPerson.worker == worker))
    return () if row is None else tuple(text for text in (row.name, row.email) if text)
