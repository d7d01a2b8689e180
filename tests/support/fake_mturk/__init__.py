"""An Amazon Mechanical Turk that keeps state, for tests: both sites, over real HTTP.

    with FakeMTurk(clock) as mturk:
        client = mturk.sandbox.client()          # boto3, over a socket
        worker = mturk.sandbox.worker("A1")      # or in a browser: mturk.sandbox.worker_url

The model that botocore has of the service says what requests and replies may be; what it leaves
open is as AWS's documentation has it, and where that is silent, as people report it. ``python -m
fake_mturk`` runs it by hand.
"""

from __future__ import annotations

from fake_mturk.account import Account
from fake_mturk.certificate import Certificate, make_certificate
from fake_mturk.faults import Fault, Faults, Gate
from fake_mturk.marketplace import NO_ASSIGNMENT, Group, Shown, WorkerRefusedError
from fake_mturk.money import fee
from fake_mturk.question import EXTERNAL
from fake_mturk.records import Bonus, Call, Entry, Event, Hit, Mail, Stage
from fake_mturk.service import FakeMTurk, Ports
from fake_mturk.worker import Worker

__all__ = [
    "EXTERNAL",
    "NO_ASSIGNMENT",
    "Account",
    "Bonus",
    "Call",
    "Certificate",
    "Entry",
    "Event",
    "FakeMTurk",
    "Fault",
    "Faults",
    "Gate",
    "Group",
    "Hit",
    "Mail",
    "Ports",
    "Shown",
    "Stage",
    "Worker",
    "WorkerRefusedError",
    "fee",
    "make_certificate",
]
