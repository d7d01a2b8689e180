"""A kind of task: its data, its pages, how answers are checked and shown."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from famulus.contracts.context import AnyClass, Context
from famulus.contracts.plan import Plan, SharedStateClass, SharedTaskState
from famulus.contracts.views import (
    AttemptView,
    Form,
    OnboardingView,
    Page,
    PreviewView,
    SubmittedUnit,
    TaskView,
    answers_from,
)
from famulus.errors import Problem


class Blueprint(ABC):
    """Subclass this to add a kind of task, and return it from ``famulus_register_blueprints``.

    Core makes an instance whenever it needs one: to check a plan, in the operator, in each serving
    process. Pages are asked for by many threads at once, so an instance keeps nothing between calls
    but caches. No method is called inside a transaction.

    A page method that raises gives that worker an apology with a reference number and the log the
    traceback with the same number; the worker keeps the unit, and other workers notice nothing.
    """

    #: The name in configurations: ``blueprint: static_task``.
    type: ClassVar[str]
    #: An attrs class of options made with :func:`famulus.option`.
    Args: ClassVar[AnyClass]
    #: What a run script can set in Python; ``self.context.shared_state`` is one of these.
    SharedState: ClassVar[SharedStateClass] = SharedTaskState

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def problems(self, plan: Plan) -> list[Problem]:
        """Return everything that is wrong, each with its key, file and line. Writes nothing.

        Called once before each launch, by ``famulus check``, and before a resume that still has
        data to load. Reads a data file whole, so that nothing in it can fail once the run exists.
        What it raises by mistake becomes a problem that names the blueprint. A problem made with
        ``warning=True`` is printed and does not stop the launch.
        """

    @abstractmethod
    def assignments(self) -> Iterator[Mapping[str, Any]]:
        """Stream the data, one JSON-able row an assignment, the same rows in the same order always.

        A million rows must need no more memory than ten. Iterated once at the launch, partly in a
        thread of its own while workers are in already; a resumed launch iterates again and skips
        what is stored, comparing a hash of the rows. Raising before the first row fails the launch;
        later it ends the loading, and what is stored stays.
        """

    @property
    def units_per_assignment(self) -> int:
        """How many workers do each assignment, at least 1. Read at the launch; the run keeps it."""
        return int(getattr(self.args, "units_per_assignment", 1))

    @property
    def data_is_code(self) -> bool:
        """Whether the rows come from Python, so that another process cannot read them again.

        A run whose data are not all loaded is then only resumed with the rows given again.
        """
        return False

    @abstractmethod
    def task_page(self, view: TaskView) -> Page:
        """Return the page for one unit. Called in the serving process, by any thread, at the first
        visit and, with the same view, whenever the worker loads the page again.
        """

    def preview_page(self, view: PreviewView) -> Page | None:
        """Return what somebody sees who has not accepted yet; None for a plain description.

        Its fields are disabled, and it has no Submit button.
        """
        return None

    @property
    def has_onboarding(self) -> bool:
        """Whether a worker's first visit goes through :meth:`onboarding_page`.

        Where it is true, :attr:`onboarding_qualification` has to be a name.
        """
        return False

    @property
    def onboarding_qualification(self) -> str | None:
        """The qualification that passing grants (1) and failing too (0); made at need at launch.

        Who holds it, whatever its value, is not asked again; who holds 0 is not qualified.
        """
        return getattr(self.args, "onboarding_qualification", None)

    @property
    def block_qualification(self) -> str | None:
        """The qualification whose holders may not work on the task; made at need at launch."""
        return getattr(self.args, "block_qualification", None)

    def onboarding_page(self, view: OnboardingView) -> Page:
        """Return the onboarding page. Only called where :attr:`has_onboarding` is true, like
        :meth:`task_page`.
        """
        raise LookupError(f"blueprint {self.type!r} has no onboarding")

    def onboarding_passed(self, answers: Any) -> bool:
        """Decide whether the answers to the onboarding, as :meth:`read_answers` has made them,
        qualify. An exception leaves it undecided: the worker gets the apology and may try again,
        and nothing is granted.
        """
        raise LookupError(f"blueprint {self.type!r} has no onboarding")

    def read_answers(self, form: Form, attempt: AttemptView) -> Any:
        """Turn a submitted form, the onboarding's too, into JSON-able answers.

        Called in the serving process, by any thread, before anything is stored; again when a
        browser sends the same form again. What must be certain, such as what the page showed, is
        worked out from ``attempt``: a field may hold anything. The form's own fields
        (``famulus_…``) are taken out.

        :raises famulus.InvalidAnswers: with a message for the worker, whose form stays as it is.
            Nothing is stored then, nor after any other exception.
        """
        return answers_from(form)

    def show(self, unit: SubmittedUnit) -> str:
        """Return what the worker saw and answered, as text for the reviewer's terminal.

        Called by ``famulus review`` and ``famulus examine``, in their own process, each time a unit
        is shown; the run's callbacks are not there. Who the worker is, when and how long they
        worked, and where their files lie stand around it. Characters that would steer the terminal
        are taken out. Where it raises, inputs and answers are shown as JSON.
        """
        return json.dumps(
            {"inputs": unit.data, "outputs": unit.answers}, indent=2, ensure_ascii=False
        )

    def assets(self) -> Sequence[Path]:
        """Return the folders whose files are served beside the page, under their own names.

        Asked at each request for such a file. Of two files with one name the first folder's is
        served; what begins with a dot is not.
        """
        return ()
