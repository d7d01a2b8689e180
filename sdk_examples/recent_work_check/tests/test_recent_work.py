from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from famulus.testing import Hall, QualificationCheckConformance
from famulus_recent_work.check import RecentWork


class TestRecentWork(QualificationCheckConformance):
    check = RecentWork

    def options(self) -> dict[str, Any]:
        return {"task_name": "pilot", "days": 7}

    def broken_options(self) -> dict[str, dict[str, Any]]:
        return {"no day at all": {"task_name": "pilot", "days": 0}}

    def make_refused(self, hall: Hall, worker: str) -> None:
        hall.work(worker, task="pilot")

    def make_admitted(self, hall: Hall, worker: str) -> None:
        hall.work(worker, task="something else")

    def test_after_a_week_the_worker_may_come_again(self, tmp_path: Path) -> None:
        with self.hall(tmp_path) as hall:
            hall.work("x", task="pilot")
            known = hall.known("x")
            check = self.make_check(hall)

            hall.clock.advance(timedelta(days=7).total_seconds())
            refused = check.refuse(known, hall.run)
            hall.clock.advance(1)
            admitted = check.refuse(known, hall.run)

        assert refused is not None
        assert refused.code == "worked_lately"
        assert refused.note.startswith("submitted to pilot at ")
        assert admitted is None

    def test_a_run_that_names_no_task_admits_every_worker(self, tmp_path: Path) -> None:
        with self.hall(tmp_path, options={}) as hall:
            hall.work("x", task="pilot")
            check = self.make_check(hall, options={})

            assert check.refuse(hall.known("x"), hall.run) is None
