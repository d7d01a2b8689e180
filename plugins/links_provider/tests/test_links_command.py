"""famulus links: making, listing and revoking links."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from famulus import Database, Gateway
from famulus.testing import GatewayTransport, run_command
from famulus_links.command import links

Launch = Callable[..., Gateway]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


@pytest.fixture
def done(begin: Callable[..., Any], answer: Callable[..., Any]) -> Callable[..., None]:
    """A function that answers one unit by a link that was not used yet."""

    def done(gateway: Gateway, address: str) -> None:
        assert answer(gateway, begin(gateway, query_of(address))).outcome == "stored"

    return done


@pytest.fixture
def famulus_links(database_address: str) -> Callable[..., Any]:
    """A function that runs the command and returns its output."""
    return lambda *words: run_command(links, *words, database=database_address)


@pytest.fixture
def make(
    famulus_links: Callable[..., Any], people: Path, tmp_path: Path
) -> Callable[..., list[dict[str, str]]]:
    """A function that makes the links of the list of people and returns the rows written."""

    def make(run: int, *words: object) -> list[dict[str, str]]:
        made = famulus_links("make", people, run, "-o", tmp_path / "links.csv", *words)
        assert made.exit_code == 0, made.output
        return table(tmp_path / "links.csv")

    return make


def test_make_writes_a_link_for_each_person_which_only_the_owner_can_read(
    launch: Launch, make: Callable[..., Any], tmp_path: Path, done: Callable[..., None]
) -> None:
    gateway = launch()

    rows = make(gateway.run_id)

    assert [(row["name"], row["email"], row["group"]) for row in rows] == [
        ("Anna Berg", "anna@lab.example", "a"),
        ("Bo", "", "b"),
    ]
    assert all(row["link"].startswith("https://tasks.example/?link=") for row in rows)
    assert (tmp_path / "links.csv").stat().st_mode & 0o777 == 0o600
    for row in rows:
        done(gateway, row["link"])


def test_make_again_gives_the_same_links_with_other_limits(
    launch: Launch, make: Callable[..., Any], database: Database, done: Callable[..., None]
) -> None:
    gateway = launch()
    first = make(gateway.run_id)

    again = make(gateway.run_id, "--uses", 1)

    assert again == first
    done(gateway, first[0]["link"])
    query = query_of(first[0]["link"])
    assert GatewayTransport(gateway).open({**query, "visit": "2"}).refusal == "link_used_up"


def test_person_is_recognized_by_their_address_however_it_is_written(
    launch: Launch, make: Callable[..., Any], people: Path
) -> None:
    gateway = launch()
    [first, _] = make(gateway.run_id)
    people.write_text("email,name\n ANNA@lab.example ,Anna B.\nAnna@Lab.example,Anna C.\n")

    [again] = make(gateway.run_id)

    assert (again["link"], again["name"]) == (first["link"], "Anna C.")


def test_qr_codes_are_png_files_of_the_links(
    launch: Launch, make: Callable[..., Any], tmp_path: Path
) -> None:
    gateway = launch()

    rows = make(gateway.run_id, "--qr", tmp_path / "qr")

    files = sorted((tmp_path / "qr").iterdir())
    assert [file.name for file in files] == [
        f"{number:04}-{row['worker']}.png" for number, row in enumerate(rows, 1)
    ]
    assert {file.read_bytes()[:8] for file in files} == {b"\x89PNG\r\n\x1a\n"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_list_shows_who_has_come_and_who_is_to_be_reminded(
    launch: Launch,
    make: Callable[..., Any],
    famulus_links: Callable[..., Any],
    tmp_path: Path,
    done: Callable[..., None],
) -> None:
    gateway = launch()
    rows = make(gateway.run_id)
    done(gateway, rows[0]["link"])

    listed = json.loads(famulus_links("list", gateway.run_id, "--json").stdout)
    waiting = famulus_links("list", gateway.run_id, "--waiting")
    famulus_links("list", gateway.run_id, "--waiting", "--csv", tmp_path / "remind.csv")

    assert [(each["name"], each["state"], each["answers"]) for each in listed] == [
        ("Anna Berg", "answered", 1),
        ("Bo", "waiting", 0),
    ]
    assert [line.split()[0] for line in waiting.stdout.splitlines()] == ["NAME", "Bo"]
    assert "link=" not in waiting.stdout
    assert [row["link"] for row in table(tmp_path / "remind.csv")] == [rows[1]["link"]]
    assert (tmp_path / "remind.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("who", ["ANNA@lab.example", "anna  berg", "worker", "link"])
def test_revoke_finds_a_person_by_what_is_known_of_them(
    launch: Launch,
    make: Callable[..., Any],
    famulus_links: Callable[..., Any],
    who: str,
    done: Callable[..., None],
) -> None:
    gateway = launch()
    [anna, bo] = make(gateway.run_id)

    revoked = famulus_links("revoke", gateway.run_id, anna.get(who, who))
    again = famulus_links("revoke", gateway.run_id, anna.get(who, who))

    assert revoked.stdout == "Revoked 1 link.\n"
    assert again.stdout == "Nothing to revoke: 1 link was revoked already.\n"
    query = query_of(anna["link"])
    assert GatewayTransport(gateway).open(query).refusal == "link_revoked"
    done(gateway, bo["link"])
    assert [
        row["link"] == old["link"]
        for row, old in zip(make(gateway.run_id), (anna, bo), strict=True)
    ] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://localhost:3000/", True),
        ("http://127.0.0.2/", True),
        ("http://[::1]:3000/", True),
        ("http://0.0.0.0:3000/", True),
        ("https://tasks.example/", False),
        ("http://192.168.0.7:3000/", False),
    ],
)
def test_links_that_only_this_machine_can_open_come_with_a_warning(
    operator: Any,
    famulus_links: Callable[..., Any],
    people: Path,
    tmp_path: Path,
    url: str,
    is_local: bool,
) -> None:
    run = operator.launch_rows([{"n": 1}], provider="links", public_url=url).run_id

    made = famulus_links("make", people, run, "-o", tmp_path / "links.csv")
    opened = famulus_links("open", run)

    for done in (made, opened):
        assert done.exit_code == 0
        assert (f"warning: the links begin with {url}" in done.stderr) is is_local
        assert ("architect.public_url" in done.stderr) is is_local


def test_revoke_of_an_unknown_person_revokes_none(
    launch: Launch,
    make: Callable[..., Any],
    famulus_links: Callable[..., Any],
    done: Callable[..., None],
) -> None:
    gateway = launch()
    [_, bo] = make(gateway.run_id)

    refused = famulus_links("revoke", gateway.run_id, "Bo", "Boo")

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "no link of 'Boo'" in refused.stderr
    done(gateway, bo["link"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "people.csv:1: no column name or email"),
        ("group\na\n", "people.csv:1: no column name or email"),
        ("name,emial\nAnna,a@b\n", "people.csv:1: unknown column 'emial'"),
        ("name;email\nAnna;a@b\n", "name the columns, separated by commas: name or email"),
        ("name\nBerg, Anna\n", "people.csv:2: has 2 cells for 1 columns"),
        ("name\n", "names no person"),
        ("name,group\n,a\n", "people.csv:2: has neither a name nor an e-mail address"),
        ("email\nanna\n", "people.csv:2: email: 'anna' is not an e-mail address"),
        (f"name\n{'x' * 256}\n", "people.csv:2: name: has more than 255 characters"),
        ('name\n"Anna\n', "is not CSV in UTF-8 (unexpected end of data); save it as UTF-8, which"),
    ],
)
def test_list_that_is_wrong_makes_no_link(
    launch: Launch,
    people: Path,
    famulus_links: Callable[..., Any],
    tmp_path: Path,
    content: str,
    message: str,
) -> None:
    gateway = launch()
    people.write_text(content)

    refused = famulus_links("make", people, gateway.run_id, "-o", tmp_path / "links.csv")

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert message in refused.stderr
    assert not (tmp_path / "links.csv").exists()
    assert famulus_links("list", gateway.run_id).stdout == ""


def test_links_end_with_their_run_and_are_for_this_provider_only(
    operator: Any, launch: Launch, people: Path, famulus_links: Callable[..., Any], tmp_path: Path
) -> None:
    finished = launch().run_id
    operator.finish(finished)
    other = operator.launch_rows([{"n": 1}]).run_id

    for run, message in (
        (finished, "is finished, and links lead to runs that are open"),
        (other, "come from the provider crowd"),
        (999, "there is no run 999"),
    ):
        refused = famulus_links("make", people, run, "-o", tmp_path / "links.csv")
        assert (refused.exit_code, message in refused.stderr) == (2, True), refused.stderr


def test_list_of_a_run_that_has_ended_has_no_one_to_remind(
    operator: Any,
    launch: Launch,
    make: Callable[..., Any],
    famulus_links: Callable[..., Any],
    done: Callable[..., None],
) -> None:
    gateway = launch()
    [anna, _] = make(gateway.run_id)
    famulus_links("open", gateway.run_id)
    done(gateway, anna["link"])
    operator.finish(gateway.run_id)

    listed = json.loads(famulus_links("list", gateway.run_id, "--json").stdout)
    waiting = famulus_links("list", gateway.run_id, "--waiting")

    assert [each["state"] for each in listed] == ["answered", "ended", "ended"]
    assert waiting.stdout == ""


@pytest.mark.parametrize("moment", ["2001-02-03", "2001-02-03T10:00+01:00", "tomorrow"])
def test_expiry_is_a_time_to_come(
    launch: Launch, people: Path, famulus_links: Callable[..., Any], tmp_path: Path, moment: str
) -> None:
    gateway = launch()

    refused = famulus_links(
        "make", people, gateway.run_id, "-o", tmp_path / "a.csv", "--expires", moment
    )

    assert refused.exit_code == 2
    assert "--expires" in refused.stderr


def test_name_that_a_spreadsheet_would_run_is_written_as_text(
    launch: Launch, make: Callable[..., Any], people: Path
) -> None:
    gateway = launch()
    people.write_text("name\n=1+1\n")

    [row] = make(gateway.run_id)

    assert row["name"] == "'=1+1"
