"""Famulus: run human annotation and crowdsourcing tasks.

Names are loaded on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_WHERE = {
    "Architect": "famulus.contracts.architect",
    "Arrival": "famulus.contracts.provider",
    "Blueprint": "famulus.contracts.blueprint",
    "Capabilities": "famulus.contracts.provider",
    "Clock": "famulus.clock",
    "Completion": "famulus.contracts.provider",
    "ConflictError": "famulus.errors",
    "Context": "famulus.contracts.context",
    "Database": "famulus.model.database",
    "DatabaseError": "famulus.errors",
    "Deployment": "famulus.contracts.architect",
    "FamulusError": "famulus.errors",
    "Form": "famulus.contracts.pages",
    "FormFile": "famulus.contracts.pages",
    "Gateway": "famulus.work.gateway",
    "GoTo": "famulus.contracts.provider",
    "InvalidAnswers": "famulus.errors",
    "NotFoundError": "famulus.errors",
    "Nothing": "famulus.contracts.provider",
    "OnboardingView": "famulus.contracts.pages",
    "Operator": "famulus.operate.operator",
    "Outcome": "famulus.contracts.provider",
    "Page": "famulus.contracts.pages",
    "PaymentView": "famulus.contracts.provider",
    "Plan": "famulus.contracts.plan",
    "PluginError": "famulus.errors",
    "PluginSchema": "famulus.model.schema",
    "PostForm": "famulus.contracts.provider",
    "Preview": "famulus.contracts.provider",
    "PreviewView": "famulus.contracts.pages",
    "Problem": "famulus.errors",
    "Provider": "famulus.contracts.provider",
    "QualificationCheck": "famulus.contracts.qualification_check",
    "Quote": "famulus.contracts.provider",
    "Refusal": "famulus.contracts.pages",
    "RefusalReason": "famulus.contracts.pages",
    "Reply": "famulus.contracts.pages",
    "RunEvent": "famulus.contracts.hookspecs",
    "SharedTaskState": "famulus.contracts.plan",
    "ShowAnswers": "famulus.contracts.provider",
    "ShowCode": "famulus.contracts.provider",
    "SubmittedUnit": "famulus.contracts.pages",
    "TaskArgs": "famulus.config.task_args",
    "TaskView": "famulus.contracts.pages",
    "UnavailableError": "famulus.errors",
    "UnitView": "famulus.contracts.pages",
    "UsageError": "famulus.errors",
    "VisitReport": "famulus.contracts.provider",
    "VisitView": "famulus.contracts.provider",
    "WorkerView": "famulus.contracts.pages",
    "answers_from": "famulus.contracts.pages",
    "callback": "famulus.config.options",
    "hookimpl": "famulus.contracts.hookspecs",
    "open_gateway": "famulus.work.gateway",
    "option": "famulus.config.options",
    "system_clock": "famulus.clock",
}

__version__ = "0.1.0"
__all__ = [*sorted(_WHERE)]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


if TYPE_CHECKING:
    from famulus.clock import Clock as Clock, system_clock as system_clock
    from famulus.config.options import callback as callback, option as option
