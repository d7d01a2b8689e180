"""The plugin's tables: the ids on MTurk of runs, places, bonuses and qualifications.

A row is written before the call that creates an object on MTurk, and the object's id is added
afterwards. So no object is created twice, and none is lost.
"""

from __future__ import annotations

import peewee


class _Table(peewee.Model):
    id = peewee.BigAutoField()

    class Meta:
        legacy_table_names = False


class MturkRun(_Table):
    """The HIT type of a run, and its group, which is part of the preview link."""

    run_id = peewee.BigIntegerField()
    hit_type_id = peewee.CharField(max_length=64)
    group_id = peewee.CharField(max_length=64, default="")


class MturkHit(_Table):
    """The HIT of a place. Times are in seconds since 1970."""

    run_id = peewee.BigIntegerField()
    place = peewee.BigIntegerField()
    #: null until MTurk has returned it
    hit_id = peewee.CharField(max_length=64, null=True)
    #: the times of the first and of the last attempt that may have created it
    tried_at = peewee.BigIntegerField()
    last_tried_at = peewee.BigIntegerField()
    #: it cannot be accepted any more
    closed = peewee.BooleanField(default=False)
    #: it is final: it was submitted, or has expired without a submission
    ended = peewee.BooleanField(default=False)
    #: the worker and the assignment of its submission; null where it has expired
    worker_name = peewee.CharField(max_length=64, null=True)
    assignment_id = peewee.CharField(max_length=64, null=True)
    #: when MTurk approves the submission automatically; null once it is decided
    approved_at = peewee.BigIntegerField(null=True)
    #: the submission is rejected, which can be overridden while the HIT exists
    rejected = peewee.BooleanField(default=False)
    #: deleted
    gone = peewee.BooleanField(default=False)


class MturkBonus(_Table):
    """A bonus that was sent to MTurk, by its payment's key, and its assignment.

    ``sent_at`` is the time of the last attempt, ``first_sent_at`` that of the first attempt that
    may have paid.
    """

    key = peewee.CharField(max_length=255)
    assignment_id = peewee.CharField(max_length=64)
    sent_at = peewee.BigIntegerField()
    first_sent_at = peewee.BigIntegerField(default=0)


class MturkQualification(_Table):
    """The type of a qualification in a requester's account."""

    requester_id = peewee.BigIntegerField()
    name = peewee.CharField(max_length=255)
    type_id = peewee.CharField(max_length=64)
