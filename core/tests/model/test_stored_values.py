"""Values come back from both databases as they went in: times, money, enums, JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.fields import dump_json, from_micros, to_micros
from famulus.model.money import from_minor, minor_digits, to_minor
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, TaskTable
from famulus.model.transaction import Transaction

AT = datetime(2031, 2, 3, 4, 5, 6, 789, tzinfo=UTC)


def store(database: Database, payload: Any, at: datetime = AT) -> Any:
    def job(tx: Transaction) -> Any:
        number = tx.insert(
            OutboxTable,
            key=str(tx.now),
            kind="k",
            payload=payload,
            status=OutboxStatus.PENDING,
            next_attempt_at=at,
            created_at=at,
        )
        return tx.row(OutboxTable.select().where(OutboxTable.id == number))

    return database.write(job)


def test_times_come_back_aware_exact_and_in_utc(database: Database) -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))

    row = store(database, {}, elsewhere)

    assert row.next_attempt_at == AT
    assert row.next_attempt_at.tzinfo is UTC


def test_a_naive_time_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        store(database, None, AT.replace(tzinfo=None))


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_time_survives(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment


def test_enums_come_back_as_members(database: Database) -> None:
    assert store(database, {}).status is OutboxStatus.PENDING


def test_a_word_that_is_no_status_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="sleeping"):
        database.write(
            lambda tx: tx.execute(
                OutboxTable.update(status="sleeping").where(OutboxTable.key == "x")
            )
        )


@pytest.mark.parametrize(
    "value",
    ["\ud800", "a\0b", "\U0001f600", {"k\udfff": ["é", None, 1.5, True]}, [], "", 0, 10**30],
)
def test_any_json_comes_back(database: Database, value: Any) -> None:
    assert store(database, value).payload == value


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_text_can_always_be_encoded_and_has_no_nul(value: Any) -> None:
    text = dump_json(value)

    assert "\0" not in text
    assert json.loads(text.encode()) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_values_that_json_cannot_express_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        dump_json(value)


def test_a_select_reads_aliases_in_python_types(database: Database) -> None:
    store(database, {"n": 1})

    with database.read() as tx:
        row = tx.row(OutboxTable.select(OutboxTable.payload.alias("what"), OutboxTable.created_at))

    assert row is not None
    assert (row.what, row.created_at) == ({"n": 1}, AT)


def test_a_read_sees_one_moment(database: Database) -> None:
    with database.read() as tx:
        before = len(tx.rows(OutboxTable.select()))
        store(database, {})
        after = len(tx.rows(OutboxTable.select()))

    assert before == after == 0


def test_a_job_that_raises_is_undone(database: Database) -> None:
    def job(tx: Transaction) -> None:
        tx.insert(TaskTable, name="t", blueprint_type="b", created_at=tx.now)
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        database.write(job)

    with database.read() as tx:
        assert tx.rows(TaskTable.select()) == []


def test_a_write_inside_a_write_is_refused_on_either_database(database: Database) -> None:
    with pytest.raises(RuntimeError, match="nested write"):
        database.write(lambda _: database.write(lambda _: None))

    assert database.write(lambda _: 1) == 1


def test_a_read_inside_a_write_is_fine(database: Database) -> None:
    def job(tx: Transaction) -> int:
        with database.read() as other:
            return len(other.rows(TaskTable.select()))

    assert database.write(job) == 0


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("0.30", "USD", 30), ("12", "EUR", 1200), ("300", "JPY", 300), ("1.234", "KWD", 1234)],
)
def test_money_is_whole_minor_units(amount: str, currency: str, minor: int) -> None:
    assert to_minor(Decimal(amount), currency) == minor
    assert from_minor(minor, currency) == Decimal(amount)


@pytest.mark.parametrize(("amount", "currency"), [("0.305", "USD"), ("0.5", "JPY")])
def test_an_amount_finer_than_the_currency_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(UsageError, match="finer than the smallest unit"):
        to_minor(Decimal(amount), currency)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["USD", "JPY", "KWD"]))
def test_minor_units_survive_and_show_their_places(units: int, currency: str) -> None:
    amount = from_minor(units, currency)

    assert to_minor(amount, currency) == units
    assert -amount.as_tuple().exponent == minor_digits(currency)  # type: ignore[operator]
