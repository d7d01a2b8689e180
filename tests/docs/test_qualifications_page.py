"""The page's table matches the program, and its code runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import famulus
from famulus.cli.program import program
from famulus.engine.gateway import Gateway
from famulus.options.requirements import Comparator, requirement
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import CrowdProvider, RowsState

PAGE = (Path(__file__).resolve().parents[2] / "docs/how-to/qualifications.md").read_text("utf-8")
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = re.findall(r"^    (famulus .*)$", PAGE, re.MULTILINE)
#: constant, comparator, value, and whether no grant, 0, 1 and 5 meet it
TABLE = re.findall(
    r"^\| `(QUAL_\w+)` \| `(\w+)` \| (.+?) \| " + r"(\w+) \| " * 3 + r"(\w+) \|$",
    PAGE,
    re.MULTILINE,
)
HELD: list[dict[str, int]] = [{}, {"q": 0}, {"q": 1}, {"q": 5}]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_table_matches_the_program(row: tuple[str, ...]) -> None:
    constant, text, value, *expected = row
    asked = {
        "qualification_name": "q",
        "comparator": text,
        "value": None if value == "None" else yaml.safe_load(value),
    }

    assert getattr(famulus, constant) == text
    assert [requirement(asked).met_by(held) for held in HELD] == [
        word == "yes" for word in expected
    ]


def test_table_has_every_comparator() -> None:
    assert sorted(text for _, text, *_ in TABLE) == sorted(Comparator)


class Mock(CrowdProvider):
    """Any worker, under the name that the page uses."""

    type = "mock"


class Mturk(CrowdProvider):
    """Has qualifications of its own."""

    type = "mturk"
    capabilities = famulus.Capabilities(qualifications=True)


class Crowds:
    @famulus.hookimpl
    def famulus_register_providers(self) -> list[type[famulus.Provider]]:
        return [Mock, Mturk]


@pytest.fixture
def manual(database: famulus.Database) -> Iterator[ManualOperator]:
    with ManualOperator(database, plugins=kit_plugins(crowds=Crowds())) as operator:
        assert isinstance(operator, ManualOperator)
        yield operator


def launch(manual: ManualOperator, state: RowsState, **options: Any) -> Gateway:
    return manual.launch_rows(
        [{"n": 1}], shared={"qualifications": state.qualifications}, provider="mock", **options
    )


def come(manual: ManualOperator, *names: str) -> None:
    """Have workers come once."""
    gateway = launch(manual, RowsState())
    for name in names:
        GatewayWorker(gateway, name).give_back(GatewayWorker(gateway, name).arrive())


def test_a_qualification_of_ones_own(manual: ManualOperator, database: famulus.Database) -> None:
    come(manual, "x")
    names: dict[str, Any] = {"database": database, "shared_state": RowsState()}
    exec(CODE[0], names)

    gateway = launch(manual, names["shared_state"])

    assert GatewayWorker(gateway, "x").arrive().refusal == "not_qualified"
    famulus.find_worker(database, "mock", "x").grant_qualification("MY_QUALIFICATION_NAME", 2)
    assert GatewayWorker(gateway, "x").arrive().row == {"n": 1}


def test_an_allow_list_and_a_block_list(manual: ManualOperator, database: famulus.Database) -> None:
    pilot = manual.launch_rows([{"n": 1}, {"n": 2}], task_name="words", provider="mock")
    for name, answer in (("x", "a good answer"), ("y", "a bad one")):
        GatewayWorker(pilot, name).work(answer)
    names: dict[str, Any] = {"database": database, "shared_state": RowsState()}
    exec(CODE[1], names)

    gateway = launch(manual, names["shared_state"])
    found = [GatewayWorker(gateway, each).arrive().refusal for each in "xyz"]

    assert found == [None, "not_qualified", "not_qualified"]


def test_people_who_have_never_come(manual: ManualOperator, database: famulus.Database) -> None:
    names: dict[str, Any] = {"database": database, "shared_state": RowsState()}
    exec(CODE[2], names)

    gateway = launch(manual, names["shared_state"])
    found = [GatewayWorker(gateway, each).arrive().refusal for each in ("zoe", "yuri", "x")]

    # There is one unit.
    assert found == [None, "nothing_left", "not_qualified"]


def test_those_who_have_not_failed_an_onboarding(
    manual: ManualOperator, database: famulus.Database
) -> None:
    onboarding = launch(
        manual, RowsState(), blueprint={"onboarding_qualification": "TEST_ONBOARDING_QUAL_NAME"}
    )
    for name, answer in (("x", "right"), ("y", "wrong")):
        GatewayWorker(onboarding, name).submit(GatewayWorker(onboarding, name).arrive(), answer)
    names: dict[str, Any] = {"shared_state": RowsState()}
    passed, failed = CODE[3].split("# A worker must not")
    exec(passed, names)
    for_passed = launch(manual, names["shared_state"])
    exec("# " + failed, names)
    for_not_failed = launch(manual, names["shared_state"])

    assert [GatewayWorker(for_passed, each).arrive().refusal for each in "xyz"] == [
        None,
        "not_qualified",
        "not_qualified",
    ]
    assert [GatewayWorker(for_not_failed, each).arrive().refusal for each in "yz"] == [
        "not_qualified",
        None,
    ]


def test_a_providers_own_qualifications(manual: ManualOperator) -> None:
    names: dict[str, Any] = {"shared_state": RowsState(rows=[{"n": 1}])}
    exec(CODE[4], names)
    configuration = {
        "defaults": [{"blueprint": "rows"}, {"architect": "nowhere"}, {"provider": "mturk"}],
        "task": {"task_title": "A", "task_description": "B", "task_reward": "0"},
    }

    plan = manual.check(configuration, shared_state=names["shared_state"]).plan

    (given,) = plan.shared_state.specific_qualifications["mturk"]
    assert given["IntegerValues"] == [1000]


def test_every_block_of_code_is_run_above() -> None:
    assert len(CODE) == 5


def test_the_configurations_are_valid() -> None:
    text, specific = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)

    given = yaml.safe_load(specific)["provider"]["specific_qualifications"]
    names: dict[str, Any] = {"shared_state": famulus.SharedTaskState()}
    exec(CODE[4], names)
    assert given == vars(names["shared_state"])["mturk_specific_qualifications"]

    for entry in yaml.safe_load(text)["task"]["qualifications"]:
        requirement(entry)


def test_the_commands_do_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workers.csv").write_text("worker\nx\ny\n", encoding="utf-8")
    runner = CliRunner(env={"FAMULUS_DATABASE": str(tmp_path / "famulus.db")})
    with famulus.Database(tmp_path / "famulus.db") as database:
        famulus.find_or_create_qualification(database, "TEST_ONBOARDING_QUAL_NAME")

    for command in COMMANDS:
        if "refused" in command:
            continue
        done = runner.invoke(program, shlex.split(command)[1:], prog_name="famulus")
        assert done.exit_code == 0, f"{command}: {done.output}"
