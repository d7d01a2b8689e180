"""The codes with which workers leave."""

from __future__ import annotations

import pytest

from famulus import VisitOutcome
from famulus_prolific.codes import ScreenOut, code_rules, make_codes


def test_each_outcome_has_a_code_of_its_own_in_each_run() -> None:
    codes, others = make_codes(), make_codes()

    assert set(codes) == {outcome.value for outcome in VisitOutcome}
    assert len({*codes.values(), *others.values()}) == 2 * len(VisitOutcome)


@pytest.mark.parametrize("screen_out", [None, ScreenOut(reward=20, slots=3)])
def test_only_completed_work_waits_for_review(screen_out: ScreenOut | None) -> None:
    codes = make_codes()

    rules = {rule["code"]: rule["actions"] for rule in code_rules(codes, screen_out)}

    (completed,) = rules.pop(codes["completed"])
    assert completed == {"action": "MANUALLY_REVIEW"}
    (screened,) = rules.pop(codes["screened_out"])
    paid = {"action": "FIXED_SCREEN_OUT_PAYMENT", "fixed_screen_out_reward": 20, "slots": 3}
    assert screened == paid if screen_out else screened["action"] == "REQUEST_RETURN"
    assert all(action["action"] == "REQUEST_RETURN" for (action,) in rules.values())
    assert all(action["return_reason"] for (action,) in rules.values())
