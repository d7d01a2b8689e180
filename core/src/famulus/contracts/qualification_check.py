"""The contract of qualification checks: which workers may work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from attrs import frozen

from famulus.contracts.context import AnyClass, Context
from famulus.contracts.views import Refusal, WorkerView


@frozen(kw_only=True)
class NoCheckArgs:
    """The options of a check that has none."""


class QualificationCheck(ABC):
    """Subclass this to decide which workers may work.

    Return the class from ``famulus_register_qualification_checks``. Every installed check is asked
    on every run, at each arrival that would assign a new unit or begin an onboarding, but not when
    a worker comes back to an open unit. One instance is made in each serving process, and many
    threads use it at once.
    """

    #: The name in configurations: ``task: {qualification_checks: {recent_work: {days: 7}}}``.
    type: ClassVar[str]
    #: An attrs class of options made with :func:`famulus.option`, set for each run under the
    #: check's type. A run that does not name the check has the defaults; an option without a
    #: default must be set by every run.
    Args: ClassVar[AnyClass] = NoCheckArgs

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def refuse(self, worker: WorkerView, run_id: int) -> Refusal | None:
        """Return why this worker may not work on this run, or None.

        The refusal's ``detail`` is shown to the worker, its ``note`` only to the operator. Called
        outside any transaction. When it raises, the worker gets an apology and no unit: a broken
        check admits no worker.
        """
