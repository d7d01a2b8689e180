"""The contract of qualification checks: which workers may work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from attrs import frozen

from famulus.contracts.context import AnyClass, Context
from famulus.contracts.plan import Plan
from famulus.contracts.views import Refusal, WorkerView
from famulus.model.states import AgentStatus
from famulus.translation import Catalogue


@frozen(kw_only=True)
class NoCheckArgs:
    """The options of a check that has none."""


@frozen(kw_only=True)
class PastWork:
    """The answers of a worker to one unit."""

    run_id: int
    task_name: str
    unit_id: int
    agent_id: int
    #: ``completed`` until the answers are reviewed
    status: AgentStatus
    #: whether they were submitted after the deadline
    late: bool
    submitted_at: datetime


@frozen(kw_only=True)
class GuardedRun:
    """The run that a worker wants to work in, as a qualification check sees it."""

    id: int
    #: what it was launched with; limits that were changed since are not in it
    plan: Plan
    _past_work: Callable[..., list[PastWork]]

    @property
    def task_name(self) -> str:
        """The name of its task."""
        return self.plan.task_name

    def past_work(
        self,
        worker: WorkerView,
        *,
        task: str | None = None,
        since: datetime | None = None,
        most: int | None = None,
    ) -> Sequence[PastWork]:
        """Return what a worker has submitted so far, the newest first, by one indexed query.

        :param task: only work on the task of that name; on any task unless given.
        :param since: only work submitted at this aware time or later.
        :param most: the largest number of results.
        """
        return self._past_work(worker.id, task=task, since=since, most=most)


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

    #: the translations of the texts that it shows to workers; None if it shows none
    catalogue: ClassVar[Catalogue | None] = None

    #: The number of this contract. A method that is added with a default leaves it. A class may set
    #: the number that it was written for; another one than this is refused when it is loaded.
    contract: ClassVar[int] = 2

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def refuse(self, worker: WorkerView, run: GuardedRun) -> Refusal | None:
        """Return why this worker may not work in this run, or None.

        A :class:`famulus.PluginRefusal` has a title, a text and a code of the check's own. Of any
        other refusal, the ``detail`` is shown to the worker; ``note`` is only for the operator.
        Called outside any transaction; writes nothing. When it raises, the worker gets an apology
        and no unit: a broken check admits no worker.
        """
