"""A kind of task: its data, its pages, how answers are checked and shown."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from famulus.contracts.context import AnyClass, Context
from famulus.contracts.pages import (
    Form,
    OnboardingView,
    Page,
    PreviewView,
    SubmittedUnit,
    TaskView,
    answers_from,
)
from famulus.contracts.plan import Plan, SharedStateClass, SharedTaskState
from famulus.errors import Problem


class Blueprint(ABC):
    """Subclass this to add a kind of task, and return it from ``famulus_register_blueprints``.

    Core makes one instance to check a plan, one in the operator and one in each serving process;
    an instance is used by many threads at once and keeps nothing between calls but caches.
    """

    #: The name in configurations: ``blueprint: static_task``.
    type: ClassVar[str]
    #: An attrs class of options made with :func:`famulus.option`.
    Args: ClassVar[AnyClass]
    #: What a run script can set in Python.
    SharedState: ClassVar[SharedStateClass] = SharedTaskState

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def problems(self, plan: Plan) -> list[Problem]:
        """Return everything that is wrong, each with its key, file and line. Writes nothing.

        Reads a data file whole, so that nothing in it can fail once the run exists.
        """

    @abstractmethod
    def assignments(self) -> Iterator[Mapping[str, Any]]:
        """Stream the data, one JSON-able row an assignment, the same rows in the same order always.

        A million rows must need no more memory than ten. A resumed launch iterates again and skips
        what is stored, comparing a hash of the rows.
        """

    @property
    def units_per_assignment(self) -> int:
        """How many workers do each assignment."""
        return int(getattr(self.args, "units_per_assignment", 1))

    @property
    def data_is_code(self) -> bool:
        """Whether the rows come from Python, so that another process cannot read them again."""
        return False

    @abstractmethod
    def task_page(self, view: TaskView) -> Page:
        """Return the page for one unit. Called again, with the same view, when it is reloaded."""

    def preview_page(self, view: PreviewView) -> Page | None:
        """Return what somebody sees who has not accepted yet; None for a plain description."""
        return None

    @property
    def has_onboarding(self) -> bool:
        """Whether a worker's first visit goes through :meth:`onboarding_page`."""
        return False

    @property
    def onboarding_qualification(self) -> str | None:
        """The qualification that passing grants (1) and failing too (0)."""
        return getattr(self.args, "onboarding_qualification", None)

    @property
    def block_qualification(self) -> str | None:
        """The qualification whose holders may not work on the task."""
        return getattr(self.args, "block_qualification", None)

    def onboarding_page(self, view: OnboardingView) -> Page:
        """Return the onboarding page. Only called where :attr:`has_onboarding` is true."""
        raise LookupError(f"blueprint {self.type!r} has no onboarding")

    def onboarding_passed(self, answers: Any) -> bool:
        """Decide whether the answers to the onboarding qualify. An exception leaves it undecided:
        the worker is asked to try again later, and nothing is granted."""
        raise LookupError(f"blueprint {self.type!r} has no onboarding")

    def read_answers(self, form: Form) -> Any:
        """Turn a submitted form into JSON-able answers.

        :raises famulus.InvalidAnswers: with a message for the worker, whose form stays as it is.
        """
        return answers_from(form)

    def show(self, unit: SubmittedUnit) -> str:
        """Return what the worker saw and answered, as text for the reviewer's terminal."""
        return json.dumps(
            {"inputs": unit.data, "outputs": unit.answers}, indent=2, ensure_ascii=False
        )

    def assets(self) -> Sequence[Path]:
        """Return the folders whose files are served beside the page, under their own names."""
        return ()
