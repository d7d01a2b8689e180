"""The rules of a blueprint that are tested in a whole run with scripted workers."""

from __future__ import annotations

from pathlib import Path

from famulus.data.export import export_records
from famulus.engine.gateway import Gateway
from famulus.testing.conformance.under_test import BlueprintUnderTest
from famulus.testing.scripted_worker import GatewayTransport, OpenPage, Response, ScriptedWorker


class BlueprintRunRules(BlueprintUnderTest):
    """Each answer is stored once, under any behaviour of workers and after any kill."""

    def test_run_is_worked_on_from_start_to_end(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            rows, lanes = len(harness.rows), harness.blueprint().units_per_assignment
            gateway = harness.launch()

            for number in range(lanes):
                answers = self._worker(gateway, number).submit_all(rows + 1)
                _assert_stored(answers)

            records = list(export_records(harness.database, run=gateway.run_id))
            assert len(records) == rows * lanes, (
                f"{lanes} workers must find a form for each of {rows} rows, but"
                f" {len(records)} units were done."
            )
            harness.operator.turn()
            assert not harness.operator.holds(gateway.run_id), (
                "A run must end once all of its units are done, and the operator still manages it."
            )

    def test_preview_is_shown_to_a_worker_who_has_not_accepted(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            answer = GatewayTransport(harness.launch()).open({})

            assert answer.status == 200, (
                "preview_page() must return what a worker sees before accepting, and the server"
                f" answered with {answer.status}: {answer.text}"
            )

    def test_run_goes_on_after_a_kill(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            gateway = harness.launch()
            worker = self._worker(gateway, 0)
            page = worker.open()
            harness.kill()

            worker.transport = GatewayTransport(harness.resume(gateway.run_id))
            again = worker.open(page.reference)

            assert _own(again) == _own(page), (
                "After the operator and the server were killed, a worker who reloads must find"
                " the form that they had open."
            )
            _assert_stored([worker.submit(page)])
            records = list(export_records(harness.database, run=gateway.run_id))
            workers = [record["worker"] for record in records]
            assert workers == [worker.name], (
                f"The answer of {worker.name!r} must be stored once, and is stored for {workers}."
            )

    def test_impatient_workers_store_each_answer_once(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            gateway = harness.launch()
            worker = self._worker(gateway, 0)

            answers = worker.double_click()

            _assert_stored(answers)
            records = list(export_records(harness.database, run=gateway.run_id))
            assert len(records) == 1, (
                f"A form that is sent twice must be stored once, and there are {len(records)}"
                " records."
            )

    def _worker(self, gateway: Gateway, number: int) -> ScriptedWorker:
        return ScriptedWorker(
            GatewayTransport(gateway), f"worker-{number}", variant=number, fill=self.fill
        )


def _assert_stored(answers: list[Response]) -> None:
    refused = [answer.text for answer in answers if answer.outcome != "stored"]
    assert not refused, (
        "Answers that a worker gave by filling in every control of the form must be stored;"
        f" define fill() where only some will do. Instead:\n{refused[:1]}"
    )


def _own(page: OpenPage) -> list[tuple[str, str]]:
    assert page.filled is not None, f"A worker must get a form: {page.answer.text}"
    return [pair for pair in page.filled.fields if not pair[0].startswith("famulus_")]
