"""``famulus review`` and ``famulus examine``: arguments, files, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner, Result

from famulus.cli import confirm
from famulus.cli.commands import review as review_command
from famulus.cli.program import program
from famulus.engine.ledger.decisions import decide
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.model.tables import OutboxTable, UnitTable
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import CrowdProvider

Famulus = Callable[..., Result]


@pytest.fixture(autouse=True)
def four_units(database_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task ``words``: two rows, done by ``x`` and by ``y``."""
    monkeypatch.setattr(review_command, "discover", kit_plugins)
    with Database(database_file) as database:
        operator = ManualOperator(database, plugins=kit_plugins())
        with operator:
            gateway = operator.launch_rows(
                [{"n": 1}, {"n": 2}], task_name="words", blueprint={"units_per_assignment": 2}
            )
            for name in ("x", "x", "y", "y"):
                GatewayWorker(gateway, name).work(f"by {name}")


def statuses(database_file: Path) -> list[str]:
    with Database(database_file) as database, database.read() as tx:
        return [
            row.status.value
            for row in tx.rows(UnitTable.select(UnitTable.status).order_by(UnitTable.id))
        ]


def test_everything_is_accepted_once(famulus: Famulus, database_file: Path) -> None:
    first = famulus("review", "words", "--accept-all")
    again = famulus("review", "words", "--accept-all")

    assert (first.exit_code, first.output) == (0, "Accepted 4 units of words.\n")
    assert (again.exit_code, again.output) == (0, "No unit of words is up for review.\n")
    assert statuses(database_file) == ["accepted"] * 4


def test_only_the_units_of_one_worker_are_accepted(famulus: Famulus, database_file: Path) -> None:
    result = famulus("review", "words", "--accept-all", "--worker", "y")

    assert result.output == "Accepted 2 units of words.\n"
    assert sorted(statuses(database_file)) == ["accepted", "accepted", "completed", "completed"]


def test_a_file_replaces_the_reason_that_an_earlier_review_has_left_unsent(
    famulus: Famulus, database_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "decisions.csv"
    with Database(database_file) as database, database.read() as tx:
        unit = tx.rows(UnitTable.select(UnitTable.id).order_by(UnitTable.id))[0].id
    with Database(database_file) as database:
        database.write(lambda tx: decide(tx, unit, Decision.REJECTED, note="the old reason"))

    file.write_text(f"unit,decision,note\n{unit},rejected,the new reason\n")
    replaced = famulus("review", "words", "--from-csv", file)
    file.write_text(f"unit,decision,note\n{unit},rejected,a third reason\n")
    too_late = famulus("review", "words", "--from-csv", file)

    assert (replaced.exit_code, replaced.output) == (0, "Decided on 1 unit: 1 rejected.\n")
    assert too_late.exit_code == 2
    assert too_late.stderr.endswith(
        f"the rejection of unit {unit} was sent to the platform with the reason 'the new reason', "
        "which can no longer change\n"
    )
    verdicts = OutboxTable.select().where(OutboxTable.kind == "decide")
    with Database(database_file) as database, database.read() as tx:
        assert [row.payload["note"] for row in tx.rows(verdicts)] == ["the new reason"]


def test_a_page_per_unit_is_written_for_a_browser(famulus: Famulus, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "pages"

    done = famulus("examine", "words", "--html", str(folder), "3")

    assert done.output.replace("\n", " ") == f"Wrote 3 pages to {folder}. "
    texts = [path.read_text() for path in sorted(folder.iterdir())]
    assert len(texts) == 3
    assert 'value="by y"' in "".join(texts)


def test_pages_need_a_folder(famulus: Famulus, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = famulus("examine", "words", "--html", str(tmp_path / "file" / "pages"))

    assert done.exit_code == 2
    assert "cannot make the folder" in done.stderr


def test_file_is_applied_and_the_same_file_again_changes_nothing(
    famulus: Famulus, database_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "decisions.csv"
    file.write_text("unit,decision,note\n1,accepted,\n2,rejected,It says nothing.\n")

    first = famulus("review", "words", "--from-csv", file)
    again = famulus("review", "words", "--from-csv", file)

    assert (first.exit_code, first.output) == (
        0,
        "Decided on 2 units: 1 accepted, 1 rejected.\n",
    )
    assert again.output == "Decided on 0 units.\n2 units have that decision already.\n"
    assert statuses(database_file) == ["accepted", "rejected", "completed", "completed"]


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> str:
    """The platform's rules on rejections, one of which is a length of 40 characters."""
    text = "Reject only work without any effort."
    capabilities = evolve(
        CrowdProvider.capabilities,
        rejection_rules=text,
        shortest_rejection=40,
        rejection_categories={"NO_DATA": "Nothing is answered."},
    )
    monkeypatch.setattr(CrowdProvider, "capabilities", capabilities)
    return f"The rules of crowd on rejections:\n{text}\n"


def rejecting(folder: Path, *units: int, category: str = "NO_DATA", length: int = 40) -> Path:
    """Write a file that accepts unit 1 and rejects others; the last one is as the options say."""
    good = ["NO_DATA", "x" * 40]
    lines = [",".join([f"{unit}", "rejected", *good]) for unit in units[:-1]]
    last = ",".join([f"{units[-1]}", "rejected", category, "x" * length])
    file = folder / "decisions.csv"
    file.write_text("\n".join(["unit,decision,category,note", "1,accepted,,", *lines, last, ""]))
    return file


def test_the_rules_of_a_platform_are_shown_once_before_the_rejections_of_a_file(
    famulus: Famulus, rules: str, tmp_path: Path
) -> None:
    file = rejecting(tmp_path, 2, 3)

    first = famulus("review", "words", "--from-csv", file, "--yes")
    again = famulus("review", "words", "--from-csv", file)

    assert first.stderr == rules
    assert first.stdout == "Decided on 3 units: 1 accepted, 2 rejected.\n"
    assert again.stderr == ""


@pytest.mark.parametrize("wrong", [{"category": ""}, {"category": "X"}, {"length": 39}])
def test_nothing_of_a_file_is_applied_where_a_rejection_breaks_the_rules(
    famulus: Famulus, rules: str, tmp_path: Path, database_file: Path, wrong: dict[str, Any]
) -> None:
    done = famulus("review", "words", "--from-csv", rejecting(tmp_path, 2, 3, **wrong))

    assert done.exit_code == 2
    assert f"{tmp_path / 'decisions.csv'}:4: " in done.stderr
    assert statuses(database_file) == ["completed"] * 4


@pytest.mark.parametrize(
    ("answer", "words", "shown", "rejected"),
    [("n\n", (), "nothing was decided", 0), ("y\n", (), "", 1), ("", ("--yes",), "", 1)],
)
def test_rejections_of_a_file_are_confirmed_on_a_terminal(
    famulus: Famulus,
    rules: str,
    tmp_path: Path,
    database_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    words: tuple[str, ...],
    shown: str,
    rejected: int,
) -> None:
    monkeypatch.setattr(confirm, "_has_terminal", lambda: True)

    file = rejecting(tmp_path, 2)
    done = famulus("review", "words", "--from-csv", file, *words, answers=answer)

    assert done.stderr.startswith(rules)
    assert shown in done.stderr
    assert ("Reject 1 unit?" in done.stdout) is (not words)
    assert statuses(database_file).count("rejected") == rejected


def test_rejections_against_rules_need_yes_without_a_terminal(
    famulus: Famulus, rules: str, tmp_path: Path, database_file: Path
) -> None:
    done = famulus("review", "words", "--from-csv", rejecting(tmp_path, 2))

    assert done.exit_code == 2
    assert done.stderr.startswith(rules)
    assert "no terminal to confirm the rejections on; confirm them with --yes" in done.stderr
    assert statuses(database_file) == ["completed"] * 4


def test_every_problem_of_a_file_is_a_line_and_nothing_is_applied(
    famulus: Famulus, database_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "decisions.csv"
    file.write_text("unit,decision,note\n1,accepted,\n2,reject,\n9,accepted,\n")

    result = famulus("review", "words", "--from-csv", file)

    assert result.exit_code == 2
    assert result.output.splitlines() == [
        f"famulus: error: {file}:3: 'reject' is not a decision; did you mean 'rejected'?",
        f"famulus: error: {file}:4: there is no unit 9",
    ]
    assert statuses(database_file) == ["completed"] * 4


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["review", "wrods"], "there is no task 'wrods'"),
        (["review", "1"], "; run 1 is of the task 'words'"),
        (["review", "words", "--worker", "z"], "no worker 'z' has worked on 'words'"),
        (
            ["review", "words", "--run", "7"],
            "run 7 does not belong to the task 'words'; its runs are 1",
        ),
        (["review", "words", "--accept-all", "--from-csv", "FILE"], "exclude each other"),
        (["review", "words", "--from-csv", "FILE", "--worker", "x"], "leave --worker out"),
        (["review", "words", "--accept-all", "--yes"], "--yes is for the rejections of --from-csv"),
        (
            ["review", "words", "--accept-all", "--block-qualification", "b"],
            "grant no qualifications",
        ),
        (["review", "words", "--from-csv", "no-such-file"], "does not exist"),
        (["examine", "words", "5", "2"], "START 5 comes after END 2"),
        (["examine", "words", "1", "2", "3"], "and no more"),
        (["examine", "words", "five"], "'five' is not a valid integer"),
        (["examine", "words", "--onboarding", "--html", "pages"], "exclude each other"),
        (["examine", "wrods"], "did you mean 'words'?"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(
    famulus: Famulus, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    file = tmp_path / "decisions.csv"
    file.write_text("unit,decision\n")

    result = famulus(*(str(file) if argument == "FILE" else argument for argument in arguments))

    assert result.exit_code == 2
    assert expected in result.output
    assert len(result.output.splitlines()) == 1


def test_examine_shows_the_newest_first(famulus: Famulus) -> None:
    result = famulus("examine", "words", "1", "3")

    shown = [line for line in result.output.splitlines() if line.startswith(("Worker", "Status"))]
    assert result.exit_code == 0
    assert shown == ["Worker: y", "Status: completed", "Worker: x", "Status: completed"]
    assert '"answer": "by y"' in result.output


def test_examine_shows_onboardings_of_workers_who_have_failed_too(
    famulus: Famulus, database_file: Path
) -> None:
    with (
        Database(database_file) as database,
        ManualOperator(database, plugins=kit_plugins()) as operator,
    ):
        onboarding = {"onboarding_qualification": "trained"}
        gateway = operator.launch_rows([{"n": 1}], task_name="trained", blueprint=onboarding)
        GatewayWorker(gateway, "z").work("wrong")
        GatewayWorker(gateway, "w").work("right")

    result = famulus("examine", "trained", "--onboarding")
    newest = famulus("examine", "trained", "--onboarding", "1")
    none = famulus("examine", "words", "--onboarding")

    shown = [line for line in result.output.splitlines() if line.startswith(("Worker", "Onb"))]
    assert shown == ["Worker: w", "Onboarding: passed", "Worker: z", "Onboarding: failed"]
    assert '"answer": "wrong"' in result.output
    assert "Worker: z" not in newest.output
    assert none.output == "No onboarding of words has been submitted yet.\n"


def test_qualifications_that_are_given_are_not_asked_for(famulus: Famulus) -> None:
    result = famulus(
        "review", "words", "--block-qualification", "bad", "--approve-qualification", ""
    )

    assert "Enter block" not in result.output
    assert "Enter approve" not in result.output
    assert "Blocking qualification: bad\nApprove qualification: None\n" in result.output


@pytest.mark.parametrize("answers", ["", "s\n"])
def test_review_without_answers_is_refused(database_file: Path, answers: str) -> None:
    """One whose input ends later is interrupted."""
    given = ("--block-qualification", "", "--approve-qualification", "")
    command = ["--database", str(database_file), "review", "words", *given]

    result = CliRunner().invoke(program, command, prog_name="famulus", input=answers)

    assert result.exit_code == (130 if answers else 2)
    assert ("the standard input has no answers: review in a terminal" in result.stderr) is not bool(
        answers
    )
