"""The codes of MTurk's errors."""

from __future__ import annotations

from typing import Any

import pytest


def turk_code(caught: pytest.ExceptionInfo[Any]) -> str:
    """Return the code of an error of boto3's client, without its namespace."""
    code: str = caught.value.response["TurkErrorCode"]
    return code.removeprefix("AWS.MechanicalTurk.")
