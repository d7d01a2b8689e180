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

from famulus.deprecations import renamed

if TYPE_CHECKING:
    from famulus.testing.conformance.architect import ArchitectConformance as ArchitectConformance
    from famulus.testing.conformance.blueprint import BlueprintConformance as BlueprintConformance
    from famulus.testing.conformance.check import CheckHarness as CheckHarness
    from famulus.testing.conformance.check import (
        QualificationCheckConformance as QualificationCheckConformance,
    )
    from famulus.testing.conformance.harness import PluginHarness as PluginHarness
    from famulus.testing.conformance.provider import ProviderConformance as ProviderConformance
    from famulus.testing.forms import FormData as FormData
    from famulus.testing.forms import HtmlForm as HtmlForm
    from famulus.testing.forms import html_form as html_form
    from famulus.testing.movable_clock import MovableClock as MovableClock
    from famulus.testing.plugin_command import run_command as run_command
    from famulus.testing.scripted_worker import ScriptedWorker as ScriptedWorker
    from famulus.testing.served_run import ServedRun as ServedRun
    from famulus.testing.transports import GatewayTransport as GatewayTransport
    from famulus.testing.transports import HttpTransport as HttpTransport

_WHERE = {
    "ArchitectConformance": "famulus.testing.conformance.architect",
    "BlueprintConformance": "famulus.testing.conformance.blueprint",
    "CheckHarness": "famulus.testing.conformance.check",
    "FormData": "famulus.testing.forms",
    "GatewayTransport": "famulus.testing.transports",
    "HtmlForm": "famulus.testing.forms",
    "HttpTransport": "famulus.testing.transports",
    "MovableClock": "famulus.testing.movable_clock",
    "PluginHarness": "famulus.testing.conformance.harness",
    "ProviderConformance": "famulus.testing.conformance.provider",
    "QualificationCheckConformance": "famulus.testing.conformance.check",
    "ScriptedWorker": "famulus.testing.scripted_worker",
    "ServedRun": "famulus.testing.served_run",
    "html_form": "famulus.testing.forms",
    "run_command": "famulus.testing.plugin_command",
}

__all__ = [
    "ArchitectConformance",
    "BlueprintConformance",
    "CheckHarness",
    "FormData",
    "GatewayTransport",
    "HtmlForm",
    "HttpTransport",
    "MovableClock",
    "PluginHarness",
    "ProviderConformance",
    "QualificationCheckConformance",
    "ScriptedWorker",
    "ServedRun",
    "html_form",
    "run_command",
]

# Before they are imported, so that a failing rule shows the values it was about.
pytest.register_assert_rewrite("famulus.testing.conformance")


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        name = renamed(__name__, name)
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)
