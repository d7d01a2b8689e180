"""The provider ``links``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from attrs import frozen

from famulus import (
    Arrival,
    Capabilities,
    Completion,
    Entry,
    EntryForm,
    NotFoundError,
    Plan,
    Preview,
    Problem,
    Provider,
    Refusal,
    RunView,
    UsageError,
    VisitOutcome,
    VisitView,
    find_worker,
    option,
    past_work,
)
from famulus_links import refusals
from famulus_links.addresses import LINK, VISIT, LinkSigner
from famulus_links.catalogue import CATALOGUE
from famulus_links.entering import entry_form, register
from famulus_links.leaving import faults, leave
from famulus_links.links import Link, delete_person, links_of, note_entry, read_link
from famulus_links.people import WORKER_PREFIX, payee_names, personal_texts, workers_called

if TYPE_CHECKING:
    from attrs import Attribute

_NUMBER = re.compile("[1-9][0-9]{0,5}")
_CURRENCY = re.compile("[A-Z]{3}")


def _is_currency(_: object, _field: Attribute[Any], value: str) -> None:
    if _CURRENCY.fullmatch(value) is None:
        raise ValueError(f"{value!r} is not three capital letters of ISO 4217, such as EUR")


@frozen(kw_only=True)
class LinksArgs:
    """Options of the provider ``links``."""

    requester_name: str | None = option(
        help="Requester that the run belongs to; LINKS_REQUESTER, created when needed, if unset."
    )
    currency: str = option(
        help="Currency of the rewards that you owe workers: three letters of ISO 4217, as EUR.",
        default="USD",
        validator=_is_currency,
    )
    worker_param: str | None = option(
        help="URL parameter that is the worker, where a platform sends people: PROLIFIC_PID."
    )
    visit_param: str | None = option(
        help="URL parameter that is the visit, where the platform gives one unit to each: "
        "SESSION_ID. Without it, a worker may do one unit after the other."
    )
    welcome: str | None = option(
        help="Text of the page that a link shows first; an empty line separates paragraphs."
    )
    consent: str | None = option(
        help="Sentence on that page with a box that people have to tick; none if unset."
    )
    ask_name: bool = option(help="Ask for a name on the page of an open link.", default=False)
    ask_email: bool = option(
        help="Ask for a mail address on the page of an open link.", default=False
    )
    completions: dict[VisitOutcome, str] = option(
        help="How workers leave, by outcome: a code to show, or an address to go to, in which "
        "{NAME} stands for the URL parameter NAME, and {worker} for the worker. Without either, "
        "the page shows what they have done; so it does for people who come by a link where "
        "worker_param is set.",
        factory=dict,
    )


class LinksProvider(Provider):
    """Admits workers who come by a link: invited one by one, or sent by a platform.

    `famulus links make` makes personal links, `famulus links open` one for anyone. Options name the
    URL parameters of a platform that sends people here. Nothing is paid through Famulus: rewards
    are owed by the requester, who pays them outside.
    """

    type = "links"
    catalogue = CATALOGUE
    Args = LinksArgs
    capabilities = Capabilities()
    default_requester = "LINKS_REQUESTER"

    @property
    def currency(self) -> str:
        """Return the currency that the options name."""
        return str(self.args.currency)

    def problems(self, plan: Plan) -> list[Problem]:
        """Check the names of the parameters, and the codes and addresses."""
        args: LinksArgs = self.args
        found = [
            plan.problem(f"provider.completions.{outcome}", fault)
            for outcome, fault in faults(args.completions)
        ]
        if args.visit_param and not args.worker_param:
            message = "needs provider.worker_param, the URL parameter that is the worker"
            found.append(plan.problem("provider.visit_param", message))
        if args.worker_param in {LINK, VISIT}:
            message = f"{args.worker_param!r} is a parameter of links; choose another name"
            found.append(plan.problem("provider.worker_param", message))
        if args.visit_param in {LINK, args.worker_param} - {None}:
            message = f"{args.visit_param!r} is another parameter already; choose another name"
            found.append(plan.problem("provider.visit_param", message))
        return found

    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | EntryForm | Refusal:
        """Return the person of the link, or the worker named by the platform's parameters.

        People who first open a link get a form, whose button leads to the first unit.
        """
        if LINK in query:
            return self._by_link(query)
        if self.args.worker_param:
            return self._by_parameters(query)
        return refusals.NO_LINK

    def enter(
        self, query: Mapping[str, str], entry: Entry
    ) -> Mapping[str, str] | EntryForm | Refusal:
        """Return the next visit of a person; an open link gives each person a personal link."""
        link = self._read_valid_link(query.get(LINK, ""))
        if isinstance(link, Refusal):
            return link
        if link.worker is None:
            form = entry_form(link, self.args)
            found = register(self.context.database, link, form, entry)
            if not isinstance(found, Link):
                return found
            link = found
        else:
            self.context.database.write(lambda tx: note_entry(tx, link))
        number = self._number({}, link.worker or "", link.uses)
        return {LINK: self._signer.sign(link.name), VISIT: str(number)}

    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        """Return the code or the address of the outcome, and offer the next unit."""
        # The platform's codes are not for those whom it has not sent.
        is_other = bool(self.args.worker_param) and LINK in visit.query
        text = None if is_other else self.args.completions.get(outcome)
        return leave(text, visit, self._next_query(visit))

    def most_left(self, visit: VisitView) -> int | None:
        """Return how many uses a personal link has left after a visit."""
        uses = self._uses(visit.query)
        return None if uses is None else uses - int(visit.reference)

    def entrances(self, run: RunView) -> Sequence[str]:
        """Return the open links, and the address to enter on a platform that sends people."""
        with self.context.database.read() as tx:
            links = [link for link in links_of(tx, run.id) if link.worker is None]
        now = self.context.clock()
        found = [self._signer.address(run.url, each.name) for each in links if not each.refuse(now)]
        names = [name for name in (self.args.worker_param, self.args.visit_param) if name]
        if names:
            found.append(f"{run.url}?{urlencode(dict.fromkeys(names, '...'))}")
        return found or (run.url,)

    def invitation(self, run: RunView) -> str:
        """Return the commands that make links, or the parameters to put for the address's dots."""
        if self.args.worker_param:
            return (
                "Enter the address that ends in dots on your platform, with what the platform puts "
                "there in place of each `...`."
            )
        return (
            f"People come by links: `famulus links make PEOPLE.csv {run.id} -o links.csv` makes "
            f"one for each person, and `famulus links open {run.id}` one for anyone."
        )

    def payee_names(self, worker_names: Sequence[str]) -> Mapping[str, str]:
        """Return the names and addresses of people; a platform's workers have none here."""
        with self.context.database.read() as tx:
            return payee_names(tx, worker_names)

    def workers_called(self, name: str) -> Sequence[str]:
        """Return the people with this name or address, in any case, or with this id."""
        with self.context.database.read() as tx:
            return workers_called(tx, name)

    def personal_texts(self, worker_name: str) -> Sequence[str]:
        """Return the name and the address of a person."""
        with self.context.database.read() as tx:
            return personal_texts(tx, worker_name)

    def forget(self, worker_name: str, pseudonym: str) -> None:
        """Delete the person and their links; a person who returns has to be invited again."""
        self.context.database.write(lambda tx: delete_person(tx, worker_name))

    def _by_link(self, query: Mapping[str, str]) -> Arrival | EntryForm | Refusal:
        link = self._read_valid_link(query[LINK])
        if isinstance(link, Refusal):
            return link
        # Programs that look for harmful mail open its links. They press no button, and give no
        # consent, which an address alone must not stand for either.
        if link.worker is None or link.entered_at is None:
            return entry_form(link, self.args)
        number = self._number(query, link.worker, link.uses)
        if number is None:
            return refusals.UNKNOWN
        if link.uses is not None and number > link.uses:
            return refusals.USED_UP
        return Arrival(worker_name=link.worker, reference=str(number))

    def _by_parameters(self, query: Mapping[str, str]) -> Arrival | Refusal:
        worker = query.get(self.args.worker_param, "").strip()
        # A forged parameter must not name a person, who comes by a signed link.
        if not worker or worker.startswith(WORKER_PREFIX):
            return refusals.NO_LINK
        if self.args.visit_param:
            reference = query.get(self.args.visit_param, "").strip()
            if not reference:
                return refusals.NO_LINK
            return Arrival(worker_name=worker, reference=reference)
        number = self._number(query, worker, None)
        if number is None:
            return refusals.UNKNOWN
        return Arrival(worker_name=worker, reference=str(number))

    def _number(self, query: Mapping[str, str], worker: str, uses: int | None) -> int | None:
        """Return the number of a worker's visit from the query, or else that of their next visit.

        Core counts each worker and number once, however often a link is opened, so a link gives no
        more units than its allowed uses.
        """
        given = query.get(VISIT)
        if given is not None:
            return int(given) if _NUMBER.fullmatch(given) else None
        following = self._count_submitted(worker) + 1
        return following if uses is None else min(following, uses)

    def _count_submitted(self, worker: str) -> int:
        database, run = self.context.database, self.context.run_id
        try:
            known = find_worker(database, self.type, worker)
        except (NotFoundError, UsageError):
            return 0
        return sum(work.run_id == run for work in past_work(database, known.id))

    def _next_query(self, visit: VisitView) -> Mapping[str, str] | None:
        """Return the query of the worker's next visit, or None if there is none."""
        query = visit.query
        is_numbered = self.args.worker_param in query and not self.args.visit_param
        if LINK not in query and not is_numbered:
            return None
        if self.most_left(visit) == 0:
            return None
        return {**query, VISIT: str(int(visit.reference) + 1)}

    def _uses(self, query: Mapping[str, str]) -> int | None:
        """Return the allowed uses of the link in a query; None if they are not limited."""
        link = self._read_link(query[LINK]) if LINK in query else None
        return None if link is None else link.uses

    def _read_valid_link(self, token: str) -> Link | Refusal:
        link = self._read_link(token)
        return refusals.UNKNOWN if link is None else link.refuse(self.context.clock()) or link

    def _read_link(self, token: str) -> Link | None:
        """Return the link of a token; None if it is forged, or of another run."""
        name = self._signer.read(token)
        if name is None:
            return None
        with self.context.database.read() as tx:
            link = read_link(tx, name)
        # There is no run where a plan is only being checked.
        is_of_run = link is not None and self.context.run_id in {link.run_id, None}
        return link if is_of_run else None

    @cached_property
    def _signer(self) -> LinkSigner:
        return LinkSigner(self.context.database)
