"""``famulus links``: making, listing and revoking the links of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from famulus import Database, Problem, RunRecord, Session, UsageError, json_option, pass_session
from famulus_links.arguments import (
    check_limits,
    check_word,
    has_ended,
    limit_options,
    only_here,
    run_argument,
    run_of_links,
)
from famulus_links.limits import Limits

_file = click.Path(dir_okay=False, path_type=Path)


@click.group
def links() -> None:
    """Links: inviting people to a run of the provider links."""


@links.command(short_help="Make a personal link for each person of a list.")
@click.argument("people", type=_file)
@run_argument
@click.option("-o", "--output", type=_file, required=True, help="The CSV file of the links.")
@click.option(
    "--qr",
    "qr_folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write each link as a QR code, a PNG file, into this folder.",
)
@limit_options
@pass_session
def make(
    session: Session,
    people: Path,
    run: int,
    output: Path,
    qr_folder: Path | None,
    limits: Limits,
) -> None:
    """Make a personal link to run RUN for each person of PEOPLE.

    PEOPLE is a CSV file with the columns name or email, or both, and group. A person who has a link
    keeps it, with new limits if they are given; a person whose link was revoked gets a new one.
    """
    from famulus_links.addresses import LinkSigner
    from famulus_links.files import write_csv, write_qr_codes
    from famulus_links.links import make_links
    from famulus_links.people import read_people

    listed = read_people(people)
    with _database(session) as database:
        record = _run_of_new_links(session, database, run)
        check_limits(database, limits)
        signer = LinkSigner(database)
        made = make_links(database, run, listed, limits)
        addresses = [signer.address(record.url, link.name) for link in made]
    rows = [
        (who.name, who.email, who.group, link.worker or "", address)
        for who, link, address in zip(listed, made, addresses, strict=True)
    ]
    write_csv(output, [("name", "email", "group", "worker", "link"), *rows])
    session.say(f"Wrote {_counted(len(rows), 'link')} to {output}.")
    if qr_folder is not None:
        names = [f"{number:04}-{row[3]}.png" for number, row in enumerate(rows, 1)]
        write_qr_codes(qr_folder, zip(names, addresses, strict=True))
        session.say(f"Wrote {_counted(len(names), 'QR code')} into {qr_folder}.")


@links.command("open", short_help="Make a link by which anyone can come in.")
@run_argument
@click.option("--word", metavar="W", help="A code word that people have to know.")
@limit_options
@pass_session
def open_command(session: Session, run: int, word: str | None, limits: Limits) -> None:
    """Make a link to run RUN that anyone can use, and print it.

    The link shows a form that people send to begin; each of them becomes a new worker with a
    personal link. Each call makes another open link.
    """
    from famulus_links.addresses import LinkSigner
    from famulus_links.links import make_open_link

    with _database(session) as database:
        record = _run_of_new_links(session, database, run)
        check_limits(database, limits)
        if word is not None:
            check_word(word)
        name = make_open_link(database, run, (word or "").strip(), limits)
        session.say(LinkSigner(database).address(record.url, name))


@links.command("list", short_help="List the links of run RUN, and who has come.")
@run_argument
@click.option("--waiting", is_flag=True, help="Only people who have not come yet, to remind them.")
@click.option(
    "--csv", "output", metavar="FILE", type=_file, help="Write them, and their addresses."
)
@json_option
@pass_session
def list_command(
    session: Session, run: int, waiting: bool, output: Path | None, as_json: bool
) -> None:
    """List the links of run RUN, and who has come.

    A person who has given their unit back, or let its time pass, counts as one who has not come.
    """
    from famulus_links.addresses import LinkSigner
    from famulus_links.files import write_csv
    from famulus_links.progress import COLUMNS, OPEN, PERSONAL, LinkState, read_progress

    with _database(session) as database:
        record = run_of_links(database, run)
        found = read_progress(database, run, database.clock(), has_ended=has_ended(record))
        signer = LinkSigner(database)
        if waiting:
            found = [each for each in found if each.state is LinkState.WAITING]
        addresses = [signer.address(record.url, each.link.name) for each in found]
    listed = [
        {**each.as_dict(), "link": address} for each, address in zip(found, addresses, strict=True)
    ]
    columns = (*COLUMNS, "link")
    if output is not None:
        write_csv(output, [columns, *_rows(listed, columns)])
        session.say(f"Wrote {_counted(len(listed), 'link')} to {output}.")
    elif as_json:
        session.say_json(listed)
    else:
        personal = [row for row in listed if row["worker"]]
        anyones = [row for row in listed if not row["worker"]]
        _say_links(session, personal, PERSONAL)
        if personal and anyones:
            session.say("")
        _say_links(session, anyones, OPEN)


def _say_links(
    session: Session, listed: Sequence[Mapping[str, object]], columns: Sequence[str]
) -> None:
    session.say_table([[name.upper() for name in columns], *_rows(listed, columns)])


def _rows(listed: Sequence[Mapping[str, object]], columns: Sequence[str]) -> list[list[str]]:
    return [[str(each[name]) for name in columns] for each in listed]


@links.command(short_help="Make links of run RUN invalid.")
@run_argument
@click.argument("whose", nargs=-1, required=True, metavar="WHO...")
@pass_session
def revoke(session: Session, run: int, whose: tuple[str, ...]) -> None:
    """Make links of run RUN invalid: the links of people, or links with an address.

    WHO is a person's e-mail address, name or worker, or the address of a link. A person with an
    open unit can still submit it.
    """
    from famulus_links.links import links_of
    from famulus_links.links import revoke as revoke_links

    with _database(session) as database:
        run_of_links(database, run)
        with database.read() as tx:
            known = links_of(tx, run)
        found, problems = [], []
        for who in whose:
            theirs = [link for link in known if link.is_of(who)]
            found += theirs
            people = sorted({link.worker or "" for link in theirs})
            if not people:
                message = f"run {run} has no link of {who!r}; `famulus links list {run}` lists them"
                problems.append(Problem(message))
            elif len(people) > 1:
                # Visitors of an open link give any name and address that they like.
                several = ", ".join(people)
                message = f"{who!r} may be one of {several}; name the one that is meant"
                problems.append(Problem(message))
        if problems:
            raise UsageError(problems)
        number = revoke_links(database, found)
    if number:
        session.say(f"Revoked {_counted(number, 'link')}.")
    else:
        was = "was" if len(found) == 1 else "were"
        session.say(f"Nothing to revoke: {_counted(len(found), 'link')} {was} revoked already.")


def _run_of_new_links(session: Session, database: Database, run: int) -> RunRecord:
    record = run_of_links(database, run, for_new_links=True)
    if warning := only_here(record.url):
        session.warn(warning)
    return record


@contextmanager
def _database(session: Session) -> Iterator[Database]:
    """Open the database, with the tables of links."""
    from famulus_links.tables import SCHEMA

    with session.open_existing() as database:
        database.prepare([SCHEMA])
        yield database


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
