"""A process counts as dead only where that is certain."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve

from famulus.process import ProcessIdentity, describe, is_dead

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/ns/pid").exists(), reason="processes are recognised on Linux"
)

OWN_IDENTITY = [
    sys.executable,
    "-c",
    "from famulus.process import ProcessIdentity as P; print(P.current(), flush=True); input()",
]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        OWN_IDENTITY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def identity(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_process_that_was_killed_is_dead_before_and_after_it_is_reaped(
    child: subprocess.Popen[str],
) -> None:
    text = identity(child)
    assert not is_dead(text)
    assert not ProcessIdentity.current().is_dead

    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(text)
    child.wait()
    assert is_dead(text)


def test_another_process_with_the_same_id_does_not_stand_in_for_a_dead_one(
    child: subprocess.Popen[str],
) -> None:
    process = ProcessIdentity.parse(identity(child))
    assert process is not None

    assert evolve(process, started="1").is_dead
    assert not process.is_dead


@pytest.mark.parametrize(
    "elsewhere",
    [
        partial(evolve, boot="another"),
        partial(evolve, namespaces="pid:[1],time:[1]"),
        partial(evolve, boot="", namespaces="-"),
    ],
)
def test_nothing_is_known_of_processes_elsewhere(
    elsewhere: Callable[[ProcessIdentity], ProcessIdentity], child: subprocess.Popen[str]
) -> None:
    process = ProcessIdentity.parse(identity(child))
    assert process is not None
    child.kill()
    child.wait()

    assert process.is_dead
    assert not elsewhere(process).is_dead


@pytest.mark.parametrize("text", ["", "host:1:abc", "x 1 b n h", "4711"])
def test_an_invalid_identity_is_never_dead(text: str) -> None:
    assert not is_dead(text)
    assert describe(text) == "another process"


def test_a_container_with_the_same_host_name_and_process_id_is_not_taken_for_dead() -> None:
    unshare = shutil.which("unshare")
    command = [str(unshare), "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    if (
        unshare is None
        or subprocess.run([*command, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this machine forbids PID namespaces")
    done = subprocess.run(
        [*command, *OWN_IDENTITY], input="\n", capture_output=True, text=True, check=True
    )
    inside, outside = ProcessIdentity.parse(done.stdout.strip()), ProcessIdentity.current()

    assert inside is not None
    assert (inside.boot, inside.host) == (outside.boot, outside.host)
    assert inside.namespaces != outside.namespaces
    assert not inside.is_dead
