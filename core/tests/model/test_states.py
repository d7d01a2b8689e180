"""The tables of transitions hang together."""

from __future__ import annotations

from enum import StrEnum

import pytest

from famulus.errors import IllegalTransitionError
from famulus.model.states import (
    AGENT_TRANSITIONS,
    PAYMENT_TRANSITIONS,
    RUN_TRANSITIONS,
    UNIT_TRANSITIONS,
    VISIT_TRANSITIONS,
    AgentStatus,
    PaymentStatus,
    RunStatus,
    UnitStatus,
    VisitStatus,
    check_transition,
    may_follow,
    sources,
)

TABLES = [
    (RunStatus, RUN_TRANSITIONS, {RunStatus.LAUNCHING}),
    (UnitStatus, UNIT_TRANSITIONS, {UnitStatus.CREATED}),
    (AgentStatus, AGENT_TRANSITIONS, {AgentStatus.ONBOARDING, AgentStatus.IN_TASK}),
    (VisitStatus, VISIT_TRANSITIONS, {VisitStatus.ARRIVED}),
    (PaymentStatus, PAYMENT_TRANSITIONS, {PaymentStatus.PLANNED}),
]


@pytest.mark.parametrize(("statuses", "table", "first"), TABLES)
def test_every_status_has_its_line_and_can_be_reached(
    statuses: type[StrEnum], table: dict[StrEnum, set[StrEnum]], first: set[StrEnum]
) -> None:
    reached, new = set(first), set(first)
    while new:
        new = {after for status in new for after in table[status]} - reached
        reached |= new

    assert set(table) == set(statuses) == reached


@pytest.mark.parametrize(("statuses", "table", "first"), TABLES)
def test_no_status_follows_itself_and_sources_are_the_table_read_backwards(
    statuses: type[StrEnum], table: dict[StrEnum, set[StrEnum]], first: set[StrEnum]
) -> None:
    for new in statuses:
        assert not may_follow(new, new)  # type: ignore[type-var]
        assert set(sources(new)) == {old for old in statuses if new in table[old]}  # type: ignore[type-var]


def test_every_status_fits_the_columns_that_hold_statuses() -> None:
    """PostgreSQL refuses a longer value, also in the event of its change."""
    statuses = (status for each, *_ in TABLES for status in each)

    assert [status for status in statuses if len(status) > 16] == []


def test_a_stored_answer_is_never_left_by_time() -> None:
    """No answer is lost: what is completed can only be reviewed, or withdrawn by its worker."""
    kept = {
        AgentStatus.COMPLETED,
        AgentStatus.APPROVED,
        AgentStatus.SOFT_REJECTED,
        AgentStatus.REJECTED,
        AgentStatus.WITHDRAWN,
    }
    assert all(AGENT_TRANSITIONS[status] <= kept for status in kept)


@pytest.mark.parametrize(
    "status",
    [AgentStatus.RETURNED, AgentStatus.TIMEOUT, AgentStatus.DISCONNECT, AgentStatus.EXPIRED],
)
def test_every_attempt_that_ended_without_answers_can_still_get_them(status: AgentStatus) -> None:
    assert may_follow(status, AgentStatus.COMPLETED)


def test_an_illegal_transition_names_the_thing_and_both_statuses() -> None:
    with pytest.raises(
        IllegalTransitionError, match="unit 12 is completed and cannot become launched"
    ):
        check_transition(UnitStatus.COMPLETED, UnitStatus.LAUNCHED, "unit 12")


def test_nothing_leads_from_unknown_or_paid_back_to_paying() -> None:
    may_pay = (PaymentStatus.PLANNED, PaymentStatus.SENT)

    assert not any(may_follow(PaymentStatus.UNKNOWN, new) for new in may_pay)
    assert PAYMENT_TRANSITIONS[PaymentStatus.CONFIRMED] == frozenset()
