"""The tables of runs: their studies, the codes with which workers leave, and who has arrived."""

from __future__ import annotations

import peewee


class ProlificRun(peewee.Model):
    """The study of a run.

    A row is written before the call that creates the study; the study's id is added afterwards.
    """

    id = peewee.BigAutoField()
    run_id = peewee.BigIntegerField()
    #: null until Prolific has returned it; the only study that is published for the run
    study_id = peewee.CharField(max_length=64, null=True)
    #: the code of each outcome, as JSON
    codes = peewee.TextField()
    #: the address that the study leads to, without parameters
    url = peewee.TextField()
    #: whether the study is to offer no place, although Prolific may have one free
    is_paused = peewee.BooleanField(default=False)
    #: whether its run is not served, so that it is paused for more than the lack of a free unit
    is_stopped = peewee.BooleanField(default=False)
    #: whether the study is never to offer a place again
    is_ended = peewee.BooleanField(default=False)
    #: whether the study, paused by Prolific, waits for more screen-outs before it is started again
    awaits_start = peewee.BooleanField(default=False)
    #: how many rejections were sent, so that a list that was read before is known to be outdated
    rejections = peewee.BigIntegerField(default=0)
    #: how many submissions without work await their return, as they were listed last
    without_work = peewee.BigIntegerField(default=0)
    #: the day, in UTC and ISO form, on which the first of them was handed in; null where that is
    #: not known
    without_work_since = peewee.CharField(max_length=10, null=True)

    class Meta:
        table_name = "prolific_run"


class ProlificArrival(peewee.Model):
    """A submission that Prolific has confirmed to be of a participant and of a run's study."""

    id = peewee.BigAutoField()
    run_id = peewee.BigIntegerField()
    submission_id = peewee.CharField(max_length=64)
    worker_name = peewee.CharField(max_length=64)

    class Meta:
        table_name = "prolific_arrival"


class ProlificToken(peewee.Model):
    """A token of a signed address that was verified when a participant arrived with it."""

    id = peewee.BigAutoField()
    run_id = peewee.BigIntegerField()
    submission_id = peewee.CharField(max_length=64)
    worker_name = peewee.CharField(max_length=64)
    #: the SHA-256 of the token, in hexadecimal digits
    digest = peewee.CharField(max_length=64)

    class Meta:
        table_name = "prolific_token"


RUN_TABLES = (
    """CREATE TABLE "prolific_run" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "run_id" INTEGER NOT NULL,
        "study_id" VARCHAR(64),
        "codes" TEXT NOT NULL,
        "url" TEXT NOT NULL,
        "is_paused" BOOLEAN NOT NULL
    )""",
    'CREATE UNIQUE INDEX "prolific_run_once" ON "prolific_run" ("run_id")',
    'CREATE UNIQUE INDEX "prolific_run_study" ON "prolific_run" ("study_id")',
)
END_COLUMN = ('ALTER TABLE "prolific_run" ADD COLUMN "is_ended" BOOLEAN NOT NULL DEFAULT FALSE',)
START_COLUMN = (
    'ALTER TABLE "prolific_run" ADD COLUMN "awaits_start" BOOLEAN NOT NULL DEFAULT FALSE',
)
STOP_COLUMN = (
    'ALTER TABLE "prolific_run" ADD COLUMN "is_stopped" BOOLEAN NOT NULL DEFAULT FALSE',
    'UPDATE "prolific_run" SET "is_stopped" = "is_paused"',
)
REJECTIONS_COLUMN = (
    'ALTER TABLE "prolific_run" ADD COLUMN "rejections" INTEGER NOT NULL DEFAULT 0',
)
WITHOUT_WORK_COLUMNS = (
    'ALTER TABLE "prolific_run" ADD COLUMN "without_work" INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "prolific_run" ADD COLUMN "without_work_since" VARCHAR(10)',
)
ARRIVAL_TABLES = (
    """CREATE TABLE "prolific_arrival" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "run_id" INTEGER NOT NULL,
        "submission_id" VARCHAR(64) NOT NULL,
        "worker_name" VARCHAR(64) NOT NULL
    )""",
    'CREATE UNIQUE INDEX "prolific_arrival_once" ON "prolific_arrival" ("run_id", "submission_id")',
)
TOKEN_TABLES = (
    """CREATE TABLE "prolific_token" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "run_id" INTEGER NOT NULL,
        "submission_id" VARCHAR(64) NOT NULL,
        "worker_name" VARCHAR(64) NOT NULL,
        "digest" VARCHAR(64) NOT NULL
    )""",
    'CREATE UNIQUE INDEX "prolific_token_once" ON "prolific_token" '
    '("run_id", "submission_id", "digest")',
)
