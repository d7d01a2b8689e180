from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from famulus.testing import CheckHarness, QualificationCheckConformance
from famulus_recent_work.check import RecentWork


class TestRecentWork(QualificationCheckConformance):
    check = RecentWork

    def options(self) -> dict[str, Any]:
        return {"task_name": "pilot", "days": 7}

    def broken_options(self) -> dict[str, dict[str, Any]]:
        return {"no day at all": {"task_name": "pilot", "days": 0}}

    def make_refused(self, harness: CheckHarness, worker: str) -> None:
        harness.work(worker, task="pilot")

    def make_admitted(self, harness: CheckHarness, worker: str) -> None:
        harness.work(worker, task="something else")

    def test_after_a_week_the_worker_may_come_again(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            harness.work("x", task="pilot")
            known = harness.known_worker("x")
            check = self.make_check(harness)

            harness.clock.advance(timedelta(days=7).total_seconds())
            refused = check.refuse(known, harness.run)
            harness.clock.advance(1)
            admitted = check.refuse(known, harness.run)

        assert refused is not None
        assert refused.code == "worked_lately"
        assert refused.note.startswith("submitted to pilot at ")
        assert admitted is None

    def test_a_run_that_names_no_task_admits_every_worker(self, tmp_path: Path) -> None:
        with self.harness(tmp_path, options={}) as harness:
            harness.work("x", task="pilot")
            check = self.make_check(harness, options={})

            assert check.refuse(harness.known_worker("x"), harness.run) is None
