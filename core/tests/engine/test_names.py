"""A name means the same wherever it enters: space around it is stripped, hidden characters are
refused, case and composition stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from famulus.cli.grant_files import read_grants
from famulus.data.data_browser import DataBrowser
from famulus.data.filters import make_filter
from famulus.data.qualification_list import holders_of
from famulus.data.scope import find_scope
from famulus.engine.qualifications.bulk_grants import ListedGrant, grant_all, make_workers
from famulus.engine.qualifications.grants import (
    find_qualification,
    grant,
    granted_value,
    make_qualification,
    reset_onboarding,
    revoke,
)
from famulus.engine.qualifications.history import past_work
from famulus.engine.qualifications.worker_handle import (
    find_or_create_qualification,
    find_or_create_worker,
    find_worker,
)
from famulus.engine.requesters import find_requester, register_requester
from famulus.engine.workers import make_worker
from famulus.errors import NotFoundError, UsageError
from famulus.model.database import Database
from famulus.model.tables import (
    GrantedQualificationTable,
    QualificationTable,
    RequesterTable,
    TaskTable,
    WorkerTable,
)
from famulus.names import is_placeholder, read_name
from famulus.options.requirements import QualificationRequirement, make_qualification_dict
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

#: A space, one of Unicode's, a line break: what copying from a table leaves behind.
AROUND = (" {}", "{}\N{NO-BREAK SPACE}", "\N{IDEOGRAPHIC SPACE}{}\r\n", "\t{} ")
HIDDEN = (
    "zo\x1be",
    "zo\x9be",
    "zo\N{ZERO WIDTH SPACE}e",
    "zo\N{RIGHT-TO-LEFT OVERRIDE}e",
    "zo\ud800e",
    "zo\N{LINE SEPARATOR}e",
    "zo\ne",
)


@pytest.fixture
def zoe(operator: ManualOperator, database: Database) -> int:
    """The number of the worker zoe, who has done a unit of the task ``words`` and holds ``q``."""
    gateway = operator.launch_rows([{"n": 1}, {"n": 2}], task_name="words")
    GatewayWorker(gateway, "zoe").work()
    found = find_worker(database, "crowd", "zoe")
    found.grant_qualification("q", 3)
    return found.id


def _find(database: Database, name: str) -> Any:
    return find_worker(database, "crowd", name).id


#: Everything that takes a worker's name; each is done for one that is spelt in another way.
WORKER_ENTRANCES: Mapping[str, Callable[[Database, str], Any]] = {
    "find_worker": _find,
    "find_or_create_worker": lambda db, name: (
        find_or_create_worker(db, "crowd", name, plugins=kit_plugins()).id
    ),
    "make_worker": lambda db, name: db.write(lambda tx: make_worker(tx, "crowd", name)),
    "make_workers": lambda db, name: list(
        db.write(lambda tx: make_workers(tx, "crowd", [name]))[0].values()
    ),
    "grant_all": lambda db, name: (
        grant_all(
            db,
            [ListedGrant(name, db.write(lambda tx: make_qualification(tx, "q")), 3)],
            provider_type="crowd",
            requesters=(),
        ).new_workers
    ),
    "find_scope": lambda db, name: find_scope(db, "words", worker=name).worker,
    "make_filter": lambda db, name: (
        make_filter(db, find_scope(db, "words"), workers=[name]).workers
    ),
}


@pytest.mark.parametrize("entrance", WORKER_ENTRANCES)
def test_space_around_the_name_of_a_worker_is_not_part_of_it(
    entrance: str, database: Database, zoe: int
) -> None:
    expected = WORKER_ENTRANCES[entrance](database, "zoe")

    found = [WORKER_ENTRANCES[entrance](database, each.format("zoe")) for each in AROUND]

    assert found == [expected] * len(AROUND)
    with database.read() as tx:
        assert [row.name for row in tx.rows(WorkerTable.select(WorkerTable.name))] == ["zoe"]


@pytest.mark.parametrize("entrance", WORKER_ENTRANCES)
def test_the_name_of_a_worker_has_no_hidden_characters(
    entrance: str, database: Database, zoe: int
) -> None:
    for name in HIDDEN:
        with pytest.raises(UsageError, match="cannot be seen"):
            WORKER_ENTRANCES[entrance](database, name)


@pytest.mark.parametrize("around", AROUND)
def test_space_around_its_names_does_not_change_an_arrival(
    around: str, operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows([{"n": 1}, {"n": 2}])
    names = {"accept": "first", "place": "here"}
    page = GatewayWorker(gateway, "zoe").arrive("visit", **names)

    spaced = {field: around.format(name) for field, name in names.items()}
    again = GatewayWorker(gateway, around.format("zoe")).arrive(around.format("visit"), **spaced)
    assert again.row == page.row
    # What comes after the attempt's numbers is the query of the address.
    numbers = [each.hidden["famulus_token"].split(".")[:3] for each in (again, page)]
    assert numbers[0] == numbers[1]
    find_worker(database, "crowd", around.format("zoe")).block("")

    assert GatewayWorker(gateway, around.format("zoe")).arrive().refusal == "blocked"
    assert GatewayWorker(gateway, "zoe").arrive().refusal == "blocked"
    assert GatewayWorker(gateway, "Zoe").arrive().row is not None


def test_an_arrival_with_an_invalid_name_gets_no_work(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows([{"n": 1}])

    for name in [*HIDDEN, "", "  ", "z" * 256]:
        assert GatewayWorker(gateway, name).arrive().refusal == "unknown_link"
        assert GatewayWorker(gateway, "zoe").arrive(f"{name} ").refusal == "unknown_link"
        for field in ("accept", "place") if name else ():
            arrived = GatewayWorker(gateway, "zoe").arrive("visit", **{field: name})
            assert arrived.refusal == "unknown_link"
    with database.read() as tx:
        assert tx.row(WorkerTable.select()) is None


def test_an_id_that_was_not_filled_in_gets_a_sentence_instead_of_work(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows([{"n": 1}])

    for name in [
        "undefined",
        " null",
        "None",
        "NaN",
        "[object Object]",
        "${workerId}",
        "{{ worker }}",
        "{{%PROLIFIC_PID%}}",
        "<%= id %>",
        "%%ID%%",
        "...",
        "…",
    ]:
        for page in (
            GatewayWorker(gateway, name).arrive(),
            GatewayWorker(gateway, "zoe").arrive(name),
            GatewayWorker(gateway, "zoe").arrive("visit", accept=name),
            GatewayWorker(gateway, "zoe").arrive("visit", place=name),
        ):
            assert page.refusal == "unknown_link"
            assert "did not name you" in page.text
    with database.read() as tx:
        assert tx.row(WorkerTable.select()) is None


def test_names_that_only_look_like_missing_ones_are_names() -> None:
    assert not any(map(is_placeholder, ["undefinedx", "Nan", "none", "null1", "$x", "A1{B}"]))


#: Everything that takes a qualification's name.
QUALIFICATION_ENTRANCES: Mapping[str, Callable[[Database, int, str], Any]] = {
    "make": lambda db, _, name: db.write(lambda tx: make_qualification(tx, name)),
    "find or create": lambda db, _, name: find_or_create_qualification(db, name),
    "grant": lambda db, zoe, name: db.write(
        lambda tx: grant(tx, worker=zoe, qualification=name, value=3)
    ),
    "handle": lambda db, _, name: (
        find_worker(db, "crowd", "zoe").grant_qualification(name, 3).qualification_name
    ),
    "condition": lambda _, __, name: str(
        QualificationRequirement(qualification_name=name, comparator="Exists")  # type: ignore[arg-type]
    ),
    "condition as a mapping": lambda _, __, name: make_qualification_dict(name, "Exists", None),
    "data browser": lambda db, _, name: [
        each.name for each in DataBrowser(db).get_workers_with_qualification(name)
    ],
}
#: Those that only look it up: an invalid name is not found.
QUALIFICATION_LOOKUPS: Mapping[str, Callable[[Database, int, str], Any]] = {
    "find": lambda db, _, name: db.write(lambda tx: find_qualification(tx, name)),
    "value": lambda db, zoe, name: db.write(
        lambda tx: granted_value(tx, worker=zoe, qualification=name)
    ),
    "handle": lambda db, _, name: find_worker(db, "crowd", "zoe").is_qualified(name),
    "holders": lambda db, _, name: [each.worker.name for each in holders_of(db, name)],
}


@pytest.mark.parametrize(
    "entrance", [*QUALIFICATION_ENTRANCES.values(), *QUALIFICATION_LOOKUPS.values()]
)
def test_space_around_the_name_of_a_qualification_is_not_part_of_it(
    entrance: Callable[[Database, int, str], Any], database: Database, zoe: int
) -> None:
    expected = entrance(database, zoe, "q")

    assert [entrance(database, zoe, each.format("q")) for each in AROUND] == [expected] * 4
    with database.read() as tx:
        assert [row.name for row in tx.rows(QualificationTable.select())] == ["q"]


@pytest.mark.parametrize("entrance", QUALIFICATION_ENTRANCES)
def test_the_name_of_a_qualification_has_no_hidden_characters(
    entrance: str, database: Database, zoe: int
) -> None:
    for name in HIDDEN:
        with pytest.raises(UsageError, match="cannot be seen"):
            QUALIFICATION_ENTRANCES[entrance](database, zoe, name)


@pytest.mark.parametrize("forget", [revoke, reset_onboarding])
def test_revoking_a_qualification_ignores_space_around_the_name(
    forget: Callable[..., bool], database: Database, zoe: int
) -> None:
    assert database.write(lambda tx: forget(tx, worker=zoe, qualification=" q\t"))
    assert find_worker(database, "crowd", "zoe").granted_qualifications() == []


@pytest.mark.parametrize("around", AROUND)
def test_block_and_onboarding_are_those_of_the_name_without_space(
    around: str, operator: ManualOperator, database: Database
) -> None:
    names = {
        "block_qualification": around.format("blocked"),
        "onboarding_qualification": around.format("passed"),
    }
    gateway = operator.launch_rows([{"n": 1}, {"n": 2}], blueprint=names)
    zoe = GatewayWorker(gateway, "zoe")
    zoe.submit(zoe.arrive(), "right")
    assert find_worker(database, "crowd", "zoe").is_qualified("passed")
    assert zoe.arrive("visit").row is not None

    find_worker(database, "crowd", "zoe").grant_qualification("blocked")

    assert zoe.arrive().refusal == "blocked"


def test_a_condition_of_a_configuration_is_that_of_the_name_without_space(
    operator: ManualOperator, database: Database
) -> None:
    find_or_create_qualification(database, "q")
    asked = {"qualification_name": " q ", "comparator": "Exists"}
    gateway = operator.launch_rows([{"n": 1}], qualifications=[asked])
    shared = operator.launch_rows([{"n": 1}], shared={"qualifications": [asked]})

    with database.read() as tx:
        assert [row.name for row in tx.rows(QualificationTable.select())] == ["q"]
    assert GatewayWorker(gateway, "zoe").arrive().refusal == "not_qualified"
    find_worker(database, "crowd", "zoe").grant_qualification("q")

    assert GatewayWorker(gateway, "zoe").arrive().row is not None
    assert GatewayWorker(shared, "zoe").arrive().row is not None


@pytest.mark.parametrize("around", AROUND)
def test_a_task_is_that_of_the_name_without_space(
    around: str, operator: ManualOperator, database: Database, zoe: int
) -> None:
    name = around.format("words")
    operator.launch_rows([{"n": 1}], task_name=name)

    with database.read() as tx:
        assert [row.name for row in tx.rows(TaskTable.select(TaskTable.name))] == ["words"]
    assert find_scope(database, name).task_name == "words"
    assert len(past_work(database, zoe, task=name)) == 1
    with pytest.raises(UsageError, match="cannot be seen"):
        operator.launch_rows([{"n": 1}], task_name="wo\x1brds")
    with pytest.raises(UsageError, match="cannot be seen"):
        find_scope(database, "wo\x1brds")


@pytest.mark.parametrize("around", AROUND)
def test_a_requester_is_that_of_the_name_without_space(around: str, database: Database) -> None:
    plugins = kit_plugins()
    registered = register_requester(database, "crowd", "lab", plugins=plugins)

    again = register_requester(database, "crowd", around.format("lab"), plugins=plugins)

    assert again == registered == find_requester(database, "crowd", around.format("lab"))
    with database.read() as tx:
        assert [row.name for row in tx.rows(RequesterTable.select(RequesterTable.name))] == ["lab"]
    with pytest.raises(UsageError, match="cannot be seen"):
        register_requester(database, "crowd", "l\x07ab", plugins=plugins)


def test_a_list_of_grants_has_names_without_space(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    rows = "".join(f'"{each.format("zoe")}","{each.format("q")}"\n' for each in AROUND)
    path.write_text(f"worker,qualification\n{rows}", encoding="utf-8", newline="")

    assert {(row.worker, row.qualification) for row in read_grants(path, None)} == {("zoe", "q")}

    path.write_text("worker,qualification\nzo\x1be,q\nzoe,q\u200b\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_grants(path, None)
    assert [(each.line, "cannot be seen" in each.message) for each in caught.value.problems] == [
        (2, True),
        (3, True),
    ]


def test_case_and_composition_stay_as_they_are(
    operator: ManualOperator, database: Database
) -> None:
    spellings = ["zo\u00eb", "zoe\u0308", "ZO\u00cb"]
    gateway = operator.launch_rows([{"n": number} for number in range(3)])

    pages = [GatewayWorker(gateway, name).arrive("visit") for name in spellings]

    assert len({str(page.row) for page in pages}) == 3
    assert [find_worker(database, "crowd", name).name for name in spellings] == spellings
    assert read_name(" ZOE ", "worker") == "ZOE"


def test_no_worker_is_found_by_a_name_that_differs_in_case(database: Database, zoe: int) -> None:
    with pytest.raises(NotFoundError):
        find_worker(database, "crowd", "Zoe")
    with database.read() as tx:
        assert tx.row(GrantedQualificationTable.select()) is not None
