"""Secrets are in one file that only its owner can read, and in no log, database or other file."""

from __future__ import annotations

import logging
import stat
from pathlib import Path
from typing import Any

import pytest

from famulus import (
    Database,
    Plugins,
    export_records,
    pay_bonus,
)
from famulus_prolific.fake import FakeProlific, Fault
from famulus_prolific.tokens import VARIABLE
from prolific_run import have_done, launch, prolific_plugins
from stored_texts import contains

TOKEN = "the-token-of-the-account"


@pytest.fixture
def config(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's settings, away from the database."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder


@pytest.fixture
def plugins() -> Plugins:
    """The kit's plugins, and the provider."""
    return prolific_plugins()


def secrets_of(prolific: FakeProlific) -> dict[str, str]:
    with prolific.turn() as state:
        webhooks = [each.value for each in state.secrets.values()]
        handshakes = [each.handshake for each in state.subscriptions.values()]
    assert len(webhooks) == 1
    assert len(handshakes) == 2
    return {
        "token": TOKEN,
        "secret": webhooks[0],
        **{f"handshake {number}": each for number, each in enumerate(handshakes)},
    }


def test_no_secret_is_logged_or_stored_elsewhere(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    operator: Any,
    config: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    with prolific.turn() as state:
        state.tokens.add(TOKEN)
    monkeypatch.delenv(VARIABLE)
    prolific.faults.plan(Fault.LOSE_REPLY, "create-subscription")
    run = launch(prolific, database, operator, {"token": TOKEN})
    operator.turn()
    operator.turn()
    secrets = secrets_of(prolific)
    have_done(prolific, run, operator, 1)
    (record,) = export_records(database, run=run.run_id)
    pay_bonus(database, record["unit"], "0.50", reason="Good.", plugins=plugins)
    with prolific.turn() as state:
        state.tokens.discard(TOKEN)
    operator.turn()
    with prolific.turn() as state:
        state.tokens.add(TOKEN)
    operator.finish(run.run_id)

    files = {
        path: path.read_text(errors="replace")
        for folder in (config, tmp_path)
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    for name, secret in secrets.items():
        assert secret not in caplog.text, f"{name} is in the log"
        assert not contains(database, secret), f"{name} is in the database"
        holders = [path for path, text in files.items() if secret in text]
        assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 for each in holders), holders
        assert all(each.suffix == ".token" for each in holders), holders
        assert len(holders) == int(not name.startswith("handshake"))
