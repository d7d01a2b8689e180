"""The testing kit: conformance classes and scripted workers, for the tests of plugins.

``pip install "famulus[testing]"`` brings what it needs. Names are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

try:
    import pytest
except ImportError as error:
    raise ImportError('famulus.testing needs pytest: pip install "famulus[testing]"') from error

if TYPE_CHECKING:
    from famulus.testing.clock import MovableClock as MovableClock
    from famulus.testing.conformance_architect import ArchitectConformance as ArchitectConformance
    from famulus.testing.conformance_blueprint import BlueprintConformance as BlueprintConformance
    from famulus.testing.conformance_check import Hall as Hall
    from famulus.testing.conformance_check import (
        QualificationCheckConformance as QualificationCheckConformance,
    )
    from famulus.testing.conformance_provider import ProviderConformance as ProviderConformance
    from famulus.testing.forms import Filled as Filled
    from famulus.testing.forms import HtmlForm as HtmlForm
    from famulus.testing.forms import html_form as html_form
    from famulus.testing.workers import ScriptedWorker as ScriptedWorker
    from famulus.testing.workers_served import ServedRun as ServedRun
    from famulus.testing.workers_ways import GatewayWay as GatewayWay
    from famulus.testing.workers_ways import HttpWay as HttpWay

_WHERE = {
    "ArchitectConformance": "famulus.testing.conformance_architect",
    "BlueprintConformance": "famulus.testing.conformance_blueprint",
    "Filled": "famulus.testing.forms",
    "GatewayWay": "famulus.testing.workers_ways",
    "Hall": "famulus.testing.conformance_check",
    "HtmlForm": "famulus.testing.forms",
    "HttpWay": "famulus.testing.workers_ways",
    "MovableClock": "famulus.testing.clock",
    "ProviderConformance": "famulus.testing.conformance_provider",
    "QualificationCheckConformance": "famulus.testing.conformance_check",
    "ScriptedWorker": "famulus.testing.workers",
    "ServedRun": "famulus.testing.workers_served",
    "html_form": "famulus.testing.forms",
}

__all__ = [
    "ArchitectConformance",
    "BlueprintConformance",
    "Filled",
    "GatewayWay",
    "Hall",
    "HtmlForm",
    "HttpWay",
    "MovableClock",
    "ProviderConformance",
    "QualificationCheckConformance",
    "ScriptedWorker",
    "ServedRun",
    "html_form",
]

# Before they are imported, so that a failing rule shows the values it was about.
pytest.register_assert_rewrite(
    "famulus.testing.conformance_architect",
    "famulus.testing.conformance_check",
    "famulus.testing.conformance_data",
    "famulus.testing.conformance_pages",
    "famulus.testing.conformance_provider",
    "famulus.testing.conformance_runs",
    "famulus.testing.conformance_stage",
)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)
