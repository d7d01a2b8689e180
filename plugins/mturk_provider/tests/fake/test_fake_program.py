"""The program ``python -m famulus_mturk.fake`` and its console."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from fake_program import running_fake

COMMAND = [sys.executable, "-m", "famulus_mturk.fake"]


@pytest.fixture
def running() -> Iterator[int]:
    """The first port of a fake that runs by itself."""
    with running_fake(COMMAND, ports=5) as first:
        yield first


def ask(port: int, path: str, *, method: str = "POST") -> dict[str, Any]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    with urllib.request.urlopen(request) as reply:
        read: dict[str, Any] = json.loads(reply.read())
        return read


@pytest.mark.slow
def test_the_program_serves_both_accounts_and_a_console(running: int) -> None:
    client = boto3.client(
        "mturk",
        endpoint_url=f"http://127.0.0.1:{running + 2}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    before = ask(running + 4, "/", method="GET")
    after = ask(running + 4, "/advance?seconds=86400")
    ask(running + 4, "/fault?account=live&kind=THROTTLE&operation=ListHITs")

    with pytest.raises(ClientError, match="Rate exceeded"):
        client.list_hits()

    assert client.get_account_balance()["AvailableBalance"] == "12.50"
    client.close()
    assert before["sandbox"]["now"][:10] < after["sandbox"]["now"][:10]
    assert ask(running + 4, "/", method="GET")["live"]["calls"] == {
        "ListHITs: ThrottlingException": 1,
        "GetAccountBalance: ok": 1,
    }


@pytest.mark.slow
def test_https_without_openssl_ends_the_program_with_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--https"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": str(tmp_path)},
    )

    assert done.returncode == 1
    assert done.stderr.startswith("--https needs a certificate, which openssl has not made: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_ports_that_are_taken_end_the_program_with_a_sentence(running: int) -> None:
    done = subprocess.run(
        [*COMMAND, "--port", str(running)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == (
        f"cannot listen on the ports {running} to {running + 4}: Address already in use\n"
    )
