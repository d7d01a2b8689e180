"""``famulus payments owed`` lists what is paid outside; ``payments paid`` marks what was."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.model.tables import UnitTable
from famulus.model.transaction import Transaction
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

Famulus = Callable[..., Result]
#: A spreadsheet would run it.
HOSTILE = "=1+1"
#: Registers the provider of the run, which knows one worker's name.
PLUGIN = """
from famulus import hookimpl
from famulus.testing.kinds import CrowdProvider

class Named(CrowdProvider):
    def payee_names(self, worker_names):
        assert worker_names == ["=1+1", "zoe"]
        return {"zoe": "Zoe Example"}

@hookimpl
def famulus_register_providers():
    return [Named]
"""


@pytest.fixture(autouse=True)
def _crowd(install: Callable[..., None]) -> None:
    install("crowd", PLUGIN)


@pytest.fixture
def run(database_file: Path) -> Iterator[int]:
    """A run of a provider that does not pay: one worker is owed two units, another one."""
    with (
        Database(database_file) as database,
        ManualOperator(database, plugins=kit_plugins()) as operator,
    ):
        gateway = operator.launch_rows([{"n": n} for n in range(3)], task_name="words")
        for name in (HOSTILE, HOSTILE, "zoe"):
            GatewayWorker(gateway, name).work()
        database.write(_accept_all)
        yield gateway.run_id


def _accept_all(tx: Transaction) -> None:
    units = [row.id for row in tx.rows(UnitTable.select(UnitTable.id))]
    for unit in units:
        decide(tx, unit, Decision.ACCEPTED)
    apply_decisions(tx, units)


def statuses(famulus: Famulus) -> list[str]:
    listed = json.loads(famulus("payments", "--json").stdout)["payments"]
    return [each["status"] for each in listed]


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("scope", [[], ["1"], ["words"], ["--task", "words"]])
def test_what_is_owed_is_listed_by_worker(famulus: Famulus, scope: list[str]) -> None:
    shown = famulus("payments", "owed", *scope)

    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "WORKER  NAME         PROVIDER  OWED      PAYMENTS",
        "=1+1                 crowd     0.20 USD  1, 2",
        "zoe     Zoe Example  crowd     0.10 USD  3",
        "",
        "Together: 0.30 USD in 3 payments to 2 workers.",
        "`famulus payments paid NUMBERS --note TEXT` marks what was paid.",
    ]
    assert json.loads(famulus("payments", "owed", *scope, "--json").stdout)[1] == {
        "worker": "zoe",
        "name": "Zoe Example",
        "provider": "crowd",
        "amount": "0.10",
        "currency": "USD",
        "payments": [3],
    }


@pytest.mark.usefixtures("run")
def test_the_list_for_the_finance_office_comes_back_as_paid(
    famulus: Famulus, tmp_path: Path
) -> None:
    target = tmp_path / "owed.csv"
    assert famulus("payments", "owed", "-o", target).stderr == f"Wrote 2 lines to {target}.\n"
    assert target.stat().st_mode & 0o777 == 0o600

    text = target.read_text(encoding="utf-8")
    assert famulus("payments", "owed", "--csv").stdout == text
    assert list(csv.reader(io.StringIO(text))) == [
        ["worker", "name", "provider", "amount", "currency", "payments", "numbers"],
        ["'=1+1", "", "crowd", "0.20", "USD", "2", "1 2"],
        ["zoe", "Zoe Example", "crowd", "0.10", "USD", "1", "3"],
    ]
    for answer in (
        "Marked as paid: 0.30 USD.\n",
        "3 payments marked with this note before.\n",
    ):
        assert famulus("payments", "paid", "--file", target, "--note", "May").stdout == answer
    assert statuses(famulus) == ["confirmed"] * 3
    assert famulus("payments", "owed").stderr == "Nothing is owed.\n"


@pytest.mark.usefixtures("run")
def test_what_is_owed_is_listed_without_the_provider(
    famulus: Famulus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_DISABLED_PLUGINS", "crowd")

    shown = famulus("payments", "owed")

    assert (shown.exit_code, "0.20 USD" in shown.stdout) == (0, True)
    assert "warning: the names of the workers of crowd are missing: " in shown.stderr


@pytest.mark.usefixtures("run")
def test_payments_are_marked_by_number_and_not_with_another_note(famulus: Famulus) -> None:
    marked = famulus("payments", "paid", 1, 3, "--note", "May")
    refused = famulus("payments", "paid", 2, 3, "--note", "June")

    assert marked.stdout == "Marked as paid: 0.20 USD.\n"
    assert refused.exit_code == 2
    assert "payment 3 was marked as paid before, with the note 'May'" in refused.stderr
    assert statuses(famulus) == ["confirmed", "owed", "confirmed"]
    assert "May" in famulus("payments").stdout


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("rows", "messages"),
    [
        (["1 2,0.30,USD"], ["2: 0.30 USD were listed, and these payments are 0.20 USD now"]),
        (["1 2,0.20,USD", "2 3,0.20,USD"], ["3: payment 2 is in line 2 already"]),
        (["3;1,0.20,USD"], ["2: numbers: '3;1' is not a list of payments, such as 3 5"]),
        ([",0.20,USD"], ["2: numbers: '' is not a list of payments"]),
        (["3,much,USD"], ["2: amount: 'much' is not an amount"]),
        (["3,NaN,USD"], ["2: amount: 'NaN' is not an amount"]),
        (["9,0.10,USD", "8,0.10,USD"], ["2: there is no payment 9", "3: there is no payment 8"]),
        (["1" * 30 + ",0.10,USD"], ["is not a list of payments"]),
        (["1" * 5000 + ",0.10,USD"], ["is not a list of payments"]),
    ],
)
def test_a_wrong_list_marks_nothing(
    famulus: Famulus, tmp_path: Path, rows: list[str], messages: list[str]
) -> None:
    target = tmp_path / "owed.csv"
    target.write_text("\n".join(["numbers,amount,currency", *rows]), encoding="utf-8")

    refused = famulus("payments", "paid", "--file", target, "--note", "May")

    assert refused.exit_code == 2
    assert all(message in refused.stderr for message in messages), refused.stderr
    assert statuses(famulus) == ["owed"] * 3


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["paid", "--note", "N"], "give NUMBERS, or a list with --file"),
        (["paid", "1"], "Missing option '--note'"),
        (["paid", "1", "--note", " "], "a note is needed"),
        (["paid", "x", "--note", "N"], "'x' is not the number of a payment"),
        (["owed", "9"], "there is no run 9"),
        (["owed", "wrds"], "no task 'wrds'"),
        (["owed", "words", "--task", "words"], "name one TASK, not two"),
        (["owed", "--json", "--csv"], "choose --json or --csv"),
    ],
)
def test_a_wrong_call_is_one_line(famulus: Famulus, arguments: list[str], message: str) -> None:
    failed = famulus("payments", *arguments)

    assert failed.exit_code == 2
    assert message in failed.stderr


def test_status_and_payments_name_what_is_owed(famulus: Famulus, run: int) -> None:
    assert (
        f"owed 3 (0.30 USD); `famulus payments owed {run}` lists what is owed"
        in famulus("status", run).stdout
    )
    assert (
        "3 payments to be made outside of the platform; `famulus payments owed` lists them by"
        in famulus("payments").stdout
    )
