"""One run is worked on over HTTP by personal links, by an open link, and from a platform."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from famulus import Database, export_records
from famulus.testing import HttpTransport, ServedRun, html_form, run_command
from famulus.testing.command import famulus_command
from famulus.testing.transports import Response
from famulus_links.command import links

pytestmark = pytest.mark.slow

DONE = "https://platform.example/done?id={PROLIFIC_PID}"


@pytest.fixture
def run(launched_run: Callable[..., ServedRun], tmp_path: Path) -> ServedRun:
    (tmp_path / "task.html").write_text("<h2>${word}</h2><input name=answer>")
    (tmp_path / "data.csv").write_text("word\nlantern\nharbour\n")
    configuration = {
        "defaults": [
            {"blueprint": "static_task"},
            {"architect": "local"},
            {"provider": "links"},
        ],
        "blueprint": {
            "task_source": str(tmp_path / "task.html"),
            "data_csv": str(tmp_path / "data.csv"),
            "units_per_assignment": 4,
        },
        "provider": {
            "worker_param": "PROLIFIC_PID",
            "visit_param": "SESSION_ID",
            "consent": "I agree.",
            "ask_name": True,
            "completions": {"completed": DONE, "no_work_left": "NOTHING-LEFT"},
        },
        "task": {"task_title": "Words", "task_description": "Name them.", "task_reward": "0.1"},
    }
    return launched_run(configuration)


def submit(run: ServedRun, page: Response) -> Response:
    assert page.form is not None, page.text
    return HttpTransport(run.url).send(page.form.fill(), action=page.form.action, as_json=False)


def press_button(run: ServedRun, query: dict[str, str], times: int = 1) -> Response:
    """Send the form of a link's first page, and return the page that it leads to."""
    transport = HttpTransport(run.url)
    form = html_form(transport.open(query).text)
    assert form is not None
    pages = [transport.send(form.fill(), action=form.action, as_json=False) for _ in range(times)]
    return pages[-1]


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def test_each_way_in_leads_to_the_work_and_no_name_to_the_data(
    run: ServedRun, tmp_path: Path
) -> None:
    database = tmp_path / "launched-1.db"
    (tmp_path / "people.csv").write_text("name,email\nAnna Berg,anna@lab.example\n")
    target = tmp_path / "links.csv"
    made = run_command(
        links, "make", tmp_path / "people.csv", 1, "-o", target, "--uses", 1, database=database
    )
    assert made.exit_code == 0, made.output
    with target.open() as file:
        [anna] = csv.DictReader(file)
    opened = run_command(links, "open", 1, "--uses", 1, database=database)
    transport = HttpTransport(run.url)

    personal = query_of(anna["link"])
    assert submit(run, press_button(run, personal)).outcome == "stored"
    assert transport.open({**personal, "visit": "2"}).refusal == "link_used_up"

    anyone = query_of(opened.stdout.strip())
    assert submit(run, press_button(run, anyone, times=2)).outcome == "stored"
    assert "all of them are taken" in transport.open(anyone).text

    for session in ("s1", "s2"):
        stored = submit(run, transport.open({"PROLIFIC_PID": "p&1", "SESSION_ID": session}))
        assert "https://platform.example/done?id=p%261" in stored.text
    assert "NOTHING-LEFT" in transport.open({"PROLIFIC_PID": "p&1", "SESSION_ID": "s3"}).text
    assert transport.open({}).refusal == "link_needed"

    records = run.records()
    assert len(records) == 4
    assert len({record["worker"] for record in records}) == 3
    assert "Anna" not in json.dumps(records, default=str)
    listed = json.loads(run_command(links, "list", 1, "--json", database=database).stdout)
    assert [(each["state"], each["answers"]) for each in listed] == [
        ("answered", 1),
        ("used_up", 0),
        ("answered", 1),
    ]


def test_people_who_were_forgotten_are_nowhere_paid_ones_and_those_who_never_came(
    run: ServedRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = tmp_path / "launched-1.db"
    (tmp_path / "people.csv").write_text(
        "name,email\nAnna Berg,anna@lab.example\nBoleslaw Lund,bo@lund.example\n"
    )
    lists = (tmp_path / "people.csv", tmp_path / "links.csv", tmp_path / "owed.csv")

    def famulus(*arguments: object) -> None:
        with famulus_command(*map(str, arguments), database=address) as command:
            assert command.wait() == 0, command.output

    famulus("links", "make", lists[0], 1, "-o", lists[1])
    with lists[1].open() as file:
        [anna, bo] = csv.DictReader(file)
    assert submit(run, press_button(run, query_of(anna["link"]))).outcome == "stored"
    with Database(address) as database:
        [record] = export_records(database, run=1)
    famulus("review", record["task"], "--accept-all")
    famulus("payments", "owed", 1, "-o", lists[2])
    famulus("payments", "paid", "--file", lists[2], "--note", "transfer 12 to Anna Berg")
    stored = b"".join(stored_beside(tmp_path, lists))
    for name in (b"Anna Berg", b"Boleslaw Lund", b"bo@lund.example"):
        assert name in stored

    famulus("workers", "forget", "Anna@lab.example", "--answers", "--provider", "links", "--yes")
    famulus("workers", "forget", "bo@lund.example", "--yes")

    stored = b"".join(stored_beside(tmp_path, lists))
    for trace in ("Anna", "anna@lab", record["worker"], "Boleslaw", "bo@lund", bo["worker"]):
        assert trace.encode() not in stored, trace
        assert trace not in caplog.text, trace
    [left] = run.records()
    assert left["worker"].startswith("forgotten-")
    assert left["outputs"] == {}


def stored_beside(folder: Path, left_out: Collection[Path]) -> Iterator[bytes]:
    """Yield the content of the database's files: the lists are the requester's own."""
    for path in folder.rglob("*"):
        if path.is_file() and path not in left_out:
            yield path.read_bytes()
