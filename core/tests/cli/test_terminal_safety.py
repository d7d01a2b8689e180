"""Nothing from outside reaches a terminal or a log but escaped."""

from __future__ import annotations

import ast
import csv
import hashlib
import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from famulus.cli.logs import log_to_stderr
from famulus.cli.output import say, say_commented, say_json
from famulus.cli.session import Session
from famulus.contracts.views import FormFile
from famulus.engine.qualifications.grants import make_qualification
from famulus.engine.qualifications.worker_handle import find_worker
from famulus.escaping import escaped, escaped_json, escaped_line
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import (
    OutboxTable,
    PaymentTable,
    RequesterTable,
    ReviewTable,
    TaskRunTable,
    WorkerTable,
)
from famulus.model.transaction import Transaction
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

ROOT = Path(__file__).resolve().parents[3]
#: Sets the window's title, clears the screen, turns text around, breaks lines, half a pair.
HOSTILE = "a\x1b]0;title\x07\x9b2J\u202eb\rc\u2028d\u200be\ufeff\U000e0041\x85f"
#: These characters must not reach a terminal; a line break is the commands' own.
UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)

Famulus = Callable[..., Result]


@pytest.mark.parametrize(
    "number",
    [*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x2066, 0xD800, 0xFEFF, 0x200B, 0x2028, 0xE0041],
)
def test_control_characters_are_shown_escaped(number: int) -> None:
    char = chr(number)

    assert not UNSAFE.search(escaped(f"a{char}b"))
    assert not UNSAFE.search(escaped_line(f"a{char}b"))
    assert "\n" not in escaped_line(char)
    assert not UNSAFE.search(escaped_json({char: char}))
    assert json.loads(escaped_json({char: [char]})) == {char: [char]}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_json_for_programs_has_no_number_that_json_lacks(
    number: float, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        say_json({"share": number})

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "text",
    ["a\tb\nc", "Zoë 中文 \u3000", "\U0001f469\u200d\U0001f680", "\u0645\u06cc\u200c\u062e"],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text


@pytest.fixture
def hostile_database(database_file: Path) -> Iterator[None]:
    """A run in which everything that takes a text from outside has a hostile one."""
    with Database(database_file) as database:
        operator = ManualOperator(database, plugins=kit_plugins())
        with operator:
            gateway = operator.launch_rows(
                [{HOSTILE: HOSTILE}, {"n": 2}],
                task_name="words",
                task_title=HOSTILE,
                task_description=HOSTILE,
            )
            received = gateway.upload_folder / "received"
            received.write_bytes(b"x")
            file = FormFile(
                field=HOSTILE,
                filename=f"{HOSTILE}.png",
                content_type=HOSTILE,
                size=1,
                sha256=hashlib.sha256(b"x").hexdigest(),
                path=received,
            )
            zoe = GatewayWorker(gateway, "zoe")
            fields: dict[str, Any] = {HOSTILE: HOSTILE}
            zoe.submit(zoe.arrive(), HOSTILE, files=[file], **fields)
            find_worker(database, "crowd", "zoe").block(HOSTILE)
            database.write(_hostile_rows)
            yield


def _hostile_rows(tx: Transaction) -> None:
    make_qualification(tx, "q", HOSTILE)
    tx.execute(TaskRunTable.update(failure=HOSTILE, loading_error=HOSTILE, url=HOSTILE))
    tx.execute(RequesterTable.update(settings={HOSTILE: HOSTILE}))
    for table in (TaskRunTable, WorkerTable, RequesterTable):
        # One that is installed, so that commands about its crowd know it.
        tx.execute(table.update(provider_type="mock"))
    run = tx.row(TaskRunTable.select(TaskRunTable.id, TaskRunTable.requester.alias("requester")))
    assert run is not None
    for kind, concerns in (("open", {"run": run.id}), ("block", {"requester": run.requester})):
        tx.insert(
            OutboxTable,
            key=kind,
            kind=kind,
            payload={},
            status=OutboxStatus.FAILED,
            attempts=3,
            next_attempt_at=tx.now,
            error=HOSTILE,
            created_at=tx.now,
            **concerns,
        )
    tx.insert(
        PaymentTable,
        key="k",
        kind="bonus",
        run=run.id,
        worker=1,
        amount=1,
        currency="USD",
        reason=HOSTILE,
        status="failed",
        error=HOSTILE,
        note=HOSTILE,
        created_at=tx.now,
        changed_at=tx.now,
    )
    tx.insert(ReviewTable, unit=1, agent=1, decision="rejected", note=HOSTILE, decided_at=tx.now)


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs",),
        ("runs", "--json"),
        ("status", 1),
        ("status", 1, "--json"),
        ("doctor",),
        ("doctor", "--json"),
        ("payments",),
        ("payments", "--json"),
        ("requesters",),
        ("requesters", "--json"),
        ("qualifications", "list"),
        ("qualifications", "list", "--json"),
        ("workers", "show", "zoe"),
        ("workers", "show", "zoe", "--json"),
        ("examine", "words"),
        ("review", "words"),
        ("sync", 1),
        ("set", 1, f"x={HOSTILE}"),
        ("set", 1, HOSTILE),
        (HOSTILE,),
        ("runs", HOSTILE),
        ("status", HOSTILE),
        ("review", HOSTILE),
        ("export", "words", "-o", HOSTILE),
        ("export", HOSTILE, "-o", "x.csv"),
        ("export", "words", "-o", "a.csv", "--since", HOSTILE),
        ("check", f"{HOSTILE}.yaml"),
        ("launch", f"{HOSTILE}.yaml"),
        ("wut", HOSTILE),
        ("workers", "block", HOSTILE),
        ("register", HOSTILE),
        ("register", "mock", HOSTILE),
        ("config", "show", f"{HOSTILE}.yaml"),
        ("--database", f"{HOSTILE}.db", "runs"),
        ("bonus", 1, HOSTILE, "--reason", HOSTILE),
        ("qualifications", "create", HOSTILE),
        ("qualifications", "import", HOSTILE),
        ("-v", "check", f"{HOSTILE}.yaml"),
    ],
    ids=ascii,
)
def test_no_command_prints_control_characters(
    famulus: Famulus,
    hostile_database: None,
    arguments: tuple[object, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)

    done = famulus(*arguments)

    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert UNSAFE.findall(done.stdout + done.stderr) == []
    if "--json" in arguments:
        assert done.exit_code in (0, 1)
        json.loads(done.stdout)


@pytest.mark.parametrize("spoilt", ["file", "column", "value", "option", "template"])
def test_check_and_launch_escape_the_content_of_files(
    famulus: Famulus, tmp_path: Path, spoilt: str
) -> None:
    data = f"data{HOSTILE if spoilt == 'file' else ''}.csv"
    column = f'"{HOSTILE}"' if spoilt == "column" else "text"
    value = HOSTILE if spoilt == "value" else "x"
    with (tmp_path / data).open("w", encoding="utf-8", newline="") as stream:
        stream.write(f"{column}\n")
        csv.writer(stream).writerow([value])
    field = HOSTILE if spoilt == "template" else "answer"
    (tmp_path / "task.html").write_text(f"${{nothing}} <input name='{field}'>", encoding="utf-8")
    option = HOSTILE if spoilt == "option" else "task_tags"
    config = {
        "defaults": [{"blueprint": "static_task"}, {"architect": "local"}, {"provider": "mock"}],
        "blueprint": {
            "data_csv": str(tmp_path / data),
            "task_source": str(tmp_path / "task.html"),
        },
        "task": {"task_title": "T", "task_description": "D", "task_reward": 0.1, option: "x"},
    }
    path = tmp_path / "task.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")

    for command in (["check"], ["-v", "check"], ["launch"], ["config", "show"], ["quote"]):
        done = famulus(*command, path)
        assert done.exit_code == 2
        assert "famulus: error:" in done.stderr
        assert UNSAFE.findall(done.stdout + done.stderr) == []


@pytest.mark.parametrize("verbose", [False, True])
def test_a_record_of_the_log_is_one_escaped_line_of_bounded_length(
    capsys: pytest.CaptureFixture[str], verbose: bool
) -> None:
    log = logging.getLogger("famulus.hostile")

    with log_to_stderr(Session(None, address_typed=False, verbose=verbose)):
        log.warning("server: %s", f"{HOSTILE}\nfamulus: error: made up")
        log.error("%s failed", "x" * 100_000)
        try:
            raise ValueError(f"{HOSTILE}\nfamulus: error: made up")
        except ValueError:
            log.exception("run %d", 1)

    printed = capsys.readouterr().err
    assert UNSAFE.findall(printed) == []
    assert "\\x1b]0;title" in printed
    first, second, third, *more = printed.splitlines()
    assert first.endswith("\\nfamulus: error: made up")
    assert len(second) < 5000
    assert "run 1" in third
    assert bool(more) is verbose


def test_output_for_a_program_is_exact_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"a": HOSTILE})
    say(HOSTILE, bold=True, label="error")
    say(HOSTILE, bold=True)
    say_commented(HOSTILE, HOSTILE)

    printed = capsys.readouterr().out
    assert UNSAFE.findall(printed) == []
    assert json.JSONDecoder().raw_decode(printed)[0] == {"a": HOSTILE}


@pytest.mark.parametrize("format_name", ["csv", "jsonl"])
def test_an_export_is_exact_in_a_pipe_and_escaped_on_a_terminal(
    hostile_database: None, database_file: Path, format_name: str, famulus: Famulus
) -> None:
    command = [
        "--database",
        str(database_file),
        "export",
        "words",
        "-o",
        "-",
        "--format",
        format_name,
    ]
    piped = subprocess.run(
        [sys.executable, "-m", "famulus", *command], capture_output=True, check=True
    ).stdout.decode()
    if format_name == "csv":
        (row,) = csv.DictReader(io.StringIO(piped, newline=""))
        assert row["output.answer"] == HOSTILE
    else:
        assert json.loads(piped)["outputs"]["answer"] == HOSTILE

    end, other = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "famulus", *command], stdout=other, stderr=other
    ) as process:
        os.close(other)
        seen = b""
        try:
            while piece := os.read(end, 65536):
                seen += piece
        except OSError:
            pass  # the program has ended and closed its end
        os.close(end)
    assert process.returncode == 0
    shown = seen.decode()
    assert "\\x1b]0;title" in shown or "\\u001b]0;title" in shown
    assert UNSAFE.findall(shown.replace("\r\n", "\n")) == []


def test_commands_write_to_the_terminal_in_one_place() -> None:
    found = {
        (str(path.relative_to(ROOT)), name)
        for folder in (ROOT / "core/src", *(ROOT / "plugins").glob("*/src"))
        for path in folder.rglob("*.py")
        # The fake of a platform is a program of its own, which shows nothing of strangers.
        if "fake" not in path.parts
        for name in _writing_calls(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert found == {
        ("core/src/famulus/cli/output.py", "click.prompt"),
        # Escapes messages of a platform; the rest are numbers, states and times.
        ("core/src/famulus/cli/live_display.py", "Console"),
    }


def _writing_calls(tree: ast.AST) -> Iterator[str]:
    banned = (
        {"print", "Console"}
        | {f"click.{name}" for name in ("echo", "secho", "prompt", "confirm", "echo_via_pager")}
        | {f"sys.{stream}.write" for stream in ("stdout", "stderr")}
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in banned:
            yield ast.unparse(node.func)
