"""Storing a submission with files: the limit on their size, their place, and leftover files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from famulus.contracts.views import FormFile
from famulus.engine.attempts import Attempt
from famulus.engine.onboarding import OnboardingResult
from famulus.engine.submission import Acknowledgement, Result, StoredFile
from famulus.engine.upload_cleanup import UploadCleanup
from famulus.engine.upload_quota import UploadQuota
from famulus.engine.uploads import Uploads
from famulus.model.database import Database
from famulus.model.transaction import Transaction

#: The outcome of a submission.
S = TypeVar("S", Acknowledgement, OnboardingResult)


class NoRoomError(Exception):
    """The run has no room for the files of a submission."""


@frozen(eq=False)
class SubmittedFiles:
    """The files of one run's submissions. Used by many threads."""

    database: Database
    uploads: Uploads
    quota: UploadQuota
    cleanup: UploadCleanup

    @classmethod
    def of_run(cls, database: Database, run: int) -> SubmittedFiles:
        """Create the folders for files, and remove leftovers.

        :raises famulus.UnavailableError: when a folder cannot be created.
        """
        uploads = Uploads(database.files, run, database.identity, database.location.path)
        uploads.make_folders()
        cleanup = UploadCleanup(database, uploads)
        cleanup.run_if_due()
        return cls(database, uploads, UploadQuota(database, run), cleanup)

    @property
    def incoming(self) -> Path:
        """The folder for files that are being received."""
        return self.uploads.incoming

    def store(
        self,
        agent: int,
        files: Sequence[FormFile],
        job: Callable[[Transaction, Sequence[StoredFile]], tuple[S, Attempt]],
        *,
        is_submitted: Callable[[], bool],
    ) -> tuple[S, Attempt]:
        """Move the files of a submission to their place and run the job that stores it.

        :param is_submitted: returns whether the attempt has answers already: answers that are sent
            again are acknowledged without room for their files.
        :raises NoRoomError: when there is no room for the files of new answers.
        """
        with self.quota.reserved(agent, files) as room:
            if room is None and not is_submitted():
                raise NoRoomError
            with self.uploads.kept(agent, files) as kept:
                try:
                    stored, attempt = self.database.write(lambda tx: job(tx, kept.files))
                except BaseException:
                    # A commit whose answer got lost may have happened: its files must stay.
                    kept.confirm()
                    raise
                if stored.result is Result.STORED:
                    kept.confirm()
                    if room is not None:
                        room.is_stored = True
        self.cleanup.run_if_due()
        return stored, attempt
