"""A fake of Amazon Mechanical Turk that keeps state: both sites, served over real HTTP.

    with FakeMTurk(clock) as mturk:
        client = mturk.sandbox.client()          # boto3, over a socket
        worker = mturk.sandbox.worker("A1")      # or in a browser: mturk.sandbox.worker_url

Requests and replies are validated against botocore's model of the service. Behaviour that the model
leaves open follows AWS's documentation or, failing that, reports of users. The fake shares no code
with the provider, so that both can be checked against each other. ``python -m famulus_mturk.fake``
serves it until Ctrl-C.
"""

from __future__ import annotations

import warnings
from typing import Any

from famulus_mturk.fake.account import Account
from famulus_mturk.fake.certificate import Certificate, make_certificate
from famulus_mturk.fake.faults import Fault, Faults, Gate
from famulus_mturk.fake.marketplace import NO_ASSIGNMENT, Group, HitPage, WorkerRefusedError
from famulus_mturk.fake.money import fee
from famulus_mturk.fake.question import EXTERNAL
from famulus_mturk.fake.records import Bonus, Call, Event, Hit, LedgerEntry, Mail, Stage
from famulus_mturk.fake.service import FakeMTurk, Ports
from famulus_mturk.fake.worker import FakeWorker

__all__ = [
    "EXTERNAL",
    "NO_ASSIGNMENT",
    "Account",
    "Bonus",
    "Call",
    "Certificate",
    "Event",
    "FakeMTurk",
    "FakeWorker",
    "Fault",
    "Faults",
    "Gate",
    "Group",
    "Hit",
    "HitPage",
    "LedgerEntry",
    "Mail",
    "Ports",
    "Stage",
    "WorkerRefusedError",
    "fee",
    "make_certificate",
]


def __getattr__(name: str) -> Any:
    present = {"Entry": "LedgerEntry", "Shown": "HitPage", "Worker": "FakeWorker"}.get(name)
    if present is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    message = (
        f"{name} of {__name__} is deprecated since 0.1 and will be removed in 1.0: use {present}"
    )
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return globals()[present]
