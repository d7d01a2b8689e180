"""Which page each name of the public API has its entry on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import famulus

CONTRACTS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "A kind of task": (
            "Blueprint",
            "BlueprintArgs",
            "OnboardingArgs",
            "Page",
            "AssetFolder",
            "TaskView",
            "OnboardingView",
            "AttemptView",
            "NotPassed",
            "PreviewView",
            "UnitView",
            "WorkerView",
            "Form",
            "FormFile",
            "SubmittedUnit",
            "SharedTaskState",
        ),
        "Where a run is served": (
            "Architect",
            "Deployment",
            "Deployed",
            "ServerHealth",
            "ProcessArchitect",
            "ProcessArgs",
            "Gateway",
            "StartedRequest",
            "Reply",
        ),
        "A crowd": (
            "Provider",
            "Capabilities",
            "PartialBounds",
            "Arrival",
            "Preview",
            "EntryForm",
            "EntryField",
            "EntryFieldKind",
            "Entry",
            "VisitView",
            "VisitOutcome",
            "Completion",
            "PostForm",
            "GoTo",
            "ShowCode",
            "ReturnPlace",
            "OwnPage",
            "Nothing",
            "RunView",
            "Verdict",
            "Approve",
            "ApprovePartially",
            "RequestReturn",
            "Reject",
            "VisitVerdict",
            "Outcome",
            "Quote",
            "VisitReport",
            "SyncCursor",
            "PlatformRequest",
            "Received",
            "Unverified",
            "Rehearsal",
            "VisitStatus",
            "PaymentView",
            "PaymentKind",
            "GrantView",
            "NoRequesterArgs",
        ),
        "Who may work": (
            "QualificationCheck",
            "NoCheckArgs",
            "GuardedRun",
            "PastWork",
            "Refusal",
            "PluginRefusal",
            "RefusalReason",
        ),
        "What every plugin is given": (
            "Context",
            "RequesterView",
            "Plan",
            "Role",
            "ScriptCall",
            "TaskArgs",
        ),
        "Texts for workers": ("Catalogue", "TranslatableText", "Translator", "Language"),
        "Tasks to begin with": ("TaskTemplate",),
        "Tables of a plugin's own": ("PluginSchema", "Migration", "Transaction"),
    }
)

API: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "Operating runs": (
            "Operator",
            "Checked",
            "Launched",
            "OperatorObserver",
            "LaunchRequest",
            "Progress",
            "RunStatus",
            "UnitStatus",
            "LoadingStatus",
        ),
        "Run scripts": (
            "task_script",
            "build_default_task_config",
            "TaskConfig",
            "Sections",
            "Section",
        ),
        "Qualifications": (
            "find_or_create_qualification",
            "make_qualification_dict",
            "QualificationRequirement",
            "Comparator",
            "QUAL_EQUAL",
            "QUAL_NOT_EQUAL",
            "QUAL_GREATER",
            "QUAL_GREATER_EQUAL",
            "QUAL_LESS",
            "QUAL_LESS_EQUAL",
            "QUAL_EXISTS",
            "QUAL_NOT_EXIST",
            "QUAL_IN_LIST",
            "QUAL_NOT_IN_LIST",
            "OnboardingRequired",
            "Worker",
            "find_worker",
            "find_or_create_worker",
            "get_worker",
            "Grant",
            "past_work",
        ),
        "Reading what is stored": (
            "Database",
            "DataBrowser",
            "Unit",
            "Agent",
            "AgentStatus",
            "FileRecord",
            "export_records",
            "run_examine_or_review",
            "list_runs",
            "RunSummary",
            "RunRecord",
        ),
        "Changing runs, and who pays": (
            "set_limits",
            "LimitChange",
            "register_requester",
            "list_requesters",
            "RequesterSummary",
        ),
        "Money": (
            "list_payments",
            "PaymentRecord",
            "list_owed",
            "OwedSum",
            "mark_paid",
            "PaymentStatus",
            "pay_bonus",
            "compensate",
            "settle_payments",
            "retry_payment",
            "resolve_payment",
            "propose_topup",
            "pay_topup",
            "Topup",
            "VisitTopup",
            "Estimate",
        ),
        "Plugins": ("discover", "Plugins", "PluginInfo"),
        "Writing commands": ("Session", "pass_session", "json_option"),
        "Writing plugins": (
            "hookimpl",
            "RunEvent",
            "option",
            "callback",
            "rows",
            "answers_from",
            "find_language",
            "unknown_language",
            "fill_form",
            "author_document",
            "OptionFile",
            "data_files",
            "DataFile",
            "GivenRows",
            "DataCheck",
            "RowWatch",
            "check_task_data",
            "served_folder_problems",
            "FilesBeside",
            "FileAddress",
            "FileColumn",
            "FileWatch",
            "file_problems",
            "file_fault",
            "file_address_spans",
            "media_names",
            "requested_file_name",
            "unreadable",
            "row_fault",
            "read_html",
            "open_gateway",
            "Result",
            "Keep",
            "Clock",
            "system_clock",
            "escaped_line",
            "has_visible_text",
        ),
    }
)

#: Of ``famulus.testing``.
TESTING: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "The rules of the contracts": (
            "BlueprintConformance",
            "ArchitectConformance",
            "ProviderConformance",
            "QualificationCheckConformance",
            "PluginHarness",
            "CheckHarness",
        ),
        "Workers and their forms": (
            "ScriptedWorker",
            "GatewayTransport",
            "HttpTransport",
            "ServedRun",
            "html_form",
            "HtmlForm",
            "FormData",
        ),
        "Time, and commands": ("MovableClock", "run_command"),
    }
)

ERRORS: Sequence[str] = (
    "FamulusError",
    "UsageError",
    "PluginError",
    "NotFoundError",
    "ConflictError",
    "DuplicateError",
    "IllegalTransitionError",
    "RunBusyError",
    "UnavailableError",
    "RefusedError",
    "UnlistedPlacesError",
    "UnpayableError",
    "DatabaseError",
    "NewerDatabaseError",
    "MissingDriverError",
    "InvalidAnswers",
    "FamulusDeprecationWarning",
    "Problem",
)

#: Classes whose instances only core makes: their constructors are not promised.
MADE_BY_CORE = frozenset({"Section", "Sections", "StartedRequest"})

#: Members that are for core alone, and not promised.
CORES_OWN = frozenset(
    {
        "Database.kind",
        "Database.signing_keys",
        "Database.write_together",
        "Migration.statements",
        "Plugins.listened",
        "Plugins.refuse",
        "Plugins.run_finished",
        "Plugins.run_launched",
        "Plugins.unit_assigned",
        "Plugins.unit_reviewed",
        "Plugins.unit_submitted",
        "Sections.configuration",
        "Transaction.all",
        "Transaction.append",
        "Transaction.insert_rows",
        "Transaction.kind",
        "Transaction.many",
        "Transaction.one",
        "Transaction.row_of",
        "Transaction.on_sqlite",
        "Transaction.one_on_sqlite",
        "Transaction.rows_of",
        "Transaction.run",
    }
)


def homes() -> dict[str, str]:
    """Return the page of each exported name.

    :raises LookupError: when a name has no page, or two.
    """
    placed = [(name, "contracts.md") for names in CONTRACTS.values() for name in names]
    placed += [(name, "api.md") for names in API.values() for name in names]
    placed += [(name, "errors.md") for name in ERRORS]
    names = [name for name, _ in placed]
    wrong = set(names) ^ set(famulus.__all__) | {name for name in names if names.count(name) > 1}
    if wrong:
        raise LookupError(f"give each a place in tools/reference/places.py: {sorted(wrong)}")
    return dict(placed)


def href(path: str, page: str) -> str | None:
    """Return the address of a name, or of a class's member, seen from a page; None without one."""
    name = path.partition(".")[0]
    if path.startswith("famulus_"):
        home: str | None = "hooks.md"
    else:
        home = homes().get(name)
    if home is None:
        return None
    anchor = path if home == "hooks.md" else name
    address = "" if home == page else "../" * page.count("/") + home
    return f"{address}#{anchor.lower()}"
