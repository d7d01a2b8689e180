"""The public API is the list below: a name that is added, or taken away, is changed here too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import famulus

ROOT = Path(__file__).parents[2]

PUBLIC = [
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

#: Names in signatures that are not ours.
OTHERS = frozenset(
    [
        "AbstractContextManager",
        "Any",
        "BaseException",
        "Callable",
        "Decimal",
        "Exception",
        "False",
        "True",
        "Iterable",
        "Iterator",
        "Mapping",
        "Model",
        "None",
        "Path",
        "Row",
        "Sequence",
        "T",
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
