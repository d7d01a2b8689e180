"""``famulus qualifications`` and ``famulus workers``: what they print, change and refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result

import famulus as api
from famulus.model.database import Database
from famulus.model.tables import OutboxTable, RequesterTable
from famulus.operate import account_delivery
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

Famulus = Callable[..., Result]


@pytest.fixture
def opened(database_file: Path) -> Iterator[Database]:
    with Database(database_file) as database:
        yield database


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> FakePlatform:
    """A platform with qualifications whose provider ``paying`` is all that is installed."""
    platform = FakePlatform()
    bring = PlatformPlugin(platform.provider(qualifications=True))
    for module in ("provider_choice", "commands.sync"):
        monkeypatch.setattr(f"famulus.cli.{module}.discover", lambda: kit_plugins(platform=bring))
    return platform


@pytest.fixture
def requester(opened: Database, platform: FakePlatform) -> None:
    """The platform's one account."""
    opened.write(
        lambda tx: tx.insert(RequesterTable, provider_type="paying", name="lab", created_at=tx.now)
    )


def good(done: Result) -> list[str]:
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


@pytest.mark.usefixtures("empty_database")
def test_no_qualifications_is_a_hint(famulus: Famulus) -> None:
    done = famulus("qualifications", "list")

    assert good(done) == []
    assert "qualifications create NAME` makes one" in done.stderr


def test_creating_listing_granting_and_revoking(famulus: Famulus) -> None:
    good(famulus("qualifications", "create", "good", "--description", "Did well"))
    assert good(famulus("qualifications", "create", "good")) == [
        "There is a qualification good already."
    ]
    assert good(
        famulus("qualifications", "grant", "good", "x", "y", "--value", 3, "--provider", "mock")
    ) == ["good is 3 for 2 workers of mock; 2 of them new here."]
    # From now on there is only one crowd in this database.
    assert good(famulus("qualifications", "revoke", "good", "x")) == ["Took good from 1 worker."]
    assert good(famulus("qualifications", "revoke", "good", "x")) == ["1 worker did not have good."]

    (listed,) = json.loads(famulus("qualifications", "list", "--json").stdout)
    assert (listed["name"], listed["holders"], listed["description"]) == ("good", 1, "Did well")
    head, line = good(famulus("qualifications", "workers", "good"))
    assert head.split() == ["WORKER", "PROVIDER", "VALUE", "GRANTED"]
    assert line.split()[:3] == ["y", "mock", "3"]
    (holder,) = json.loads(famulus("qualifications", "workers", "good", "--json").stdout)
    assert (holder["worker"], holder["value"]) == ("y", 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("grant", "god", "x"), "there is no qualification 'god'; did you mean 'good'?"),
        (("grant", "good", "x", "--value", 2**31), "2147483648 is not from"),
        (("grant", "good", ""), "worker: is empty"),
        (("grant", "good", "x", "--provider", "mok"), "no provider 'mok'; did you mean 'mock'?"),
        (("grant", "good", "x", "--requester", "lab"), "no requester 'lab' of mock"),
        (("revoke", "good", "z"), "there is no worker 'z' of mock"),
        (("workers", "god"), "there is no qualification 'god'"),
        (("reset-onboarding", "good", "z"), "there is no worker 'z' of mock"),
        (("create", "go\x1bod"), "cannot be seen (U+001B)"),
        (("grnt", "good"), "No such command 'grnt'"),
    ],
)
def test_an_error_is_one_line_and_changes_nothing(
    famulus: Famulus, arguments: tuple[object, ...], message: str
) -> None:
    good(famulus("qualifications", "create", "good"))
    good(famulus("qualifications", "grant", "good", "x", "--provider", "mock"))

    done = famulus("qualifications", *arguments)

    assert done.exit_code == 2
    assert message in done.stderr
    assert len(json.loads(famulus("qualifications", "workers", "good", "--json").stdout)) == 1


def test_a_crowd_has_to_be_named_where_there_are_several(famulus: Famulus) -> None:
    good(famulus("qualifications", "create", "good"))

    done = famulus("qualifications", "grant", "good", "x")

    assert done.exit_code == 2
    assert "--provider: name the provider of the workers: links, mock, mturk" in done.stderr


def test_a_worker_of_one_crowd_is_found_among_several(famulus: Famulus) -> None:
    for name, crowd in (("x", "mock"), ("y", "mturk"), ("both", "mock"), ("both", "mturk")):
        good(famulus("workers", "block", name, "--provider", crowd))

    shown = good(famulus("workers", "show", " y "))
    several, unknown = famulus("workers", "show", "both"), famulus("workers", "show", "z")

    assert shown[0].split() == ["Worker", "y", "of", "mturk"]
    forgotten = famulus("workers", "forget", "both", "--yes")
    for refused in (several, forgotten):
        assert refused.exit_code == 2
        assert "'both' may be one of both of mock, both of mturk; name the id" in refused.stderr
    assert unknown.exit_code == 2
    assert "there is no worker 'z' of mock or mturk" in unknown.stderr
    assert good(famulus("workers", "forget", "x", "--yes"))
    assert famulus("workers", "show", "x", "--provider", "mock").exit_code == 2


def test_a_list_is_imported_whole(famulus: Famulus, tmp_path: Path) -> None:
    good(famulus("qualifications", "create", "good"))
    file = tmp_path / "list.csv"
    rows = "".join(f"w{number},{number % 3}\n" for number in range(3000))
    file.write_text(f"\ufeffWorker ID,value\r\n{rows}", encoding="utf-8")
    arguments = ("qualifications", "import", file, "good", "--provider", "mock")

    assert good(famulus(*arguments)) == [
        "The file has 3,000 grants to workers of mock; 3,000 of them new here."
    ]
    assert good(famulus(*arguments)) == [
        "The file has 3,000 grants to workers of mock; 3,000 of them had it already."
    ]
    assert len(good(famulus("qualifications", "workers", "good"))) == 3001


def test_a_list_may_name_its_qualifications_and_create_them(
    famulus: Famulus, opened: Database, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("worker,qualification\nx,one\nx,two\n\ny,two\n", encoding="utf-8")
    arguments = ("qualifications", "import", file, "--provider", "mock")

    lacking = famulus(*arguments)
    assert lacking.exit_code == 2
    assert "there is no qualification 'one'" in lacking.stderr
    assert "there is no qualification 'two'" in lacking.stderr

    good(famulus(*arguments, "--create"))
    held = api.find_worker(opened, "mock", "x").granted_qualifications()
    assert [each.qualification_name for each in held] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", ["list.csv:1: is empty: its first line must name the columns"]),
        ("A1\nA2\n", ["list.csv:1: there is no column 'worker'; there are: a1"]),
        ("worker;value\nx;1\n", ["list.csv:1: the separator looks like ';'"]),
        (
            'value,worker\n1, "x"\n',
            ["list.csv:2: worker: a quote after a space does not begin a quoted value"],
        ),
        ("worker,valu\n", ["list.csv:1: unknown column 'valu'; did you mean 'value'?"]),
        (
            "worker,value\nx,1\ny,z\n,1\na,1,2\nx,2\n",
            [
                "list.csv:3: the value 'z' is not a whole number",
                "list.csv:4: has no worker",
                "list.csv:5: has 3 cells for 2 columns",
                "list.csv:6: x has 2 here and 1 on line 2",
            ],
        ),
        ("worker,qualification\nx,good\n", ["list.csv:1: has a column qualification, but 'good'"]),
        ("worker\n" + "\n".join('"a\tb"' for _ in range(30)), ["list.csv: and 10 more"]),
        ('worker\n"x\n', ["list.csv:2: opens a quote that is never closed"]),
    ],
)
def test_a_list_with_a_fault_grants_nothing(
    famulus: Famulus, tmp_path: Path, text: str, messages: list[str]
) -> None:
    good(famulus("qualifications", "create", "good"))
    file = tmp_path / "list.csv"
    file.write_text(text, encoding="utf-8")

    done = famulus("qualifications", "import", file, "good", "--provider", "mock")

    assert done.exit_code == 2
    for message in messages:
        assert message in done.stderr
    assert good(famulus("qualifications", "workers", "good")) == []


def test_a_list_that_is_not_utf8_is_refused(famulus: Famulus, tmp_path: Path) -> None:
    good(famulus("qualifications", "create", "good"))
    file = tmp_path / "list.csv"
    file.write_bytes("worker\nJürgen\n".encode("latin-1"))

    done = famulus("qualifications", "import", file, "good", "--provider", "mock")

    assert (done.exit_code, "is not UTF-8" in done.stderr) == (2, True)


@pytest.mark.usefixtures("requester")
def test_every_change_is_sent_to_the_platform(famulus: Famulus, platform: FakePlatform) -> None:
    good(famulus("qualifications", "create", "good"))

    printed = good(famulus("qualifications", "grant", "good", "x", "y"))
    assert printed[1:] == ["Sent 2 changes to paying."]
    assert platform.qualifications == {("x", "good"): 1, ("y", "good"): 1}

    printed = good(famulus("qualifications", "revoke", "good", "x"))
    assert printed[1:] == ["Sent 1 change to paying."]
    assert platform.qualifications == {("y", "good"): 1}
    assert len(good(famulus("qualifications", "grant", "good", "y"))) == 1


@pytest.mark.usefixtures("requester")
def test_a_change_that_cannot_be_sent_yet_is_reported_and_sent_later(
    famulus: Famulus, platform: FakePlatform, opened: Database
) -> None:
    good(famulus("qualifications", "create", "good"))
    platform.faults = [Fault.THROTTLED]

    done = famulus("qualifications", "grant", "good", "x")

    assert good(done) == ["good is 1 for 1 worker of paying; 1 of them new here."]
    assert "1 change could not be sent to paying yet (throttled)" in done.stderr
    assert api.find_worker(opened, "paying", "x").is_qualified("good")


@pytest.mark.usefixtures("requester")
@pytest.mark.parametrize(
    ("fault", "printed"),
    [
        (Fault.THROTTLED, ["throttled"]),
        (Fault.REFUSED, ["the balance is too low", "Reported 1 change to the platform."]),
    ],
)
def test_a_sync_of_the_accounts_prints_what_it_could_not_send(
    famulus: Famulus, platform: FakePlatform, fault: Fault, printed: list[str]
) -> None:
    good(famulus("qualifications", "create", "good"))
    platform.faults = [fault, fault]
    famulus("qualifications", "grant", "good", "x")

    (first, *others) = good(famulus("sync"))

    left = "qualifications or blocks could not be sent to paying as lab: "
    assert [first, *others] == [left + printed[0], *printed[1:]]
    assert good(famulus("sync")) == ["Reported 1 change to the platform."]
    assert good(famulus("sync")) == ["Nothing to report."]


@pytest.mark.usefixtures("requester")
def test_a_change_that_an_operator_is_sending_is_no_failure(
    famulus: Famulus, platform: FakePlatform, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(famulus("qualifications", "create", "good"))

    def claimed_by_an_operator(database: Database, *_: object) -> int:
        database.write(
            lambda tx: tx.execute(
                OutboxTable.update(claimed_until=tx.now + timedelta(minutes=1), claimed_by="1@vm")
            )
        )
        return 0

    monkeypatch.setattr(account_delivery, "deliver_requester", claimed_by_an_operator)
    done = famulus("qualifications", "grant", "good", "x")

    assert done.stderr == "The operator of a run is sending 1 change to paying.\n"
    assert "could not be sent" not in done.output


@pytest.mark.usefixtures("requester")
def test_a_refusal_of_the_platform_is_reported(famulus: Famulus, platform: FakePlatform) -> None:
    good(famulus("qualifications", "create", "good"))
    platform.faults = [Fault.REFUSED]

    done = famulus("qualifications", "grant", "good", "x")

    assert "paying has refused 1 change, now in effect only here: the balance" in done.stderr


@pytest.mark.usefixtures("requester")
def test_one_of_several_requesters_has_to_be_named(
    famulus: Famulus, platform: FakePlatform, opened: Database
) -> None:
    opened.write(
        lambda tx: tx.insert(
            RequesterTable, provider_type="paying", name="office", created_at=tx.now
        )
    )
    good(famulus("qualifications", "create", "good"))

    done = famulus("qualifications", "grant", "good", "x")
    assert done.exit_code == 2
    assert "--requester: name the requester of paying that is meant: lab, office" in done.stderr

    good(famulus("qualifications", "grant", "good", "x", "--requester", "office"))
    assert platform.calls == ["grant"]


@pytest.mark.usefixtures("requester")
def test_a_block_is_sent_to_the_platform_only_on_request(
    famulus: Famulus, platform: FakePlatform
) -> None:
    assert good(famulus("workers", "block", "x", "--reason", "spam")) == [
        "Blocked 1 worker of paying."
    ]
    assert platform.calls == []
    assert good(famulus("workers", "block", "x", "--on-platform")) == [
        "1 worker is blocked already.",
        "Sent 1 change to paying.",
    ]
    assert platform.blocked == {"x"}
    assert "spam" in famulus("workers", "show", "x").stdout

    good(famulus("workers", "unblock", "x", "--on-platform"))
    assert platform.blocked == set()
    assert good(famulus("workers", "unblock", "x")) == ["1 worker is not blocked."]


@pytest.fixture
def manual(opened: Database) -> Iterator[ManualOperator]:
    operator = ManualOperator(opened, plugins=kit_plugins())
    with operator:
        yield operator


@pytest.mark.usefixtures("platform")
def test_a_worker_is_shown_with_history_and_statistics(
    famulus: Famulus, manual: ManualOperator, opened: Database
) -> None:
    gateway = manual.launch_rows([{"n": n} for n in range(4)], task_name="words")
    worker = GatewayWorker(gateway, "x")
    worker.work()
    worker.give_back(worker.arrive())
    worker.work()
    worker.arrive()
    api.find_worker(opened, "crowd", "x").grant_qualification("good", 3)

    lines = good(famulus("workers", "show", "x"))
    shown = json.loads(famulus("workers", "show", "x", "--json").stdout)

    assert lines[0].split() == ["Worker", "x", "of", "crowd"]
    assert any(line.split()[:2] == ["good", "3"] for line in lines)
    assert any("  1 at work, 2 completed, 1 returned" in line for line in lines)
    assert shown["tasks"] == {"words": {"in_task": 1, "completed": 2, "returned": 1}}
    assert [each["status"] for each in shown["submissions"]] == ["completed", "completed"]
    assert shown["qualifications"][0]["value"] == 3
    assert shown["blocked"] is False


@pytest.mark.usefixtures("platform")
def test_a_worker_blocked_before_they_ever_came_is_refused(
    famulus: Famulus, manual: ManualOperator
) -> None:
    gateway = manual.launch_rows([{"n": 1}])
    good(famulus("workers", "block", "never-seen", "--provider", "crowd"))

    assert GatewayWorker(gateway, "never-seen").arrive().refusal == "blocked"


@pytest.mark.usefixtures("platform")
def test_refused_workers_are_listed_with_the_reason(
    famulus: Famulus, manual: ManualOperator
) -> None:
    gateway = manual.launch_rows([{"n": 1}], blueprint={"block_qualification": "bad"})
    assert good(famulus("workers", "refused", gateway.run_id)) == []
    good(famulus("qualifications", "grant", "bad", "x", "--provider", "crowd"))
    GatewayWorker(gateway, "x").arrive()

    head, line = good(famulus("workers", "refused", gateway.run_id))
    (shown,) = json.loads(famulus("workers", "refused", gateway.run_id, "--json").stdout)

    assert head.split() == ["WORKER", "AT", "REASON", "REFUSED", "BY"]
    assert line.split()[0] == "x"
    assert line.endswith("blocked  bad DoesNotExist")
    assert (shown["worker"], shown["reason"], shown["by"]) == ("x", "blocked", "bad DoesNotExist")
    assert famulus("workers", "refused", 99).exit_code == 2


@pytest.mark.usefixtures("platform")
def test_an_onboarding_is_reset_from_the_command_line(
    famulus: Famulus, manual: ManualOperator
) -> None:
    gateway = manual.launch_rows([{"n": 1}], blueprint={"onboarding_qualification": "trained"})
    worker = GatewayWorker(gateway, "x")
    worker.submit(worker.arrive(), "wrong")

    assert good(famulus("qualifications", "reset-onboarding", "trained", "x")) == [
        "x repeats it at the next visit."
    ]
    assert good(famulus("qualifications", "reset-onboarding", "trained", "x")) == [
        "x had neither passed nor failed it."
    ]
    assert worker.submit(worker.arrive(), "right").row == {"n": 1}


@pytest.mark.usefixtures("empty_database")
def test_unknown_worker_is_a_line(famulus: Famulus) -> None:
    done = famulus("workers", "show", "nobody", "--provider", "mock")

    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "there is no worker 'nobody' of mock" in done.stderr
