"""From a configuration to a plan, and back from the plan that is stored with a run."""

from __future__ import annotations

from famulus.config.reading import configuration_from_mapping, read_configuration
from famulus.planning.drafting import EVERYTHING, Draft, draft_plan, make_plan
from famulus.planning.stored import plan_from_stored, stored_callbacks, stored_code, stored_plan

__all__ = [
    "EVERYTHING",
    "Draft",
    "configuration_from_mapping",
    "draft_plan",
    "make_plan",
    "plan_from_stored",
    "read_configuration",
    "stored_callbacks",
    "stored_code",
    "stored_plan",
]
