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

from famulus_mturk.fake.account import Account
from famulus_mturk.fake.certificate import Certificate, make_certificate
from famulus_mturk.fake.faults import Fault, Faults, Gate
from famulus_mturk.fake.marketplace import NO_ASSIGNMENT, Group, Shown, WorkerRefusedError
from famulus_mturk.fake.money import fee
from famulus_mturk.fake.question import EXTERNAL
from famulus_mturk.fake.records import Bonus, Call, Entry, Event, Hit, Mail, Stage
from famulus_mturk.fake.service import FakeMTurk, Ports
from famulus_mturk.fake.worker import Worker

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
