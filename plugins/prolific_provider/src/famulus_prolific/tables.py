"""The plugin's tables: the study of each run, and the codes with which its workers leave.

A row is written before the call that creates the study, and gets its id afterwards.
"""

from __future__ import annotations

import peewee


class ProlificRun(peewee.Model):
    """The study of a run."""

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

    class Meta:
        table_name = "prolific_run"
