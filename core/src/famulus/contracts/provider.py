"""The contract of providers: where workers come from, and how they leave and are paid."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from attrs import frozen

from famulus.clock import Clock, system_clock
from famulus.contracts.completion import Completion, VisitOutcome
from famulus.contracts.context import AnyClass, Context
from famulus.contracts.entry_form import Entry, EntryForm
from famulus.contracts.plan import Plan
from famulus.contracts.provider_views import (
    Arrival,
    Capabilities,
    GrantView,
    Keep,
    Outcome,
    PaymentView,
    Preview,
    Quote,
    Result,
    RunView,
    SyncCursor,
    VisitReport,
    VisitVerdict,
    VisitView,
)
from famulus.contracts.receiving import PlatformRequest, Received, Unverified
from famulus.contracts.rehearsal import Rehearsal
from famulus.contracts.views import Refusal, RefusalReason
from famulus.errors import Problem
from famulus.model.states import PaymentKind
from famulus.translation import Catalogue


@frozen(kw_only=True)
class NoRequesterArgs:
    """The settings of requesters that have nothing but a name."""


class Provider(ABC):
    """Subclass this to bring workers, and return it from ``famulus_register_providers``.

    Every method that changes something on the platform must be idempotent: it may be called again
    with the same arguments, after a crash or a lost reply. The only exception is :meth:`pay`: a
    payment is not passed again once it may have been made; :meth:`settle` finds out. No method is
    called inside a transaction.

    A method that cannot reach the platform raises :class:`~famulus.UnavailableError`, and the call
    is repeated later: when the platform asks for it (``retry_after``), or with growing pauses.
    :class:`~famulus.RefusedError` means that the platform refuses the call, and why: the message is
    shown to the requester, and the call is only repeated at their request.

    Calls that have many items, up to :attr:`batch_size`, give a result for each: a pair of its
    ``key`` and an outcome or error. They may be generators, outside of any transaction of their
    own: each result is stored as it comes, so that a crash loses none before it. An exception is
    the result of every item that has none yet, and an item without a result has an unknown outcome.

    One instance is made to check a plan, one in the operator and one in each serving process, where
    many threads use it at once; commands make others for a requester's account.
    """

    #: The name in configurations: ``provider: mock``. Workers' names are unique within it.
    type: ClassVar[str]
    #: An attrs class of options made with :func:`famulus.option`. An option ``requester_name`` is
    #: the account that pays. A class without it must have none with a name that resembles it.
    Args: ClassVar[AnyClass]
    #: An attrs class of the settings that ``famulus register`` asks for besides the name, made with
    #: :func:`famulus.option`; a ``secret`` one is asked for on a terminal only.
    RequesterArgs: ClassVar[AnyClass] = NoRequesterArgs
    capabilities: ClassVar[Capabilities] = Capabilities()
    #: origins that may show the pages in a frame (CSP ``frame-ancestors``)
    frame_ancestors: Sequence[str] = ()
    #: seconds between two calls of :meth:`sync`: more while the platform is unavailable, and fewer,
    #: down to one, when it announces changes
    sync_seconds: ClassVar[float] = 15
    #: the most items of one call of :meth:`decide`, :meth:`pay`, :meth:`grant` or :meth:`revoke`
    batch_size: ClassVar[int] = 1
    #: the name of the requester that is made when it is needed; None if requesters have to be
    #: registered
    default_requester: ClassVar[str | None] = None

    #: Whether :meth:`arrive`, :meth:`completion` and :meth:`most_left` never block: they wait for
    #: no network, no database and no other thread. They may then be called on the thread of the
    #: event loop that serves all workers, which a slow one stops. A subclass says it again for its
    #: own methods: that of a base class does not count.
    is_quick: ClassVar[bool] = False
    #: Whether that is so of :meth:`completion`, at least after answers are stored, and of
    #: :meth:`most_left`: arrivals are answered in threads then, and submissions on the event loop.
    ends_quickly: ClassVar[bool] = False

    #: the translations of the texts that it shows to workers; None if it shows none
    catalogue: ClassVar[Catalogue | None] = None

    #: The number of this contract. A method that is added with a default leaves it. A class may set
    #: the number that it was written for; another one than this is refused when it is loaded.
    contract: ClassVar[int] = 2

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @property
    def currency(self) -> str:
        """The currency of the requester's account: the three letters of ISO 4217.

        Amounts are whole numbers of its smallest unit. The currency follows from the options and
        from ``context.requester``, which is None before the account is registered; the platform is
        not called. A run keeps the currency that it was launched with: if the account has another
        currency later, the run is not resumed and pays no more bonuses.
        """
        return "USD"

    @classmethod
    def rehearsal(cls, clock: Clock = system_clock) -> Rehearsal | None:
        """Return the fake of the platform, not yet started; None if the package ships none.

        :param clock: the time of the fake.
        """
        return None

    @abstractmethod
    def problems(self, plan: Plan) -> list[Problem]:
        """Return everything that is wrong. Writes nothing, here or on the platform.

        Called once before each launch, and by ``famulus check``; not before a resume. An exception
        becomes a problem that names the provider.
        """

    def serving_problems(self, plan: Plan) -> list[Problem]:
        """Return what keeps a run from admitting workers now, such as a key that cannot be read.

        May ask the platform, and changes nothing there. A platform that does not answer is a
        warning: it may answer when the run is served.

        Called like :meth:`problems`, but not by commands that serve nothing, such as ``famulus
        quote``. Called before each resume too: a problem refuses it, and a warning is logged.
        """
        return []

    @abstractmethod
    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | EntryForm | Refusal:
        """Return the worker who arrives with these URL parameters.

        An :class:`~famulus.EntryForm` asks first who they are, or for their consent; what they send
        goes to :meth:`enter`. A run that gives no more work shows no form and takes none.

        Called in the serving process, by any thread, whenever a page is opened or loaded again. The
        parameters can be forged: if the platform can confirm them, ask it.

        :raises famulus.UnavailableError: when the platform cannot be reached; the worker is asked
            to try again. After any other exception the page is an apology with a reference number.
        """

    @abstractmethod
    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        """Return how the worker of a visit leaves, for each outcome.

        The result for completed work is the worker's claim to the pay: no other outcome may have
        the same code, form or address. This method does not call the platform: the browser does.

        Called in the serving process, by any thread, after the commit: once the work is stored or
        given back, and with each refusal of a worker whom :meth:`arrive` has named; again when a
        form is sent again, or the worker comes back. The worker waits for it, so it returns at
        once. When it raises, the page shows what has happened, and leads nowhere.
        """

    def most_left(self, visit: VisitView) -> int | None:
        """Return how many more units the provider lets a worker do after one visit.

        None, the default, if the provider sets no limit of its own. Pages say how many units the
        worker can get at most. Called in the serving process, by any thread, for each page of a
        task and for the worker's own page; it returns at once. If it raises, only the limits of the
        run count.
        """
        return None

    def enter(
        self, query: Mapping[str, str], entry: Entry
    ) -> Mapping[str, str] | EntryForm | Refusal:
        """Return the URL parameters with which the sender of an entry form arrives.

        The browser opens the run with them; they should contain all that :meth:`arrive` needs, and
        be signed if they must not be made up. An :class:`~famulus.EntryForm` asks again, with
        ``messages`` about what was sent, or for more; fields of the same name keep their values.

        Called in the serving process, by any thread, with an entry to the form that :meth:`arrive`
        returns for the same parameters. A form may be sent twice, at the same time too: the same
        ``entry.key`` must lead to the same worker. Anyone can send a form, also without the page.
        Not called if :meth:`arrive` returns no form.

        :raises famulus.UnavailableError: when it cannot be answered now; the worker is asked to try
            again. After any other exception the page is an apology with a reference number.
        """
        return Refusal(reason=RefusalReason.UNKNOWN_LINK)

    def register(self, name: str, args: Any) -> Mapping[str, Any]:
        """Check a requester's credentials with the platform, and return what is to be stored.

        Secrets are kept where the platform's own tools keep them. The result is JSON and holds no
        secret; it is stored as ``RequesterView.settings``.

        :param args: an instance of the class ``RequesterArgs``.
        :raises famulus.UsageError: when credentials are missing or refused; nothing is stored then.
        """
        return {}

    def fee(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        """Return the platform's fee on top of one payment.

        Called before a bonus or a compensation is planned, and by :meth:`quote` unless that is
        overridden. It may ask the platform, and raises what :meth:`quote` may.
        """
        return Decimal(0)

    def taxes(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        """Return the taxes on one payment and its fee, which the account is charged too."""
        return Decimal(0)

    def quote(self, plan: Plan, units: int) -> Quote:
        """Return the cost of ``units`` units.

        The quote for one unit is what the budget (``task.max_spend``) counts for each. It may ask
        the platform. Called by ``famulus quote`` and ``check``, and at each launch.

        :raises famulus.UnavailableError: when the platform cannot be asked now. A check reports it
            as a problem if the task has a budget; a launch ends with it and has written nothing.
        """
        reward = plan.task.task_reward or Decimal(0)
        fee = self.fee(PaymentKind.REWARD, reward)
        taxes = self.taxes(PaymentKind.REWARD, reward)
        return Quote(
            currency=self.currency, rewards=reward * units, fees=fee * units, taxes=taxes * units
        )

    def forecast(self, plan: Plan, units: int) -> Sequence[str]:
        """Return sentences on how recruiting workers for ``units`` units may go.

        Shown with the cost by ``famulus quote`` and before a launch. It may ask the platform; what
        the platform does not answer is left out.
        """
        return ()

    def balance(self) -> Decimal | None:
        """Return what the requester's account can spend now, in :attr:`currency`.

        None if the platform does not report it. A launch that exceeds it is refused.
        """
        return None

    def entrances(self, run: RunView) -> Sequence[str]:
        """Return the addresses at which workers come in; they are printed for the requester.

        Called at each launch and resume, once the run's first places are open, and by
        ``famulus status``.
        """
        return (run.url,)

    def invitation(self, run: RunView) -> str:
        """Return how workers come in, if the addresses alone do not say it.

        One or more sentences for the requester, printed below the addresses of a launch and a
        resume, and by ``famulus status``. Called with :meth:`entrances`.
        """
        return ""

    def remarks(self, run: RunView) -> Sequence[str]:
        """Return remarks on the platform for ``famulus status``, each a part of a sentence.

        Each is one line without a full stop, and is shown in a line of its own. It does not call
        the platform: it returns what a sync has found out. The run may be over.
        """
        return ()

    def set_places(self, run: RunView, total: int) -> None:
        """Offer more places, if fewer than ``total`` were offered so far.

        Each is for one worker's visit, and can be taken until ``run.closes_at``. ``total`` counts
        all places of the run, taken ones too, and grows in portions while the run is active. The
        same or a smaller total than before changes nothing. The open and taken places are as many
        as the free units that the run's window and budget allow. When a visit ends without a
        submission, the platform has to offer its place again.

        One call adds up to 20 places, and may open several of them at once.

        If pausing closes places for good, ``total`` includes the ``run.gone_places`` places that
        are gone. If places are numbered, offer those from ``run.gone_places`` to ``total - 1``:
        lower ones are closed, or were never opened. An earlier call may have opened some of them.
        """

    def move_end(self, run: RunView) -> None:
        """Keep the open places available until ``run.closes_at``, which has been changed."""

    def pause_places(self, run: RunView) -> None:
        """Offer no place until the next :meth:`set_places`.

        Workers who have taken one may finish. The open places are gone then, and others are opened
        in their stead when the run is resumed; if the platform keeps them
        (``keeps_paused_places``), the next :meth:`set_places` offers them again, with the same
        total or a larger one.

        Called by the thread that delivers outbox rows, when the run stops, and again when another
        process may have opened places since, or the platform may have, because a visit was rejected
        (``replaces_by_itself``). ``run.is_served`` is set if the run goes on and has no free unit:
        a webhook that announces changes of its visits is still needed then.

        :raises famulus.UnlistedPlacesError: when every place that the platform lists is closed, but
            a call without a reply may have opened others. It is called again later, and the run may
            be resumed before: ``run.gone_places`` is not 0 then, and only numbered places before it
            are to be closed. Not for platforms that keep paused places.
        """

    def end_places(self, run: RunView) -> None:
        """Offer no place again: the run is over for good. By default, pauses them.

        Called like :meth:`pause_places`, when the run finishes, even if it was stopped before.
        """
        self.pause_places(run)

    def dispose(self, run: RunView) -> None:
        """Clean up what a finished run has left on the platform.

        Called once all its visits are decided and paid.
        """

    def sync(
        self, run: RunView, visits: Iterable[VisitView], cursor: str | None
    ) -> Iterable[VisitReport | SyncCursor]:
        """Report the platform's status of the run's visits; one report per visit is enough.

        Visits whose status the platform does not report are left out; a status is never guessed.
        Make as few calls as the platform allows. A generator's reports are stored one by one, so
        those before an exception count.

        A platform that lists what has changed is asked from ``cursor`` on. A
        :class:`SyncCursor` among the reports says that everything before it has been reported: it
        is stored once these reports are, and its value is passed to the operator's next call.

        Called repeatedly while the run has an operator, and by ``famulus sync``, which begins at
        the beginning.

        :param visits: the visits that are not decided on the platform, read from the database
            during the iteration; a platform that lists visits by itself need not read them.
        :param cursor: None to report on all visits of the run.
        """
        return ()

    def receive(self, request: PlatformRequest) -> Received | Unverified:
        """Verify a request that the platform has sent, and return which visits or runs it is about.

        The address is ``platform/<type>`` below the run's. Verify the signature before anything
        else, by the bytes of the body; refuse what is older than the platform's own retries. The
        runs that the result names are synced at once, so nothing else has to be done with it.

        Called in the serving process of any run, by any thread, if the capabilities say
        ``receives``. It may look into the database, and returns within milliseconds: after five
        seconds the platform is asked to send the request again, as it is after an exception.

        :raises famulus.UnavailableError: when the platform has to be asked and does not answer.
        """
        return Unverified(note=f"the provider {self.type!r} does not define receive()")

    def count_open_places(self, run: RunView) -> int | None:
        """Return how many open places :meth:`pause_places` would close. Changes nothing.

        None if the platform cannot be asked. Called by ``famulus doctor`` and ``famulus sync``,
        for runs without an operator.
        """
        return None

    def look(self, run: RunView, visits: Sequence[VisitView]) -> Iterable[VisitReport]:
        """Return the current status of some visits, like :meth:`sync` without a cursor.

        Changes nothing, and has no cursor: it only returns reports. A visit that is not reported
        stays as it is.

        Called by ``famulus doctor`` with visits that are open here and, if the platform refills
        places by itself, with rejected visits of a run without an operator: it shows what differs
        and changes nothing. Also called, and its reports applied:

        - where the platform refills places by itself (``replaces_by_itself``), in the serving
          process, by one thread at a time, while a worker waits for whom no unit is free, with the
          newest of the visits that hold one, 300 at most. After five seconds, or
          :class:`~famulus.UnavailableError`, the worker is asked to try again, and after any other
          exception refused;
        - by a sync, with a visit that :meth:`sync` has reported as submitted soon after its
          rejection was sent: a report that the rejection is undone is followed at once, and without
          one ten minutes pass before that.
        """
        return ()

    def open_visits(self, run: RunView) -> Iterable[str] | None:
        """Return the references of the run's visits that have not ended on the platform.

        They include visits that are unknown here, such as those of workers who have taken a place
        and not opened the page yet. None, the default, if the platform does not show them. Changes
        nothing.

        Called once a run is finished, and then every :attr:`sync_seconds` while there are any: the
        server stays for at most ten minutes, so that these workers are shown how to leave. An
        exception ends that.
        """
        return None

    def paid_visits(self, run: RunView) -> Iterable[VisitReport]:
        """Return the status of all visits that the platform has paid for, like :meth:`sync`.

        They include visits that are unknown here or have no work: a platform that approves by
        itself pays them too. By default, there are none. Changes nothing.

        Called by ``famulus doctor`` for runs without an operator: it shows which payments the
        ledger lacks, and does not add them.
        """
        return ()

    def differences(self, run: RunView, visits: Sequence[VisitView]) -> Iterable[str]:
        """Return differences between the platform and the database that core cannot see.

        Each is a sentence with the remedy, for ``famulus doctor``. Changes nothing.

        :param visits: the visits with stored work that are not decided on the platform.
        """
        return ()

    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterable[tuple[str, Result]]:
        """Send verdicts to the platform, each once all units of its visit are reviewed.

        Approving pays the reward if the platform pays; a visit that the platform has approved
        already is confirmed. A verdict is sent again until its outcome is known, so a refusal has
        to mean that the visit does not have the verdict: an earlier call whose reply was lost may
        have delivered it. If a platform may refuse for another reason, read the visit's state
        first. If the platform reports submissions, a visit is decided after the platform has
        reported it. The verdicts of one call are about different visits.
        """
        return [(each.key, Outcome.CONFIRMED) for each in verdicts]

    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterable[tuple[str, Result]]:
        """Pay bonuses and compensations. No payment is made by a second call.

        Called only if ``capabilities.pays`` is set.

        The result is ``UNKNOWN`` if a payment may have been made.
        :class:`~famulus.UnavailableError` and :class:`~famulus.RefusedError` mean that it was not;
        raised instead of returned, they mean it for all payments without a result yet. Any other
        exception leaves these unknown.

        :param keep: stores what :meth:`settle` will need to find a payment, such as the id of a
            bulk order, as ``PaymentView.kept``. It is committed when ``keep`` returns: call it
            before the step that cannot be undone. If ``keep`` raises, the payment must not be made.
        """
        return [(each.key, Outcome.CONFIRMED) for each in payments]

    def settle(
        self,
        visit: VisitView | None,
        unsettled: Sequence[PaymentView],
        confirmed: Sequence[PaymentView],
    ) -> Iterable[tuple[str, Result]]:
        """Ask the platform how payments by :meth:`pay` have ended, and return their outcomes.

        If the platform recognizes a payment's key, asking may repeat the call of :meth:`pay`;
        otherwise this method must not pay. ``FAILED`` means that nothing was paid and that no
        payment is under way. Nothing else is paid for the visit during the call.

        :param visit: None for payments without a visit, which are all of one worker.
        :param unsettled: all payments for the visit whose outcome is unknown, for platforms that
            show amounts only.
        :param confirmed: the payments for the visit that certainly were made.
        """
        return [(each.key, Outcome.CONFIRMED) for each in unsettled]

    def payee_names(self, worker_names: Sequence[str]) -> Mapping[str, str]:
        """Return the names under which workers are paid outside of the platform, by their ids.

        Workers whose name is not known are left out. Called by ``famulus payments owed`` if
        ``capabilities.pays`` is not set; the names are shown there and written into its CSV, and
        stored nowhere.
        """
        return {}

    def grant(self, grants: Sequence[GrantView]) -> Iterable[tuple[str, Result]]:
        """Grant qualifications on the platform, and create them there if they are missing.

        The workers may be ones who have never arrived.
        """
        return [(each.key, Outcome.CONFIRMED) for each in grants]

    def revoke(self, grants: Sequence[GrantView]) -> Iterable[tuple[str, Result]]:
        """Revoke qualifications on the platform; a worker without one is confirmed."""
        return [(each.key, Outcome.CONFIRMED) for each in grants]

    def block(self, worker_name: str, reason: str) -> None:
        """Block a worker on the platform."""

    def unblock(self, worker_name: str, reason: str) -> None:
        """Remove the block of a worker on the platform."""

    def workers_called(self, name: str) -> Iterable[str]:
        """Return the ids of workers whom the provider knows by this id, real name or address.

        They need not have come yet. Called by ``famulus workers forget``, which asks for the id if
        there are several. An override finds a worker by the id and by each of their
        :meth:`personal_texts`.
        """
        return ()

    def personal_texts(self, worker_name: str) -> Sequence[str]:
        """Return what else the provider calls a worker: their real name, an e-mail address.

        Called before :meth:`forget`: core removes these texts from what requesters have written,
        such as the notes of payments.
        """
        return ()

    def forget(self, worker_name: str, pseudonym: str) -> None:
        """Replace a worker's name in the provider's own tables, and delete what is known of them.

        Called by ``famulus workers forget``, for workers who are owed nothing; nothing is sent to
        the platform. Core uses the pseudonym in place of the name from then on.
        """
