"""A run's secrets, which are in the environment and never in the database."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from famulus.contracts.plan import Plan
from famulus.options.option_values import secrets_of
from famulus.options.source import ROLES

_PREFIX = "FAMULUS_SECRET_"


def secret_variable(key: str) -> str:
    """Return the environment variable of a secret.

    For example, ``provider.token`` has ``FAMULUS_SECRET_PROVIDER_TOKEN``.
    """
    return _PREFIX + re.sub(r"[^A-Z0-9]", "_", key.upper())


def secrets_in_environment(keys: Iterable[str]) -> dict[str, str]:
    """Return the secrets, by dotted key, that are set in the environment."""
    variables = {key: secret_variable(key) for key in keys}
    return {key: os.environ[name] for key, name in variables.items() if os.environ.get(name)}


def plan_secrets(plan: Plan) -> dict[str, str]:
    """Return the secrets of a plan by dotted key."""
    found: dict[str, Any] = {}
    for role in ROLES:
        found |= secrets_of(getattr(plan, role).args, role)
    return {key: str(value) for key, value in found.items()}


def secret_environment(plan: Plan) -> Mapping[str, str]:
    """Return the environment variables that a process which serves the run needs."""
    return {secret_variable(key): value for key, value in plan_secrets(plan).items()}


def lacking_secrets(stored: Mapping[str, Any]) -> list[str]:
    """Return the dotted keys of a stored plan's secrets that are missing in the environment."""
    known = secrets_in_environment(stored["secrets"])
    return [key for key in stored["secrets"] if key not in known]
