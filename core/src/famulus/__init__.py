"""Famulus: run human annotation and crowdsourcing tasks.

Names are loaded on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from famulus.cli.arguments import json_option as json_option
    from famulus.cli.scripts import task_script as task_script
    from famulus.cli.session import Session as Session
    from famulus.cli.session import pass_session as pass_session
    from famulus.clock import Clock as Clock
    from famulus.clock import system_clock as system_clock
    from famulus.contracts.architect import Architect as Architect
    from famulus.contracts.architect import Deployed as Deployed
    from famulus.contracts.architect import Deployment as Deployment
    from famulus.contracts.architect import ServerHealth as ServerHealth
    from famulus.contracts.blueprint import Blueprint as Blueprint
    from famulus.contracts.blueprint_args import BlueprintArgs as BlueprintArgs
    from famulus.contracts.blueprint_args import OnboardingArgs as OnboardingArgs
    from famulus.contracts.completion import Completion as Completion
    from famulus.contracts.completion import GoTo as GoTo
    from famulus.contracts.completion import Nothing as Nothing
    from famulus.contracts.completion import OwnPage as OwnPage
    from famulus.contracts.completion import PostForm as PostForm
    from famulus.contracts.completion import ReturnPlace as ReturnPlace
    from famulus.contracts.completion import ShowCode as ShowCode
    from famulus.contracts.completion import VisitOutcome as VisitOutcome
    from famulus.contracts.context import Context as Context
    from famulus.contracts.context import RequesterView as RequesterView
    from famulus.contracts.entry_form import Entry as Entry
    from famulus.contracts.entry_form import EntryField as EntryField
    from famulus.contracts.entry_form import EntryFieldKind as EntryFieldKind
    from famulus.contracts.entry_form import EntryForm as EntryForm
    from famulus.contracts.filled_form import fill_form as fill_form
    from famulus.contracts.hookspecs import RunEvent as RunEvent
    from famulus.contracts.hookspecs import hookimpl as hookimpl
    from famulus.contracts.plan import Plan as Plan
    from famulus.contracts.plan import Role as Role
    from famulus.contracts.plan import ScriptCall as ScriptCall
    from famulus.contracts.plan import SharedTaskState as SharedTaskState
    from famulus.contracts.provider import NoRequesterArgs as NoRequesterArgs
    from famulus.contracts.provider import Provider as Provider
    from famulus.contracts.provider_views import Arrival as Arrival
    from famulus.contracts.provider_views import Capabilities as Capabilities
    from famulus.contracts.provider_views import GrantView as GrantView
    from famulus.contracts.provider_views import Keep as Keep
    from famulus.contracts.provider_views import Outcome as Outcome
    from famulus.contracts.provider_views import PartialBounds as PartialBounds
    from famulus.contracts.provider_views import PaymentView as PaymentView
    from famulus.contracts.provider_views import Preview as Preview
    from famulus.contracts.provider_views import Quote as Quote
    from famulus.contracts.provider_views import Result as Result
    from famulus.contracts.provider_views import RunView as RunView
    from famulus.contracts.provider_views import SyncCursor as SyncCursor
    from famulus.contracts.provider_views import VisitReport as VisitReport
    from famulus.contracts.provider_views import VisitVerdict as VisitVerdict
    from famulus.contracts.provider_views import VisitView as VisitView
    from famulus.contracts.qualification_check import GuardedRun as GuardedRun
    from famulus.contracts.qualification_check import NoCheckArgs as NoCheckArgs
    from famulus.contracts.qualification_check import PastWork as PastWork
    from famulus.contracts.qualification_check import QualificationCheck as QualificationCheck
    from famulus.contracts.receiving import PlatformRequest as PlatformRequest
    from famulus.contracts.receiving import Received as Received
    from famulus.contracts.receiving import Unverified as Unverified
    from famulus.contracts.rehearsal import Rehearsal as Rehearsal
    from famulus.contracts.task_template import TaskTemplate as TaskTemplate
    from famulus.contracts.views import AssetFolder as AssetFolder
    from famulus.contracts.views import AttemptView as AttemptView
    from famulus.contracts.views import Form as Form
    from famulus.contracts.views import FormFile as FormFile
    from famulus.contracts.views import NotPassed as NotPassed
    from famulus.contracts.views import OnboardingView as OnboardingView
    from famulus.contracts.views import Page as Page
    from famulus.contracts.views import PluginRefusal as PluginRefusal
    from famulus.contracts.views import PreviewView as PreviewView
    from famulus.contracts.views import Refusal as Refusal
    from famulus.contracts.views import RefusalReason as RefusalReason
    from famulus.contracts.views import Reply as Reply
    from famulus.contracts.views import SubmittedUnit as SubmittedUnit
    from famulus.contracts.views import TaskView as TaskView
    from famulus.contracts.views import UnitView as UnitView
    from famulus.contracts.views import WorkerView as WorkerView
    from famulus.contracts.views import answers_from as answers_from
    from famulus.contracts.visit_verdict import Approve as Approve
    from famulus.contracts.visit_verdict import ApprovePartially as ApprovePartially
    from famulus.contracts.visit_verdict import Reject as Reject
    from famulus.contracts.visit_verdict import RequestReturn as RequestReturn
    from famulus.contracts.visit_verdict import Verdict as Verdict
    from famulus.data.browser_units import Agent as Agent
    from famulus.data.browser_units import Unit as Unit
    from famulus.data.data_browser import DataBrowser as DataBrowser
    from famulus.data.export import export_records as export_records
    from famulus.data.owed import OwedSum as OwedSum
    from famulus.data.owed import list_owed as list_owed
    from famulus.data.payments import PaymentRecord as PaymentRecord
    from famulus.data.payments import list_payments as list_payments
    from famulus.data.run_summaries import RunSummary as RunSummary
    from famulus.data.run_summaries import list_runs as list_runs
    from famulus.deprecations import FamulusDeprecationWarning as FamulusDeprecationWarning
    from famulus.engine.answers import FileRecord as FileRecord
    from famulus.engine.everyday_requests import StartedRequest as StartedRequest
    from famulus.engine.gateway import Gateway as Gateway
    from famulus.engine.limits import LimitChange as LimitChange
    from famulus.engine.limits import set_limits as set_limits
    from famulus.engine.open_gateway import open_gateway as open_gateway
    from famulus.engine.pages.author_page import author_document as author_document
    from famulus.engine.qualifications.history import past_work as past_work
    from famulus.engine.qualifications.worker_handle import Grant as Grant
    from famulus.engine.qualifications.worker_handle import Worker as Worker
    from famulus.engine.qualifications.worker_handle import (
        find_or_create_qualification as find_or_create_qualification,
    )
    from famulus.engine.qualifications.worker_handle import (
        find_or_create_worker as find_or_create_worker,
    )
    from famulus.engine.qualifications.worker_handle import find_worker as find_worker
    from famulus.engine.qualifications.worker_handle import get_worker as get_worker
    from famulus.engine.requesters import RequesterSummary as RequesterSummary
    from famulus.engine.requesters import list_requesters as list_requesters
    from famulus.engine.requesters import register_requester as register_requester
    from famulus.engine.runs import RunRecord as RunRecord
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
    from famulus.errors import RefusedError as RefusedError
    from famulus.errors import RunBusyError as RunBusyError
    from famulus.errors import UnavailableError as UnavailableError
    from famulus.errors import UnlistedPlacesError as UnlistedPlacesError
    from famulus.errors import UnpayableError as UnpayableError
    from famulus.errors import UsageError as UsageError
    from famulus.escaping import escaped_line as escaped_line
    from famulus.model.database import Database as Database
    from famulus.model.schema import Migration as Migration
    from famulus.model.schema import PluginSchema as PluginSchema
    from famulus.model.states import AgentStatus as AgentStatus
    from famulus.model.states import LoadingStatus as LoadingStatus
    from famulus.model.states import PaymentKind as PaymentKind
    from famulus.model.states import PaymentStatus as PaymentStatus
    from famulus.model.states import RunStatus as RunStatus
    from famulus.model.states import UnitStatus as UnitStatus
    from famulus.model.states import VisitStatus as VisitStatus
    from famulus.model.transaction import Transaction as Transaction
    from famulus.operate.checking import Checked as Checked
    from famulus.operate.estimate import Estimate as Estimate
    from famulus.operate.launching import Launched as Launched
    from famulus.operate.observer import LaunchRequest as LaunchRequest
    from famulus.operate.observer import OperatorObserver as OperatorObserver
    from famulus.operate.operator import Operator as Operator
    from famulus.operate.progress import Progress as Progress
    from famulus.options.declare import callback as callback
    from famulus.options.declare import option as option
    from famulus.options.declare import rows as rows
    from famulus.options.option_file import OptionFile as OptionFile
    from famulus.options.requirements import QUAL_EQUAL as QUAL_EQUAL
    from famulus.options.requirements import QUAL_EXISTS as QUAL_EXISTS
    from famulus.options.requirements import QUAL_GREATER as QUAL_GREATER
    from famulus.options.requirements import QUAL_GREATER_EQUAL as QUAL_GREATER_EQUAL
    from famulus.options.requirements import QUAL_IN_LIST as QUAL_IN_LIST
    from famulus.options.requirements import QUAL_LESS as QUAL_LESS
    from famulus.options.requirements import QUAL_LESS_EQUAL as QUAL_LESS_EQUAL
    from famulus.options.requirements import QUAL_NOT_EQUAL as QUAL_NOT_EQUAL
    from famulus.options.requirements import QUAL_NOT_EXIST as QUAL_NOT_EXIST
    from famulus.options.requirements import QUAL_NOT_IN_LIST as QUAL_NOT_IN_LIST
    from famulus.options.requirements import Comparator as Comparator
    from famulus.options.requirements import OnboardingRequired as OnboardingRequired
    from famulus.options.requirements import QualificationRequirement as QualificationRequirement
    from famulus.options.requirements import make_qualification_dict as make_qualification_dict
    from famulus.options.sections import Section as Section
    from famulus.options.sections import Sections as Sections
    from famulus.options.task_args import TaskArgs as TaskArgs
    from famulus.options.task_config import TaskConfig as TaskConfig
    from famulus.options.task_config import build_default_task_config as build_default_task_config
    from famulus.plugins import PluginInfo as PluginInfo
    from famulus.plugins import Plugins as Plugins
    from famulus.plugins import discover as discover
    from famulus.review.interactive import run_examine_or_review as run_examine_or_review
    from famulus.review.outside_payments import mark_paid as mark_paid
    from famulus.review.payment_actions import compensate as compensate
    from famulus.review.payment_actions import pay_bonus as pay_bonus
    from famulus.review.payment_actions import resolve_payment as resolve_payment
    from famulus.review.payment_actions import retry_payment as retry_payment
    from famulus.review.payment_actions import settle_payments as settle_payments
    from famulus.review.topup_actions import Topup as Topup
    from famulus.review.topup_actions import VisitTopup as VisitTopup
    from famulus.review.topup_actions import pay_topup as pay_topup
    from famulus.review.topup_actions import propose_topup as propose_topup
    from famulus.serving.process_architect import ProcessArchitect as ProcessArchitect
    from famulus.serving.process_architect import ProcessArgs as ProcessArgs
    from famulus.task_data.checks import check_task_data as check_task_data
    from famulus.task_data.checks import served_folder_problems as served_folder_problems
    from famulus.task_data.checks import unreadable as unreadable
    from famulus.task_data.file_addresses import FileAddress as FileAddress
    from famulus.task_data.file_addresses import FileColumn as FileColumn
    from famulus.task_data.file_addresses import file_address_spans as file_address_spans
    from famulus.task_data.file_addresses import media_names as media_names
    from famulus.task_data.file_addresses import requested_file_name as requested_file_name
    from famulus.task_data.file_checks import FileWatch as FileWatch
    from famulus.task_data.file_checks import file_fault as file_fault
    from famulus.task_data.file_checks import file_problems as file_problems
    from famulus.task_data.files_beside import FilesBeside as FilesBeside
    from famulus.task_data.given_rows import row_fault as row_fault
    from famulus.task_data.html_files import read_html as read_html
    from famulus.task_data.sources import DataCheck as DataCheck
    from famulus.task_data.sources import DataFile as DataFile
    from famulus.task_data.sources import GivenRows as GivenRows
    from famulus.task_data.sources import RowWatch as RowWatch
    from famulus.task_data.sources import data_files as data_files
    from famulus.translation import Catalogue as Catalogue
    from famulus.translation import Language as Language
    from famulus.translation import TranslatableText as TranslatableText
    from famulus.translation import Translator as Translator
    from famulus.translation import find_language as find_language
    from famulus.translation import unknown_language as unknown_language
    from famulus.visible_text import has_visible_text as has_visible_text

_WHERE = {
    "Agent": "famulus.data.browser_units",
    "AgentStatus": "famulus.model.states",
    "Approve": "famulus.contracts.visit_verdict",
    "ApprovePartially": "famulus.contracts.visit_verdict",
    "Architect": "famulus.contracts.architect",
    "Arrival": "famulus.contracts.provider_views",
    "AssetFolder": "famulus.contracts.views",
    "AttemptView": "famulus.contracts.views",
    "Blueprint": "famulus.contracts.blueprint",
    "BlueprintArgs": "famulus.contracts.blueprint_args",
    "Capabilities": "famulus.contracts.provider_views",
    "Catalogue": "famulus.translation",
    "Checked": "famulus.operate.checking",
    "Clock": "famulus.clock",
    "Comparator": "famulus.options.requirements",
    "Completion": "famulus.contracts.completion",
    "ConflictError": "famulus.errors",
    "Context": "famulus.contracts.context",
    "DataBrowser": "famulus.data.data_browser",
    "DataCheck": "famulus.task_data.sources",
    "DataFile": "famulus.task_data.sources",
    "Database": "famulus.model.database",
    "DatabaseError": "famulus.errors",
    "Deployed": "famulus.contracts.architect",
    "Deployment": "famulus.contracts.architect",
    "DuplicateError": "famulus.errors",
    "Entry": "famulus.contracts.entry_form",
    "EntryField": "famulus.contracts.entry_form",
    "EntryFieldKind": "famulus.contracts.entry_form",
    "EntryForm": "famulus.contracts.entry_form",
    "Estimate": "famulus.operate.estimate",
    "FamulusDeprecationWarning": "famulus.deprecations",
    "FamulusError": "famulus.errors",
    "FileAddress": "famulus.task_data.file_addresses",
    "FileColumn": "famulus.task_data.file_addresses",
    "FileRecord": "famulus.engine.answers",
    "FileWatch": "famulus.task_data.file_checks",
    "FilesBeside": "famulus.task_data.files_beside",
    "Form": "famulus.contracts.views",
    "FormFile": "famulus.contracts.views",
    "Gateway": "famulus.engine.gateway",
    "StartedRequest": "famulus.engine.everyday_requests",
    "GivenRows": "famulus.task_data.sources",
    "GoTo": "famulus.contracts.completion",
    "Grant": "famulus.engine.qualifications.worker_handle",
    "GrantView": "famulus.contracts.provider_views",
    "GuardedRun": "famulus.contracts.qualification_check",
    "IllegalTransitionError": "famulus.errors",
    "InvalidAnswers": "famulus.errors",
    "Keep": "famulus.contracts.provider_views",
    "Language": "famulus.translation",
    "LaunchRequest": "famulus.operate.observer",
    "Launched": "famulus.operate.launching",
    "LimitChange": "famulus.engine.limits",
    "LoadingStatus": "famulus.model.states",
    "Migration": "famulus.model.schema",
    "MissingDriverError": "famulus.errors",
    "NewerDatabaseError": "famulus.errors",
    "NoCheckArgs": "famulus.contracts.qualification_check",
    "NoRequesterArgs": "famulus.contracts.provider",
    "NotFoundError": "famulus.errors",
    "NotPassed": "famulus.contracts.views",
    "Nothing": "famulus.contracts.completion",
    "OnboardingArgs": "famulus.contracts.blueprint_args",
    "OnboardingRequired": "famulus.options.requirements",
    "OnboardingView": "famulus.contracts.views",
    "Operator": "famulus.operate.operator",
    "OperatorObserver": "famulus.operate.observer",
    "OptionFile": "famulus.options.option_file",
    "Outcome": "famulus.contracts.provider_views",
    "OwedSum": "famulus.data.owed",
    "OwnPage": "famulus.contracts.completion",
    "Page": "famulus.contracts.views",
    "PartialBounds": "famulus.contracts.provider_views",
    "PastWork": "famulus.contracts.qualification_check",
    "PaymentKind": "famulus.model.states",
    "PaymentRecord": "famulus.data.payments",
    "PaymentStatus": "famulus.model.states",
    "PaymentView": "famulus.contracts.provider_views",
    "Plan": "famulus.contracts.plan",
    "PlatformRequest": "famulus.contracts.receiving",
    "PluginError": "famulus.errors",
    "PluginInfo": "famulus.plugins",
    "PluginRefusal": "famulus.contracts.views",
    "PluginSchema": "famulus.model.schema",
    "Plugins": "famulus.plugins",
    "PostForm": "famulus.contracts.completion",
    "Preview": "famulus.contracts.provider_views",
    "PreviewView": "famulus.contracts.views",
    "Problem": "famulus.errors",
    "ProcessArchitect": "famulus.serving.process_architect",
    "ProcessArgs": "famulus.serving.process_architect",
    "Progress": "famulus.operate.progress",
    "Provider": "famulus.contracts.provider",
    "QUAL_EQUAL": "famulus.options.requirements",
    "QUAL_EXISTS": "famulus.options.requirements",
    "QUAL_GREATER": "famulus.options.requirements",
    "QUAL_GREATER_EQUAL": "famulus.options.requirements",
    "QUAL_IN_LIST": "famulus.options.requirements",
    "QUAL_LESS": "famulus.options.requirements",
    "QUAL_LESS_EQUAL": "famulus.options.requirements",
    "QUAL_NOT_EQUAL": "famulus.options.requirements",
    "QUAL_NOT_EXIST": "famulus.options.requirements",
    "QUAL_NOT_IN_LIST": "famulus.options.requirements",
    "QualificationCheck": "famulus.contracts.qualification_check",
    "QualificationRequirement": "famulus.options.requirements",
    "Quote": "famulus.contracts.provider_views",
    "Received": "famulus.contracts.receiving",
    "Refusal": "famulus.contracts.views",
    "RefusalReason": "famulus.contracts.views",
    "RefusedError": "famulus.errors",
    "Rehearsal": "famulus.contracts.rehearsal",
    "Reject": "famulus.contracts.visit_verdict",
    "Reply": "famulus.contracts.views",
    "RequestReturn": "famulus.contracts.visit_verdict",
    "RequesterSummary": "famulus.engine.requesters",
    "RequesterView": "famulus.contracts.context",
    "Result": "famulus.contracts.provider_views",
    "ReturnPlace": "famulus.contracts.completion",
    "Role": "famulus.contracts.plan",
    "RowWatch": "famulus.task_data.sources",
    "RunBusyError": "famulus.errors",
    "RunEvent": "famulus.contracts.hookspecs",
    "RunRecord": "famulus.engine.runs",
    "RunStatus": "famulus.model.states",
    "RunSummary": "famulus.data.run_summaries",
    "RunView": "famulus.contracts.provider_views",
    "ScriptCall": "famulus.contracts.plan",
    "Section": "famulus.options.sections",
    "Sections": "famulus.options.sections",
    "ServerHealth": "famulus.contracts.architect",
    "Session": "famulus.cli.session",
    "SharedTaskState": "famulus.contracts.plan",
    "ShowCode": "famulus.contracts.completion",
    "SubmittedUnit": "famulus.contracts.views",
    "SyncCursor": "famulus.contracts.provider_views",
    "TaskArgs": "famulus.options.task_args",
    "TaskConfig": "famulus.options.task_config",
    "TaskTemplate": "famulus.contracts.task_template",
    "TaskView": "famulus.contracts.views",
    "Topup": "famulus.review.topup_actions",
    "Transaction": "famulus.model.transaction",
    "TranslatableText": "famulus.translation",
    "Translator": "famulus.translation",
    "UnavailableError": "famulus.errors",
    "Unit": "famulus.data.browser_units",
    "UnitStatus": "famulus.model.states",
    "UnitView": "famulus.contracts.views",
    "UnlistedPlacesError": "famulus.errors",
    "UnpayableError": "famulus.errors",
    "Unverified": "famulus.contracts.receiving",
    "UsageError": "famulus.errors",
    "Verdict": "famulus.contracts.visit_verdict",
    "VisitOutcome": "famulus.contracts.completion",
    "VisitReport": "famulus.contracts.provider_views",
    "VisitStatus": "famulus.model.states",
    "VisitTopup": "famulus.review.topup_actions",
    "VisitVerdict": "famulus.contracts.provider_views",
    "VisitView": "famulus.contracts.provider_views",
    "Worker": "famulus.engine.qualifications.worker_handle",
    "WorkerView": "famulus.contracts.views",
    "answers_from": "famulus.contracts.views",
    "author_document": "famulus.engine.pages.author_page",
    "build_default_task_config": "famulus.options.task_config",
    "callback": "famulus.options.declare",
    "check_task_data": "famulus.task_data.checks",
    "compensate": "famulus.review.payment_actions",
    "data_files": "famulus.task_data.sources",
    "discover": "famulus.plugins",
    "escaped_line": "famulus.escaping",
    "export_records": "famulus.data.export",
    "file_address_spans": "famulus.task_data.file_addresses",
    "file_fault": "famulus.task_data.file_checks",
    "file_problems": "famulus.task_data.file_checks",
    "fill_form": "famulus.contracts.filled_form",
    "find_language": "famulus.translation",
    "find_or_create_qualification": "famulus.engine.qualifications.worker_handle",
    "find_or_create_worker": "famulus.engine.qualifications.worker_handle",
    "find_worker": "famulus.engine.qualifications.worker_handle",
    "get_worker": "famulus.engine.qualifications.worker_handle",
    "has_visible_text": "famulus.visible_text",
    "hookimpl": "famulus.contracts.hookspecs",
    "json_option": "famulus.cli.arguments",
    "list_owed": "famulus.data.owed",
    "list_payments": "famulus.data.payments",
    "list_requesters": "famulus.engine.requesters",
    "list_runs": "famulus.data.run_summaries",
    "make_qualification_dict": "famulus.options.requirements",
    "mark_paid": "famulus.review.outside_payments",
    "media_names": "famulus.task_data.file_addresses",
    "open_gateway": "famulus.engine.open_gateway",
    "option": "famulus.options.declare",
    "pass_session": "famulus.cli.session",
    "past_work": "famulus.engine.qualifications.history",
    "pay_bonus": "famulus.review.payment_actions",
    "pay_topup": "famulus.review.topup_actions",
    "propose_topup": "famulus.review.topup_actions",
    "read_html": "famulus.task_data.html_files",
    "register_requester": "famulus.engine.requesters",
    "requested_file_name": "famulus.task_data.file_addresses",
    "resolve_payment": "famulus.review.payment_actions",
    "retry_payment": "famulus.review.payment_actions",
    "row_fault": "famulus.task_data.given_rows",
    "rows": "famulus.options.declare",
    "run_examine_or_review": "famulus.review.interactive",
    "served_folder_problems": "famulus.task_data.checks",
    "set_limits": "famulus.engine.limits",
    "settle_payments": "famulus.review.payment_actions",
    "system_clock": "famulus.clock",
    "task_script": "famulus.cli.scripts",
    "unknown_language": "famulus.translation",
    "unreadable": "famulus.task_data.checks",
}

__version__ = "0.1.0"
__all__ = [
    "QUAL_EQUAL",
    "QUAL_EXISTS",
    "QUAL_GREATER",
    "QUAL_GREATER_EQUAL",
    "QUAL_IN_LIST",
    "QUAL_LESS",
    "QUAL_LESS_EQUAL",
    "QUAL_NOT_EQUAL",
    "QUAL_NOT_EXIST",
    "QUAL_NOT_IN_LIST",
    "Agent",
    "AgentStatus",
    "Approve",
    "ApprovePartially",
    "Architect",
    "Arrival",
    "AssetFolder",
    "AttemptView",
    "Blueprint",
    "BlueprintArgs",
    "Capabilities",
    "Catalogue",
    "Checked",
    "Clock",
    "Comparator",
    "Completion",
    "ConflictError",
    "Context",
    "DataBrowser",
    "DataCheck",
    "DataFile",
    "Database",
    "DatabaseError",
    "Deployed",
    "Deployment",
    "DuplicateError",
    "Entry",
    "EntryField",
    "EntryFieldKind",
    "EntryForm",
    "Estimate",
    "FamulusDeprecationWarning",
    "FamulusError",
    "FileAddress",
    "FileColumn",
    "FileRecord",
    "FileWatch",
    "FilesBeside",
    "Form",
    "FormFile",
    "Gateway",
    "GivenRows",
    "GoTo",
    "Grant",
    "GrantView",
    "GuardedRun",
    "IllegalTransitionError",
    "InvalidAnswers",
    "Keep",
    "Language",
    "LaunchRequest",
    "Launched",
    "LimitChange",
    "LoadingStatus",
    "Migration",
    "MissingDriverError",
    "NewerDatabaseError",
    "NoCheckArgs",
    "NoRequesterArgs",
    "NotFoundError",
    "NotPassed",
    "Nothing",
    "OnboardingArgs",
    "OnboardingRequired",
    "OnboardingView",
    "Operator",
    "OperatorObserver",
    "OptionFile",
    "Outcome",
    "OwedSum",
    "OwnPage",
    "Page",
    "PartialBounds",
    "PastWork",
    "PaymentKind",
    "PaymentRecord",
    "PaymentStatus",
    "PaymentView",
    "Plan",
    "PlatformRequest",
    "PluginError",
    "PluginInfo",
    "PluginRefusal",
    "PluginSchema",
    "Plugins",
    "PostForm",
    "Preview",
    "PreviewView",
    "Problem",
    "ProcessArchitect",
    "ProcessArgs",
    "Progress",
    "Provider",
    "QualificationCheck",
    "QualificationRequirement",
    "Quote",
    "Received",
    "Refusal",
    "RefusalReason",
    "RefusedError",
    "Rehearsal",
    "Reject",
    "Reply",
    "RequestReturn",
    "RequesterSummary",
    "RequesterView",
    "Result",
    "ReturnPlace",
    "Role",
    "RowWatch",
    "RunBusyError",
    "RunEvent",
    "RunRecord",
    "RunStatus",
    "RunSummary",
    "RunView",
    "ScriptCall",
    "Section",
    "Sections",
    "ServerHealth",
    "Session",
    "SharedTaskState",
    "ShowCode",
    "StartedRequest",
    "SubmittedUnit",
    "SyncCursor",
    "TaskArgs",
    "TaskConfig",
    "TaskTemplate",
    "TaskView",
    "Topup",
    "Transaction",
    "TranslatableText",
    "Translator",
    "UnavailableError",
    "Unit",
    "UnitStatus",
    "UnitView",
    "UnlistedPlacesError",
    "UnpayableError",
    "Unverified",
    "UsageError",
    "Verdict",
    "VisitOutcome",
    "VisitReport",
    "VisitStatus",
    "VisitTopup",
    "VisitVerdict",
    "VisitView",
    "Worker",
    "WorkerView",
    "answers_from",
    "author_document",
    "build_default_task_config",
    "callback",
    "check_task_data",
    "compensate",
    "data_files",
    "discover",
    "escaped_line",
    "export_records",
    "file_address_spans",
    "file_fault",
    "file_problems",
    "fill_form",
    "find_language",
    "find_or_create_qualification",
    "find_or_create_worker",
    "find_worker",
    "get_worker",
    "has_visible_text",
    "hookimpl",
    "json_option",
    "list_owed",
    "list_payments",
    "list_requesters",
    "list_runs",
    "make_qualification_dict",
    "mark_paid",
    "media_names",
    "open_gateway",
    "option",
    "pass_session",
    "past_work",
    "pay_bonus",
    "pay_topup",
    "propose_topup",
    "read_html",
    "register_requester",
    "requested_file_name",
    "resolve_payment",
    "retry_payment",
    "row_fault",
    "rows",
    "run_examine_or_review",
    "served_folder_problems",
    "set_limits",
    "settle_payments",
    "system_clock",
    "task_script",
    "unknown_language",
    "unreadable",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        from famulus.deprecations import renamed

        name = renamed(__name__, name)
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_WHERE[name]), name)
    return found
