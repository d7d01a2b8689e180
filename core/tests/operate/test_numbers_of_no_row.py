"""A number that is too large for a column is the number of nothing, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from decimal import Decimal

import pytest

from famulus import (
    Database,
    DataBrowser,
    NotFoundError,
    UsageError,
    Worker,
    compensate,
    export_records,
    find_or_create_worker,
    get_worker,
    list_owed,
    list_payments,
    mark_paid,
    open_gateway,
    past_work,
    pay_bonus,
    propose_topup,
    retry_payment,
    set_limits,
    settle_payments,
)
from famulus.plugins import Plugins
from famulus.testing.inprocess import ManualOperator

Call = Callable[[Database, Plugins, int], object]


def worker(database: Database, plugins: Plugins) -> Worker:
    return find_or_create_worker(database, "crowd", "w", plugins=plugins)


CALLS: list[Call] = [
    lambda database, _, number: mark_paid(database, [1, number], note="N"),
    lambda database, plugins, number: retry_payment(database, number, plugins=plugins),
    lambda database, plugins, number: pay_bonus(
        database, number, Decimal(1), reason="R", plugins=plugins
    ),
    lambda database, plugins, number: compensate(
        worker(database, plugins), number, "1", reason="R", plugins=plugins
    ),
    lambda database, plugins, number: propose_topup(database, number, "9", plugins=plugins),
    lambda database, _, number: set_limits(database, number, max_spend=1),
    lambda database, plugins, number: settle_payments(database, run=number, plugins=plugins),
    lambda database, _, number: list_payments(database, run=number),
    lambda database, _, number: list_owed(database, run=number),
    lambda database, _, number: [*export_records(database, run=number)],
    lambda database, _, number: get_worker(database, number),
    lambda database, plugins, number: open_gateway(database, number, plugins=plugins),
    lambda database, _, number: [*DataBrowser(database).get_units_for_run_id(number)],
]


def test_nothing_is_found_by_a_number_beyond_those_of_rows(
    operator: ManualOperator, database: Database, plugins: Plugins
) -> None:
    with closing(operator.launch_rows([{"n": 1}])):
        for number in (2**63, -(2**63) - 1, 10**30):
            for call in CALLS:
                with pytest.raises((NotFoundError, UsageError), match=str(number)):
                    call(database, plugins, number)
            assert past_work(database, number) == []
