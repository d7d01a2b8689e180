"""The scope of a signature: one agent of one run of one database, and one purpose."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from itsdangerous import Signer

from famulus.engine.gateway import Gateway
from famulus.engine.open_gateway import open_gateway
from famulus.engine.tokens import SignedArrival, SignedAttempt, Tokens
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

OLD, NEW = b"o" * 32, b"n" * 32


def tokens(*keys: bytes, database: str = "d" * 32, run: int = 3) -> Tokens:
    return Tokens(keys, database, run)


def launch(database: Database) -> Gateway:
    return ManualOperator(database, plugins=kit_plugins()).launch_rows([{"n": 1}])


ARRIVAL = SignedArrival(5, 1_700_000_000_000_000, "zoë", "ref.1", "", {"a": "b", "ü": "."})


@pytest.mark.parametrize(
    "attempt",
    [
        SignedAttempt(17, 4711),
        SignedAttempt(17, 4711, onboarding=True),
        SignedAttempt(17, 4711, arrival=ARRIVAL),
        SignedAttempt(17, None),
        SignedAttempt(17, None, onboarding=True),
    ],
)
def test_a_token_names_its_attempt(attempt: SignedAttempt) -> None:
    assert tokens(NEW).read(tokens(NEW).sign(attempt)) == attempt


def test_a_token_of_an_everyday_arrival_is_short() -> None:
    query = {
        "assignmentId": "3" * 30,
        "hitId": "4" * 30,
        "workerId": "A" * 14,
        "turkSubmitTo": "https://workersandbox.mturk.com",
    }
    arrival = SignedArrival(10**7, 1_700_000_000_000_000, "A" * 14, "3" * 30, "", query)

    assert len(tokens(NEW).sign(SignedAttempt(10**7, 2**47 - 1, arrival=arrival))) < 450


def signed(text: str, purpose: str) -> str:
    salt = f"famulus.{purpose}.{'d' * 32}.3"
    signer = Signer(NEW, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
    return signer.sign(text).decode()


def test_a_token_of_a_signer_that_derives_its_key_by_itself_is_accepted() -> None:
    assert tokens(NEW).sign(SignedAttempt(17, None)) == signed("1.17", "agent")
    assert tokens(NEW).sign_ticket(17) == signed("1.17", "ticket")
    assert tokens(NEW).sign_ticket(17) != signed("1.17", "agent")


@pytest.mark.parametrize(
    "text", ["3", "3.17", "3.17.4711.", "1", "1.17.4711.", "2.17", "2.17.4711", "2.17.4711.e.x"]
)
def test_a_format_that_is_not_known_is_refused(text: str) -> None:
    """A later version signed it, before the older one was installed again."""
    assert tokens(NEW).read(signed(text, "agent")) is None


@pytest.mark.parametrize("text", ["3", "3.17", "2.17", "1", "1.17.4711"])
def test_a_ticket_of_a_format_that_is_not_known_is_refused(text: str) -> None:
    assert tokens(NEW).read_ticket(signed(text, "ticket")) is None


def test_a_ticket_names_its_agent_and_is_no_token() -> None:
    one = tokens(NEW)

    assert one.read_ticket(one.sign_ticket(17)) == 17
    assert one.read(one.sign_ticket(17)) is None
    assert one.read_ticket(one.sign(SignedAttempt(17, 1))) is None


@pytest.mark.parametrize(
    "other", [tokens(OLD), tokens(NEW, database="e" * 32), tokens(NEW, run=31), tokens(NEW, run=4)]
)
def test_tokens_of_another_key_database_or_run_are_refused(other: Tokens) -> None:
    assert tokens(NEW).read(other.sign(SignedAttempt(17, 1))) is None
    assert tokens(NEW).read_ticket(other.sign_ticket(17)) is None


def test_the_first_key_signs_and_all_are_accepted() -> None:
    rotated, attempt = tokens(NEW, OLD), SignedAttempt(17, 1)

    assert rotated.read(tokens(OLD).sign(attempt)) == attempt
    assert rotated.read_ticket(tokens(OLD).sign_ticket(17)) == 17
    assert tokens(NEW).read(rotated.sign(attempt)) == attempt
    assert tokens(OLD).read(rotated.sign(attempt)) is None


@pytest.mark.parametrize("text", ["", "17", "17.x", "1.17", "\x00", "é", "\ud800", ".", "1.17.x"])
def test_anything_else_is_refused(text: str) -> None:
    assert tokens(NEW).read(text) is None
    assert tokens(NEW).read_ticket(text) is None


def test_two_databases_with_one_key_refuse_each_others_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_SECRET_KEY", NEW.decode())
    with Database(tmp_path / "a.db") as first, Database(tmp_path / "b.db") as second:
        here, there = (launch(database) for database in (first, second))
        page = GatewayWorker(here, "x").arrive()
        GatewayWorker(there, "x").arrive()

        assert GatewayWorker(there, "x").submit(page).status == 404
        assert GatewayWorker(here, "x").submit(page).status == 200


def test_pages_stay_valid_when_the_variable_is_set_beside_a_key_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAMULUS_SECRET_KEY", raising=False)
    with Database(tmp_path / "a.db") as database:
        gateway = launch(database)
        page = GatewayWorker(gateway, "x").arrive()

        monkeypatch.setenv("FAMULUS_SECRET_KEY", NEW.decode())
        later = open_gateway(database, gateway.run_id, plugins=kit_plugins())

        assert GatewayWorker(later, "x").submit(page).status == 200
