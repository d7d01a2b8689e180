"""Famulus: run human annotation and crowdsourcing tasks.

Names are loaded on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from famulus.clock import Clock as Clock
    from famulus.clock import system_clock as system_clock
    from famulus.config.options import callback as callback
    from famulus.config.options import option as option
    from famulus.config.options import rows as rows
    from famulus.config.task_args import TaskArgs as TaskArgs
    from famulus.contracts.architect import Architect as Architect
    from famulus.contracts.architect import Deployment as Deployment
    from famulus.contracts.blueprint import Blueprint as Blueprint
    from famulus.contracts.context import Context as Context
    from famulus.contracts.context import RequesterView as RequesterView
    from famulus.contracts.hookspecs import RunEvent as RunEvent
    from famulus.contracts.hookspecs import hookimpl as hookimpl
    from famulus.contracts.pages import Form as Form
    from famulus.contracts.pages import FormFile as FormFile
    from famulus.contracts.pages import OnboardingView as OnboardingView
    from famulus.contracts.pages import Page as Page
    from famulus.contracts.pages import PreviewView as PreviewView
    from famulus.contracts.pages import Refusal as Refusal
    from famulus.contracts.pages import RefusalReason as RefusalReason
    from famulus.contracts.pages import Reply as Reply
    from famulus.contracts.pages import SubmittedUnit as SubmittedUnit
    from famulus.contracts.pages import TaskView as TaskView
    from famulus.contracts.pages import UnitView as UnitView
    from famulus.contracts.pages import WorkerView as WorkerView
    from famulus.contracts.pages import answers_from as answers_from
    from famulus.contracts.plan import Plan as Plan
    from famulus.contracts.plan import Role as Role
    from famulus.contracts.plan import SharedTaskState as SharedTaskState
    from famulus.contracts.provider import Arrival as Arrival
    from famulus.contracts.provider import Capabilities as Capabilities
    from famulus.contracts.provider import Completion as Completion
    from famulus.contracts.provider import GoTo as GoTo
    from famulus.contracts.provider import NoRequesterArgs as NoRequesterArgs
    from famulus.contracts.provider import Nothing as Nothing
    from famulus.contracts.provider import Outcome as Outcome
    from famulus.contracts.provider import PaymentView as PaymentView
    from famulus.contracts.provider import PostForm as PostForm
    from famulus.contracts.provider import Preview as Preview
    from famulus.contracts.provider import Provider as Provider
    from famulus.contracts.provider import Quote as Quote
    from famulus.contracts.provider import RunView as RunView
    from famulus.contracts.provider import ShowAnswers as ShowAnswers
    from famulus.contracts.provider import ShowCode as ShowCode
    from famulus.contracts.provider import Verdict as Verdict
    from famulus.contracts.provider import VisitReport as VisitReport
    from famulus.contracts.provider import VisitView as VisitView
    from famulus.contracts.qualification_check import QualificationCheck as QualificationCheck
    from famulus.errors import ConflictError as ConflictError
    from famulus.errors import DatabaseError as DatabaseError
    from famulus.errors import DuplicateError as DuplicateError
    from famulus.errors import FamulusError as FamulusError
    from famulus.errors import IllegalTransitionError as IllegalTransitionError
    from famulus.errors import InvalidAnswers as InvalidAnswers
    from famulus.errors import MissingDriverError as MissingDriverError
    from famulus.errors import NewerDatabaseError as NewerDatabaseError
    from famulus.errors import NotFoundError as NotFoundError
    from famulus.errors import PluginError as PluginError
    from famulus.errors import Problem as Problem
    from famulus.errors import RunBusyError as RunBusyError
    from famulus.errors import UnavailableError as UnavailableError
    from famulus.errors import UsageError as UsageError
    from famulus.model.database import Database as Database
    from famulus.model.migration import Migration as Migration
    from famulus.model.schema import PluginSchema as PluginSchema
    from famulus.model.states import LoadingStatus as LoadingStatus
    from famulus.model.states import PaymentKind as PaymentKind
    from famulus.model.states import RunStatus as RunStatus
    from famulus.model.states import UnitStatus as UnitStatus
    from famulus.model.states import VisitStatus as VisitStatus
    from famulus.model.transaction import Transaction as Transaction
    from famulus.operate.operator import Checked as Checked
    from famulus.operate.operator import Launched as Launched
    from famulus.operate.operator import Operator as Operator
    from famulus.operate.progress import Progress as Progress
    from famulus.plugins import PluginInfo as PluginInfo
    from famulus.plugins import Plugins as Plugins
    from famulus.plugins import discover as discover
    from famulus.review.export import export_records as export_records
    from famulus.review.runs import RunSummary as RunSummary
    from famulus.review.runs import list_runs as list_runs
    from famulus.work.gateway import Gateway as Gateway
    from famulus.work.opening import open_gateway as open_gateway
    from famulus.work.runs import RunRecord as RunRecord

_WHERE = {
    "Architect": "famulus.contracts.architect",
    "Arrival": "famulus.contracts.provider",
    "Blueprint": "famulus.contracts.blueprint",
    "Capabilities": "famulus.contracts.provider",
    "Checked": "famulus.operate.operator",
    "Clock": "famulus.clock",
    "Completion": "famulus.contracts.provider",
    "ConflictError": "famulus.errors",
    "Context": "famulus.contracts.context",
    "Database": "famulus.model.database",
    "DatabaseError": "famulus.errors",
    "Deployment": "famulus.contracts.architect",
    "DuplicateError": "famulus.errors",
    "FamulusError": "famulus.errors",
    "Form": "famulus.contracts.pages",
    "FormFile": "famulus.contracts.pages",
    "Gateway": "famulus.work.gateway",
    "GoTo": "famulus.contracts.provider",
    "IllegalTransitionError": "famulus.errors",
    "InvalidAnswers": "famulus.errors",
    "Launched": "famulus.operate.operator",
    "LoadingStatus": "famulus.model.states",
    "Migration": "famulus.model.migration",
    "MissingDriverError": "famulus.errors",
    "NewerDatabaseError": "famulus.errors",
    "NoRequesterArgs": "famulus.contracts.provider",
    "NotFoundError": "famulus.errors",
    "Nothing": "famulus.contracts.provider",
    "OnboardingView": "famulus.contracts.pages",
    "Operator": "famulus.operate.operator",
    "Outcome": "famulus.contracts.provider",
    "Page": "famulus.contracts.pages",
    "PaymentKind": "famulus.model.states",
    "PaymentView": "famulus.contracts.provider",
    "Plan": "famulus.contracts.plan",
    "PluginError": "famulus.errors",
    "PluginInfo": "famulus.plugins",
    "PluginSchema": "famulus.model.schema",
    "Plugins": "famulus.plugins",
    "PostForm": "famulus.contracts.provider",
    "Preview": "famulus.contracts.provider",
    "PreviewView": "famulus.contracts.pages",
    "Problem": "famulus.errors",
    "Progress": "famulus.operate.progress",
    "Provider": "famulus.contracts.provider",
    "QualificationCheck": "famulus.contracts.qualification_check",
    "Quote": "famulus.contracts.provider",
    "Refusal": "famulus.contracts.pages",
    "RefusalReason": "famulus.contracts.pages",
    "Reply": "famulus.contracts.pages",
    "RequesterView": "famulus.contracts.context",
    "Role": "famulus.contracts.plan",
    "RunBusyError": "famulus.errors",
    "RunEvent": "famulus.contracts.hookspecs",
    "RunRecord": "famulus.work.runs",
    "RunStatus": "famulus.model.states",
    "RunSummary": "famulus.review.runs",
    "RunView": "famulus.contracts.provider",
    "SharedTaskState": "famulus.contracts.plan",
    "ShowAnswers": "famulus.contracts.provider",
    "ShowCode": "famulus.contracts.provider",
    "SubmittedUnit": "famulus.contracts.pages",
    "TaskArgs": "famulus.config.task_args",
    "TaskView": "famulus.contracts.pages",
    "Transaction": "famulus.model.transaction",
    "UnavailableError": "famulus.errors",
    "UnitStatus": "famulus.model.states",
    "UnitView": "famulus.contracts.pages",
    "UsageError": "famulus.errors",
    "Verdict": "famulus.contracts.provider",
    "VisitReport": "famulus.contracts.provider",
    "VisitStatus": "famulus.model.states",
    "VisitView": "famulus.contracts.provider",
    "WorkerView": "famulus.contracts.pages",
    "answers_from": "famulus.contracts.pages",
    "callback": "famulus.config.options",
    "discover": "famulus.plugins",
    "export_records": "famulus.review.export",
    "hookimpl": "famulus.contracts.hookspecs",
    "list_runs": "famulus.review.runs",
    "open_gateway": "famulus.work.opening",
    "option": "famulus.config.options",
    "rows": "famulus.config.options",
    "system_clock": "famulus.clock",
}

__version__ = "0.1.0"
__all__ = [
    "Architect",
    "Arrival",
    "Blueprint",
    "Capabilities",
    "Checked",
    "Clock",
    "Completion",
    "ConflictError",
    "Context",
    "Database",
    "DatabaseError",
    "Deployment",
    "DuplicateError",
    "FamulusError",
    "Form",
    "FormFile",
    "Gateway",
    "GoTo",
    "IllegalTransitionError",
    "InvalidAnswers",
    "Launched",
    "LoadingStatus",
    "Migration",
    "MissingDriverError",
    "NewerDatabaseError",
    "NoRequesterArgs",
    "NotFoundError",
    "Nothing",
    "OnboardingView",
    "Operator",
    "Outcome",
    "Page",
    "PaymentKind",
    "PaymentView",
    "Plan",
    "PluginError",
    "PluginInfo",
    "PluginSchema",
    "Plugins",
    "PostForm",
    "Preview",
    "PreviewView",
    "Problem",
    "Progress",
    "Provider",
    "QualificationCheck",
    "Quote",
    "Refusal",
    "RefusalReason",
    "Reply",
    "RequesterView",
    "Role",
    "RunBusyError",
    "RunEvent",
    "RunRecord",
    "RunStatus",
    "RunSummary",
    "RunView",
    "SharedTaskState",
    "ShowAnswers",
    "ShowCode",
    "SubmittedUnit",
    "TaskArgs",
    "TaskView",
    "Transaction",
    "UnavailableError",
    "UnitStatus",
    "UnitView",
    "UsageError",
    "Verdict",
    "VisitReport",
    "VisitStatus",
    "VisitView",
    "WorkerView",
    "answers_from",
    "callback",
    "discover",
    "export_records",
    "hookimpl",
    "list_runs",
    "open_gateway",
    "option",
    "rows",
    "system_clock",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)
