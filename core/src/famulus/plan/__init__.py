"""From a configuration to a plan, and back from the plan that is stored with a run."""

from __future__ import annotations

from famulus.options.configuration import configuration_from_mapping, read_configuration
from famulus.plan.check_options import check_problems, chosen_checks
from famulus.plan.draft import EVERYTHING, Draft, draft_plan
from famulus.plan.run_parts import RunParts, account_provider
from famulus.plan.script_configuration import read_task_config
from famulus.plan.secret_values import lacking_secrets, plan_secrets, secret_environment
from famulus.plan.stored import (
    plan_from_stored,
    stored_callbacks,
    stored_code,
    stored_plan,
    stored_script,
)

__all__ = [
    "EVERYTHING",
    "Draft",
    "RunParts",
    "account_provider",
    "check_problems",
    "chosen_checks",
    "configuration_from_mapping",
    "draft_plan",
    "lacking_secrets",
    "plan_from_stored",
    "plan_secrets",
    "read_configuration",
    "read_task_config",
    "secret_environment",
    "stored_callbacks",
    "stored_code",
    "stored_plan",
    "stored_script",
]
