"""The program ``python -m famulus_prolific.fake`` and its console."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from fake_program import running_fake
from famulus_prolific.fake import TOKEN

COMMAND = [sys.executable, "-m", "famulus_prolific.fake"]
pytestmark = pytest.mark.slow


@pytest.fixture
def running() -> Iterator[int]:
    """The first port of a fake that runs by itself."""
    with running_fake(COMMAND, ports=3) as first:
        yield first


def test_the_program_serves_the_api_the_site_and_a_console(running: int) -> None:
    api = f"http://127.0.0.1:{running}/api/v1/users/me/"
    console = f"http://127.0.0.1:{running + 2}"
    headers = {"Authorization": f"Token {TOKEN}"}
    before = httpx.get(console).json()

    after = httpx.post(f"{console}/advance", params={"seconds": 86_400}).json()
    httpx.post(f"{console}/fault", params={"kind": "THROTTLE", "operation": "get-me"})

    assert httpx.get(api, headers=headers).status_code == 429
    assert httpx.get(api, headers=headers).json()["available_balance"] == 1250
    assert httpx.get(f"http://127.0.0.1:{running + 1}").is_success
    assert before["now"][:10] < after["now"][:10]
    assert httpx.get(console).json()["calls"] == {"get-me: 429": 1, "get-me: 200": 1}
    assert httpx.post(f"{console}/fault", params={"kind": "NONE"}).status_code == 400


def test_ports_that_are_taken_end_the_program_with_a_sentence(running: int) -> None:
    done = subprocess.run(
        [*COMMAND, "--port", str(running)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr == (
        f"cannot listen on the ports {running} to {running + 2}: Address already in use\n"
    )
