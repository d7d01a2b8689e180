"""Who may work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from attrs import frozen

from famulus.contracts.context import AnyClass, Context
from famulus.contracts.views import Refusal, WorkerView


@frozen(kw_only=True)
class NoCheckArgs:
    """Of a check that has no options."""


class QualificationCheck(ABC):
    """Subclass this to decide who may work; return it from
    ``famulus_register_qualification_checks``.

    Every installed check is asked at each arrival that would give out new work or begin an
    onboarding, on every run; a worker who comes back to a unit they have is let in. One instance is
    made in each serving process, and many threads use it at once.
    """

    #: The name in configurations: ``task: {qualification_checks: {recent_work: {days: 7}}}``.
    type: ClassVar[str]
    #: An attrs class of options made with :func:`famulus.option`, set for each run under the
    #: check's type. A run that does not name the check has the defaults; one without them makes
    #: every run set it.
    Args: ClassVar[AnyClass] = NoCheckArgs

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def refuse(self, worker: WorkerView, run_id: int) -> Refusal | None:
        """Return why this worker may not work on this run, or None.

        The refusal's ``detail`` is shown to the worker, its ``note`` only to the operator. Called
        outside any transaction. Raising refuses the worker for the moment, with an apology: nothing
        fails open.
        """
