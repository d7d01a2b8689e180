"""One run is worked on over HTTP by personal links, by an open link, and from a platform."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from famulus.testing import HttpWay, ServedRun, html_form, run_command
from famulus.testing.transports import Answer
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


def submit(run: ServedRun, page: Answer) -> Answer:
    assert page.form is not None, page.text
    return HttpWay(run.url).send(page.form.fill(), action=page.form.action, as_json=False)


def press_button(run: ServedRun, query: dict[str, str], times: int = 1) -> Answer:
    """Send the form of a link's first page, and return the page that it leads to."""
    way = HttpWay(run.url)
    form = html_form(way.open(query).text)
    assert form is not None
    pages = [way.send(form.fill(), action=form.action, as_json=False) for _ in range(times)]
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
    way = HttpWay(run.url)

    personal = query_of(anna["link"])
    assert submit(run, press_button(run, personal)).outcome == "stored"
    assert way.open({**personal, "visit": "2"}).refusal == "link_used_up"

    anyone = query_of(opened.stdout.strip())
    assert submit(run, press_button(run, anyone, times=2)).outcome == "stored"
    assert "all of them are taken" in way.open(anyone).text

    for session in ("s1", "s2"):
        stored = submit(run, way.open({"PROLIFIC_PID": "p&1", "SESSION_ID": session}))
        assert "https://platform.example/done?id=p%261" in stored.text
    assert "NOTHING-LEFT" in way.open({"PROLIFIC_PID": "p&1", "SESSION_ID": "s3"}).text
    assert way.open({}).refusal == "link_needed"

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
