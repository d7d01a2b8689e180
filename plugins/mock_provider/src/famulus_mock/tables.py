"""The tables in which ``mock`` stores the data that a platform would have.

They are in the run's database.
"""

from __future__ import annotations

import peewee

from famulus import Migration, PluginSchema


class MockPayment(peewee.Model):
    """One payment that was made.

    One key may be paid twice, as on a platform without idempotency keys.
    """

    id = peewee.BigAutoField()
    key = peewee.CharField(max_length=300)
    worker = peewee.CharField(max_length=255)
    amount = peewee.CharField(max_length=32)

    class Meta:
        table_name = "mock_payment"


class MockVerdict(peewee.Model):
    """The verdict on a visit."""

    visit = peewee.BigIntegerField(primary_key=True)
    worker = peewee.CharField(max_length=255, default="")
    verdict = peewee.CharField(max_length=16)
    #: empty, or the part of the reward that was approved
    amount = peewee.CharField(max_length=32, default="")
    reason = peewee.TextField(default="")
    category = peewee.CharField(max_length=255, default="")

    class Meta:
        table_name = "mock_verdict"


class MockCall(peewee.Model):
    """One call of a run; the number of its calls selects the next fault from the options."""

    id = peewee.BigAutoField()
    run = peewee.BigIntegerField()

    class Meta:
        table_name = "mock_call"


_VERDICT_COLUMNS = (
    "ALTER TABLE mock_verdict ADD COLUMN worker VARCHAR(255) NOT NULL DEFAULT ''",
    "ALTER TABLE mock_verdict ADD COLUMN amount VARCHAR(32) NOT NULL DEFAULT ''",
    "ALTER TABLE mock_verdict ADD COLUMN reason TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE mock_verdict ADD COLUMN category VARCHAR(255) NOT NULL DEFAULT ''",
)

SCHEMA = PluginSchema(
    name="mock",
    migrations=(
        Migration(
            number=1,
            sqlite=(
                "CREATE TABLE mock_payment (id INTEGER NOT NULL PRIMARY KEY, "
                "key VARCHAR(300) NOT NULL, worker VARCHAR(255) NOT NULL, "
                "amount VARCHAR(32) NOT NULL)",
                "CREATE INDEX mock_payment_key ON mock_payment (key)",
                "CREATE TABLE mock_verdict (visit BIGINT NOT NULL PRIMARY KEY, "
                "verdict VARCHAR(16) NOT NULL)",
                "CREATE TABLE mock_call (id INTEGER NOT NULL PRIMARY KEY, run BIGINT NOT NULL)",
                "CREATE INDEX mock_call_run ON mock_call (run)",
            ),
            postgresql=(
                "CREATE TABLE mock_payment (id BIGSERIAL NOT NULL PRIMARY KEY, "
                "key VARCHAR(300) NOT NULL, worker VARCHAR(255) NOT NULL, "
                "amount VARCHAR(32) NOT NULL)",
                "CREATE INDEX mock_payment_key ON mock_payment (key)",
                "CREATE TABLE mock_verdict (visit BIGINT NOT NULL PRIMARY KEY, "
                "verdict VARCHAR(16) NOT NULL)",
                "CREATE TABLE mock_call (id BIGSERIAL NOT NULL PRIMARY KEY, run BIGINT NOT NULL)",
                "CREATE INDEX mock_call_run ON mock_call (run)",
            ),
        ),
        Migration(number=2, sqlite=_VERDICT_COLUMNS, postgresql=_VERDICT_COLUMNS),
    ),
)
