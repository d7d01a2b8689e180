"""The stored studies of runs."""

from __future__ import annotations

from famulus import Database
from famulus_prolific.records import StudyRecords
from famulus_prolific.schema import SCHEMA

URL = "https://tasks.example.org/"


def test_a_run_has_one_study_and_its_first_codes_whichever_process_makes_it(
    database: Database,
) -> None:
    database.prepare([SCHEMA])
    records = StudyRecords(database=database)

    first, second = records.begin(1, URL), records.begin(1, URL)
    named = [records.name(1, study) for study in ("one", "another")]

    assert first == second
    assert [each.study_id for each in named] == ["one", "one"]
    assert named[0].codes == first.codes
    assert records.runs_of(["one", "another"]) == {"one": 1}


def test_a_stop_is_remembered_until_the_study_is_to_offer_places(database: Database) -> None:
    database.prepare([SCHEMA])
    records = StudyRecords(database=database)
    records.begin(1, URL)

    found = []
    for is_served in (True, False, True):
        records.pause(1, is_served=is_served)
        found.append(records.find(1))
    records.open(1)
    found.append(records.find(1))

    states = [each and (each.is_paused, each.is_stopped) for each in found]
    assert states == [(True, False), (True, True), (True, True), (False, False)]
    assert records.find(2) is None
