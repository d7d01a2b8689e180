"""The plugin's tables: what stands for a run, a place, a bonus and a qualification on MTurk.

The row of a thing is written before MTurk is asked to make it, and gets its id there afterwards:
so nothing is made twice, and nothing that was made is lost.
"""

from __future__ import annotations

import peewee


class _Table(peewee.Model):
    id = peewee.BigAutoField()

    class Meta:
        legacy_table_names = False


class MturkRun(_Table):
    """The HIT type of a run; its group is what the preview link names."""

    run_id = peewee.BigIntegerField()
    hit_type_id = peewee.CharField(max_length=64)
    group_id = peewee.CharField(max_length=64, default="")


class MturkHit(_Table):
    """The HIT of a place. Times are in seconds since 1970."""

    run_id = peewee.BigIntegerField()
    place = peewee.BigIntegerField()
    #: unknown until MTurk has said it
    hit_id = peewee.CharField(max_length=64, null=True)
    #: when it was first asked for
    tried_at = peewee.BigIntegerField()
    #: nobody new can accept it
    closed = peewee.BooleanField(default=False)
    #: nothing more can happen to it: it was submitted, or has expired with nobody at work on it
    ended = peewee.BooleanField(default=False)
    #: whose submission it has, and its assignment; none where it has expired
    worker_name = peewee.CharField(max_length=64, null=True)
    assignment_id = peewee.CharField(max_length=64, null=True)
    #: when MTurk approves the submission by itself; none once it is decided
    approved_at = peewee.BigIntegerField(null=True)
    #: the submission is rejected, which can be taken back while the HIT is there
    rejected = peewee.BooleanField(default=False)
    #: deleted
    gone = peewee.BooleanField(default=False)


class MturkBonus(_Table):
    """A bonus that MTurk was asked to pay, by its payment's key, on which assignment.

    ``sent_at`` is when that was last, ``first_sent_at`` since when an attempt may have paid it.
    """

    key = peewee.CharField(max_length=255)
    assignment_id = peewee.CharField(max_length=64)
    sent_at = peewee.BigIntegerField()
    first_sent_at = peewee.BigIntegerField(default=0)


class MturkQualification(_Table):
    """The qualification type that stands for a qualification in a requester's account."""

    requester_id = peewee.BigIntegerField()
    name = peewee.CharField(max_length=255)
    type_id = peewee.CharField(max_length=64)
