"""The contract of blueprints: kinds of task, with their data, their pages and their answers."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from attrs import evolve

from famulus.contracts.blueprint_args import BlueprintArgs, BlueprintArgsClass, OnboardingArgs
from famulus.contracts.context import Context
from famulus.contracts.filled_form import fields_of, fill_form
from famulus.contracts.plan import Plan, SharedStateClass, SharedTaskState
from famulus.contracts.views import (
    AssetFolder,
    AttemptView,
    Form,
    NotPassed,
    OnboardingView,
    Page,
    PreviewView,
    SubmittedUnit,
    TaskView,
    UnitView,
    answers_from,
)
from famulus.errors import Problem
from famulus.translation import Catalogue


class Blueprint(ABC):
    """Subclass this to add a kind of task, and return it from ``famulus_register_blueprints``.

    Core makes an instance whenever it needs one: to check a plan, in the operator, in each serving
    process. Many threads call its methods at once, so an instance keeps nothing but caches between
    calls. No method is called inside a transaction.

    When a page method raises, the worker gets an apology with a reference number, and the log has
    the traceback with the same number; the worker keeps the unit.
    """

    #: The name in configurations: ``blueprint: static_task``.
    type: ClassVar[str]
    #: Its options: an attrs class with fields made with :func:`famulus.option`, a subclass of
    #: :class:`famulus.BlueprintArgs`.
    Args: ClassVar[BlueprintArgsClass] = BlueprintArgs
    #: What a run script can set in Python; ``self.context.shared_state`` is one of these.
    SharedState: ClassVar[SharedStateClass] = SharedTaskState

    #: Whether :meth:`task_page`, :meth:`read_answers` and :meth:`thank_you` never block: they wait
    #: for no network, no process and no other thread, and take far less than a millisecond besides
    #: what their views read of the database. They may then be called on the thread of the event
    #: loop that serves all workers, which a slow one stops, or with PostgreSQL in one of the two
    #: threads that all requests share. A subclass says it again for its own methods: that of a base
    #: class does not count.
    is_quick: ClassVar[bool] = False

    #: the translations of the texts that it shows to workers; None if it shows none
    catalogue: ClassVar[Catalogue | None] = None

    #: The number of this contract. A method that is added with a default leaves it. A class may set
    #: the number that it was written for; another one than this is refused when it is loaded.
    contract: ClassVar[int] = 2

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def problems(self, plan: Plan) -> list[Problem]:
        """Return everything that is wrong, each with its key, file and line. Writes nothing.

        Called once before each launch, by ``famulus check``, and before a resume that still has
        data to load. Read data files whole, so that nothing in them can fail once the run exists.
        An exception becomes a problem that names the blueprint. A problem made with
        ``warning=True`` is printed and does not stop the launch.
        """

    @abstractmethod
    def assignments(self) -> Iterator[Mapping[str, Any]]:
        """Yield the data, always in the same order: one row per assignment, as JSON can hold it.

        A million rows must need no more memory than ten. Called at the launch; the iteration goes
        on in a thread of its own while the first workers arrive. A launch that is resumed iterates
        again and skips what is stored, comparing a hash of the rows. An exception before the first
        row fails the launch; a later one ends the loading, and the stored rows stay.
        """

    def earlier_assignments(self) -> Sequence[Iterator[Mapping[str, Any]]]:
        """Return the data in each form in which an earlier version of the blueprint stored it.

        Called when a launch is resumed and its stored rows are not the beginning of
        :meth:`assignments`. The launch goes on with the first form that begins with the stored
        rows. Pages and answers have to take rows of each form.
        """
        return ()

    @property
    def units_per_assignment(self) -> int:
        """The option ``units_per_assignment``, read at the launch and stored."""
        units: int = self.args.units_per_assignment
        return units

    @property
    def data_is_code(self) -> bool:
        """Whether the rows come from Python, so that another process cannot read them again.

        A run whose data were not loaded to the end can then only be resumed with the rows.
        """
        return False

    @property
    def page_languages(self) -> Sequence[str]:
        """The language tags of its pages; the first is for workers who want none of them.

        If ``task.language`` leaves the choice to the browser, it chooses among these languages or,
        if there are none, among all languages of the frame. Read when a run begins to be served.
        """
        return ()

    @abstractmethod
    def task_page(self, view: TaskView) -> Page:
        """Return the page for one unit.

        Called in the serving process, by any thread: when the unit is assigned and, with the same
        view, whenever the worker loads the page again.
        """

    def refused_page(self, view: TaskView, form: Form, fields: Mapping[str, str]) -> Page:
        """Return the task page again, after :meth:`read_answers` has refused the form.

        Called for browsers without JavaScript; with it, the form stays as it is. The default is the
        task page with the form's values in its fields, below the message of the refusal.

        :param fields: the :attr:`famulus.InvalidAnswers.fields` of the refusal.
        """
        page = self.task_page(view)
        return evolve(page, body=fill_form(page.body, form.fields))

    def preview_page(self, view: PreviewView) -> Page | None:
        """Return the page for a person who has not accepted; None shows only the description.

        The page's fields are disabled, and it has no Submit button.
        """
        return None

    @property
    def has_onboarding(self) -> bool:
        """Whether a worker's first visit begins with :meth:`onboarding_page`.

        A blueprint that overrides it takes its options from :class:`famulus.OnboardingArgs`. If it
        is true, :attr:`onboarding_qualification` must be a name.
        """
        return False

    @property
    def onboarding_qualification(self) -> str | None:
        """The qualification that the onboarding grants: 1 for passed, 0 for failed.

        The option of the same name; None without :class:`famulus.OnboardingArgs`. The qualification
        is created at the launch if it is missing. A worker who has it gets no onboarding, and no
        unit if its value is 0.
        """
        args = self.args
        return args.onboarding_qualification if isinstance(args, OnboardingArgs) else None

    @property
    def block_qualification(self) -> str | None:
        """The option of the same name: the qualification that excludes a worker.

        It is created at the launch if it is missing.
        """
        name: str | None = self.args.block_qualification
        return name

    def onboarding_page(self, view: OnboardingView) -> Page:
        """Return the onboarding page.

        Called like :meth:`task_page`, and only if :attr:`has_onboarding` is true.
        """
        raise LookupError(f"the blueprint {self.type!r} does not define onboarding_page()")

    def refused_onboarding_page(
        self, view: OnboardingView, form: Form, fields: Mapping[str, str]
    ) -> Page:
        """Return the onboarding page again, after :meth:`read_answers` has refused the form.

        Called like :meth:`refused_page`. The default is the onboarding page with the form's values
        in its fields, below the message of the refusal.
        """
        page = self.onboarding_page(view)
        return evolve(page, body=fill_form(page.body, form.fields))

    def onboarding_passed(self, answers: Any, attempt: AttemptView) -> bool | NotPassed:
        """Return whether answers to the onboarding, as :meth:`read_answers` returns them, qualify.

        Return :class:`famulus.NotPassed` in place of False to explain it to the worker. Called once
        for each submission that counts, however many processes serve the run; again only if the
        call took longer than two minutes or its process was killed. After an exception, and any
        other result, the worker gets an apology and may try again; nothing is granted.
        """
        raise LookupError(f"the blueprint {self.type!r} does not define onboarding_passed()")

    def read_answers(self, form: Form, attempt: AttemptView) -> Any:
        """Return the answers of a submitted form, the onboarding's too, as JSON can hold them.

        Called in the serving process, by any thread, before anything is stored; again when a
        browser sends the same form again. A field may hold anything: derive what must be certain,
        such as what the page showed, from ``attempt``. The fields of the frame (``famulus_…``) are
        left out of ``form``.

        :raises famulus.InvalidAnswers: with a message for the worker, whose form keeps what they
            have entered. Nothing is stored then, nor after any other exception.
        """
        return answers_from(form)

    def thank_you(self, answers: Any, attempt: AttemptView) -> str:
        """Return HTML for the page that confirms stored answers; empty for none.

        Shown below a code, or above any other last step that the platform asks for. A browser that
        would go on by itself waits for some seconds then. Called after the answers to a unit are
        stored, again when they are sent again. When it raises, the page is sent without it.
        """
        return ""

    def show(self, unit: SubmittedUnit) -> str:
        """Return what the worker saw and answered, as text for the reviewer's terminal.

        Called by ``famulus review`` and ``famulus examine``, in their own process, each time a unit
        is shown; the run's callbacks are not available. The command itself shows the worker, the
        times and the paths of files. Characters that control the terminal are removed. When it
        raises, inputs and answers are shown as JSON.
        """
        return json.dumps(
            {"inputs": unit.data, "outputs": unit.answers}, indent=2, ensure_ascii=False
        )

    def show_onboarding(self, answers: Any) -> str:
        """Return answers to the onboarding, as text for a terminal.

        Called by ``famulus examine --onboarding`` like :meth:`show`, for workers who have passed
        and for those who have not. The default is JSON.
        """
        return json.dumps(answers, indent=2, ensure_ascii=False)

    def review_page(self, unit: SubmittedUnit) -> Page:
        """Return what the worker saw and answered, for the reviewer's browser.

        The default is the task page with the answers in its fields, in the language in which the
        worker saw it. The fields are disabled, and no script of the page runs: answers are a
        stranger's text, which a script could take for markup. All answers are listed below the
        page. Escape answers like data. Called by ``famulus examine --html``, in its own process;
        the run's callbacks are not available. When it raises, the answers are shown alone.
        """
        shown = UnitView(
            id=unit.id, assignment_id=unit.assignment_id, index=unit.index, data=unit.data
        )
        view = TaskView(
            agent_id=unit.agent_id,
            worker=unit.worker,
            unit=shown,
            language=unit.language or "en",
        )
        page = self.task_page(view)
        return evolve(page, body=fill_form(page.body, fields_of(unit.answers)))

    def assets(self) -> Sequence[Path | AssetFolder]:
        """Return the folders whose files are served beside the page, under their own names.

        A path serves the whole folder, an :class:`AssetFolder` only the files that it chooses.
        Called at each request for such a file. If two folders have a file of the same name, that of
        the first folder is served. Files whose names begin with a dot are not served.
        """
        return ()
