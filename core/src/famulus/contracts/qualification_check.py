"""Who may work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from famulus.contracts.context import Context
from famulus.contracts.pages import Refusal, WorkerView


class QualificationCheck(ABC):
    """Subclass this to decide who may work; return it from
    ``famulus_register_qualification_checks``.

    Every installed check is asked at each arrival that would give out new work or begin an
    onboarding, on every run; a worker who comes back to a unit they have is let in. One instance is
    made in each serving process, and many threads use it at once. ``args`` is None: checks have no
    options.
    """

    #: A name for lists such as that of ``famulus plugins``.
    type: ClassVar[str]

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def refuse(self, worker: WorkerView, run_id: int) -> Refusal | None:
        """Return why this worker may not work on this run, or None.

        Called outside any transaction. Raising refuses the worker for the moment, with an apology:
        nothing fails open.
        """
