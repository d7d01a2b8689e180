"""The rules of a blueprint's options and data."""

from __future__ import annotations

import json
import tracemalloc
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import pytest

from famulus.errors import Problem
from famulus.options.option_class import options_of
from famulus.plan import plan_from_stored, stored_plan
from famulus.testing.conformance.harness import (
    assert_json,
    assert_same_options,
    listed,
    snapshot,
)
from famulus.testing.conformance.under_test import BlueprintUnderTest, folder_in

#: Rows of the two sources whose memory is compared, and bytes that one more row may cost.
_FEW, _MANY = 5_000, 50_000
_BYTES_A_ROW = 32


class BlueprintDataRules(BlueprintUnderTest):
    """Options have help and are checked completely; data are streamed, the same each time."""

    def test_core_accepts_the_class(self) -> None:
        plugins = self._plugins()

        found = plugins.blueprint(self.blueprint.type)
        assert found is self.blueprint, (
            f"Blueprint.type must be a name of its own: {self.blueprint.type!r} is {found!r}."
        )

    def test_every_option_has_help(self) -> None:
        silent = [each.name for each in options_of(self.blueprint.Args).values() if not each.help]

        assert not silent, (
            "Every field of Args must have help, with famulus.option(help=…):"
            f" {', '.join(silent)} have none."
        )

    def test_good_configuration_has_no_problems(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            problems = self._problems(harness)

        assert not problems, (
            f"problems() must be empty for a good configuration:\n{listed(problems)}"
        )

    def test_broken_configuration_is_reported_with_its_place(self, tmp_path: Path) -> None:
        broken = self.broken_configurations(tmp_path)
        assert broken, "broken_configurations() must return at least one."

        for words, options in broken.items():
            problems = self._problems_of_options(tmp_path, options)
            assert problems, f"problems() must find what is wrong, and missed: {words}."
            for problem in problems:
                assert isinstance(problem, Problem), (
                    f"problems() must return famulus.Problem objects, not {problem!r}."
                )
                assert problem.message, f"A problem must say what is wrong: {problem!r} does not."
                assert problem.key or problem.file, (
                    f"A problem must say where, by its key or file: {problem!r} does not."
                )

    def test_checking_writes_nothing(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            before = snapshot(tmp_path)
            self._problems(harness)
            self._problems(harness)

            assert snapshot(tmp_path) == before, (
                "problems() must not write anything, neither files nor the database."
            )

    def test_options_survive_being_stored(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            stored = json.loads(json.dumps(stored_plan(harness.plan)))
            again = plan_from_stored(stored, harness.plugins, harness.plan.shared_state)

            assert_same_options(harness.plan.blueprint.args, again.blueprint.args)

    def test_rows_are_streamed(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            rows = harness.blueprint().assignments()

            assert isinstance(rows, Iterator), (
                f"assignments() must return an iterator, not a {type(rows).__name__}: a million"
                " rows must need no more memory than ten."
            )
            assert next(rows, None) is not None, (
                "configuration() must return a configuration with at least one row of data, and"
                " assignments() yields none."
            )

    def test_rows_are_the_same_every_time(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            first = harness.rows
        with self.harness(tmp_path) as harness:
            blueprint = harness.blueprint()
            second = [dict(row) for row in blueprint.assignments()]
            third = second if blueprint.data_is_code else list(map(dict, blueprint.assignments()))

        assert first == second == third, (
            "assignments() must stream the same rows in the same order every time: a resumed"
            " launch skips as many as are stored. Draw lots from something that stays, such as"
            " a hash of the row."
        )

    def test_rows_are_json_objects(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            for number, row in enumerate(harness.blueprint().assignments()):
                assert isinstance(row, Mapping), f"Row {number} must be a mapping, not {row!r}."
                assert_json(dict(row), f"Row {number} must be JSON")

    def test_memory_does_not_grow_with_the_rows(self, tmp_path: Path) -> None:
        if self.big_configuration(folder_in(tmp_path, "try"), 1) is None:
            pytest.skip("define big_configuration() where the data can be big")

        few, many = (self._peak_of_streaming(tmp_path, rows) for rows in (_FEW, _MANY))

        grown = (many - few) / (_MANY - _FEW)
        assert grown < _BYTES_A_ROW, (
            f"assignments() must stream: each further row kept {grown:.0f} bytes in memory."
        )

    def _peak_of_streaming(self, tmp_path: Path, rows: int) -> int:
        options = self.big_configuration(folder_in(tmp_path, str(rows)), rows)
        assert options is not None, "big_configuration() must return options for any size, or none."
        with self._harness_of(tmp_path, options) as harness:
            blueprint = harness.blueprint()
            deque(islice(blueprint.assignments(), 10), maxlen=0)
            tracemalloc.start()
            try:
                count = sum(1 for _ in blueprint.assignments())
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        assert count == rows, f"big_configuration() was asked for {rows} rows and brought {count}."
        return peak
