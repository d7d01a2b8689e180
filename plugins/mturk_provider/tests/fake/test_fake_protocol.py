"""The fake uses botocore's protocol and validates every request against botocore's model."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from famulus_mturk.fake import Account, FakeMTurk

PREFIX = "MTurkRequesterServiceV20170117."


def post(account: Account, operation: str, body: Any) -> tuple[int, dict[str, Any]]:
    """Send what boto3 would refuse to send."""
    connection = http.client.HTTPConnection(urlsplit(account.endpoint_url).netloc)
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", "/", sent, {"X-Amz-Target": PREFIX + operation})
    reply = connection.getresponse()
    read: dict[str, Any] = json.loads(reply.read())
    connection.close()
    return reply.status, read


@pytest.mark.parametrize(
    ("operation", "body", "complaint"),
    [
        ("GetHIT", {}, "null at 'HITId'"),
        ("GetHIT", {"HITId": 7}, "'HITId' is int, not string"),
        ("GetHIT", {"HITId": "lower"}, "regular expression"),
        ("GetHIT", {"HITId": "X" * 65}, "less than or equal to 64"),
        ("GetHIT", {"HITId": "X", "Colour": "red"}, "'Colour' is unknown"),
        ("ListHITs", {"MaxResults": 101}, "less than or equal to 100"),
        ("ListHITs", {"MaxResults": True}, "bool, not integer"),
        ("ListAssignmentsForHIT", {"HITId": "X", "AssignmentStatuses": ["Lost"]}, "enum value set"),
        ("NotifyWorkers", {"Subject": "s", "MessageText": "t", "WorkerIds": ["B"]}, "1.member"),
        ("GetHIT", [], "not a JSON object"),
        ("GetHIT", b"{", "not JSON"),
    ],
)
def test_invalid_requests_are_refused_by_the_model(
    sandbox: Account, operation: str, body: Any, complaint: str
) -> None:
    status, reply = post(sandbox, operation, body)

    assert (status, reply["__type"]) == (400, "ValidationException")
    assert complaint in reply["Message"]


def test_everything_wrong_is_named_at_once(sandbox: Account) -> None:
    _, reply = post(sandbox, "SendBonus", {"WorkerId": "1", "BonusAmount": "1.234"})

    assert reply["Message"].startswith("4 validation errors")


@pytest.mark.parametrize("operation", ["MakeCoffee", "GetFileUploadURL"])
def test_an_operation_that_is_not_there_is_refused(sandbox: Account, operation: str) -> None:
    body = {"AssignmentId": "A", "QuestionIdentifier": "q"}

    status, reply = post(sandbox, operation, body)

    assert (status, reply["__type"]) == (400, "UnknownOperationException")


def test_errors_become_the_exceptions_of_boto3(client: Any) -> None:
    with pytest.raises(client.exceptions.RequestError) as caught:
        client.get_hit(HITId="3NONE")

    reply = caught.value.response
    assert reply["TurkErrorCode"] == "AWS.MechanicalTurk.HITDoesNotExist"
    assert reply["Error"]["Code"] == "RequestError"
    assert reply["Error"]["Message"] == "Hit 3NONE does not exist. (1893499200000 s)"


def test_the_sandbox_and_the_live_site_share_nothing(
    mturk: FakeMTurk, client: Any, live_client: Any, launch: Callable[..., Any]
) -> None:
    hit = launch()
    client.create_qualification_type(Name="q", Description="d", QualificationTypeStatus="Active")

    found = live_client.list_hits()["HITs"]
    live_client.create_qualification_type(
        Name="q", Description="d", QualificationTypeStatus="Active"
    )

    assert found == []
    with pytest.raises(live_client.exceptions.RequestError):
        live_client.get_hit(HITId=hit["HITId"])
    assert client.get_account_balance()["AvailableBalance"] == "10000.00"
    assert live_client.get_account_balance()["AvailableBalance"] == "100.00"


def test_every_call_is_recorded_with_its_account(
    mturk: FakeMTurk, client: Any, live_client: Any
) -> None:
    client.list_hits(MaxResults=5)
    with pytest.raises(live_client.exceptions.RequestError):
        live_client.get_hit(HITId="3NONE")

    assert [
        (call.account, call.operation, call.parameters, call.access_key, call.outcome)
        for call in mturk.calls
    ] == [
        ("sandbox", "ListHITs", {"MaxResults": 5}, "sandbox-key", "ok"),
        ("live", "GetHIT", {"HITId": "3NONE"}, "live-key", "HITDoesNotExist"),
    ]


def test_refused_requests_are_recorded_too(sandbox: Account) -> None:
    post(sandbox, "GetHIT", {})

    assert [call.outcome for call in sandbox.calls] == ["ValidationException"]
