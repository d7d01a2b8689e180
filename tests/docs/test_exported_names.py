"""The public API is the list below: a name that is added, or taken away, is changed here too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import famulus

ROOT = Path(__file__).parents[2]

PUBLIC = [
    "Agent",
    "AgentStatus",
    "Architect",
    "Arrival",
    "AttemptView",
    "Blueprint",
    "Capabilities",
    "Checked",
    "Clock",
    "Comparator",
    "Completion",
    "ConflictError",
    "Context",
    "DataBrowser",
    "Database",
    "DatabaseError",
    "Deployment",
    "DuplicateError",
    "Estimate",
    "FamulusDeprecationWarning",
    "FamulusError",
    "FileRecord",
    "Form",
    "FormFile",
    "Gateway",
    "GoTo",
    "Grant",
    "IllegalTransitionError",
    "InvalidAnswers",
    "Launched",
    "LimitChange",
    "LoadingStatus",
    "Migration",
    "MissingDriverError",
    "NewerDatabaseError",
    "NoCheckArgs",
    "NoRequesterArgs",
    "NotFoundError",
    "Nothing",
    "OnboardingRequired",
    "OnboardingView",
    "Operator",
    "Outcome",
    "Page",
    "PastWork",
    "PaymentKind",
    "PaymentRecord",
    "PaymentStatus",
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
    "QualificationCheck",
    "QualificationRequirement",
    "Quote",
    "Refusal",
    "RefusalReason",
    "RefusedError",
    "Reply",
    "RequesterSummary",
    "RequesterView",
    "Role",
    "RunBusyError",
    "RunEvent",
    "RunRecord",
    "RunStatus",
    "RunSummary",
    "RunView",
    "ScriptCall",
    "Section",
    "Sections",
    "SharedTaskState",
    "ShowAnswers",
    "ShowCode",
    "SubmittedUnit",
    "TaskArgs",
    "TaskConfig",
    "TaskView",
    "Transaction",
    "UnavailableError",
    "Unit",
    "UnitStatus",
    "UnitView",
    "UsageError",
    "Verdict",
    "VisitReport",
    "VisitStatus",
    "VisitView",
    "Worker",
    "WorkerView",
    "answers_from",
    "build_default_task_config",
    "callback",
    "compensate",
    "discover",
    "escaped_line",
    "export_records",
    "find_or_create_qualification",
    "find_worker",
    "get_worker",
    "hookimpl",
    "list_payments",
    "list_requesters",
    "list_runs",
    "make_qualification_dict",
    "open_gateway",
    "option",
    "past_work",
    "pay_bonus",
    "register_requester",
    "retry_payment",
    "rows",
    "run_examine_or_review",
    "set_limits",
    "settle_payments",
    "system_clock",
    "task_script",
]

#: Names in signatures that are not ours.
OTHERS = frozenset(
    [
        "AbstractContextManager",
        "Any",
        "BaseException",
        "Callable",
        "Collection",
        "Decimal",
        "Exception",
        "False",
        "True",
        "Iterable",
        "Iterator",
        "Mapping",
        "NoReturn",
        "Model",
        "None",
        "Path",
        "Row",
        "Sequence",
        "T",
        "TextIO",
    ]
)


def test_list_is_kept() -> None:
    assert sorted(famulus.__all__) == PUBLIC


@pytest.mark.parametrize("page", ["api.md", "contracts.md"])
def test_signatures_name_public_types_alone(page: str) -> None:
    text = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")

    words = {
        word
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        for word in re.findall(r"\b[A-Z]\w+", block)
    }

    assert words - OTHERS - set(famulus.__all__) == set()
