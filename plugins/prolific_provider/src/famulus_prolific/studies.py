"""Studies: one per run, made as a draft, published for its first places, and paused or stopped."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from attrs import frozen

import famulus
from famulus import FamulusError, UnavailableError
from famulus_prolific.api import ProlificApi, ProlificRefusedError
from famulus_prolific.codes import code_rules
from famulus_prolific.submissions import plain_status
from famulus_prolific.texts import description_html
from famulus_prolific.wages import minor

if TYPE_CHECKING:
    from famulus import RunView
    from famulus_prolific.codes import ScreenOut
    from famulus_prolific.options import ProlificArgs
    from famulus_prolific.records import StudyRecord, StudyRecords

_log = logging.getLogger(__name__)

UNPUBLISHED, PUBLISHING, ACTIVE = "UNPUBLISHED", "PUBLISHING", "ACTIVE"
PAUSED, AWAITING_REVIEW, COMPLETED = "PAUSED", "AWAITING REVIEW", "COMPLETED"
#: The statuses in which participants may take a place.
OPEN = (PUBLISHING, ACTIVE)
#: The statuses of a study that offers places, or would again after a rejection or a start.
NOT_STOPPED = (*OPEN, PAUSED, AWAITING_REVIEW)
#: The statuses of a study that was published or started: its places may be used already.
_STARTED = (*OPEN, AWAITING_REVIEW, COMPLETED)
#: What Prolific puts into the address of a participant, by the parameter.
PARAMETERS: Mapping[str, str] = {
    "PROLIFIC_PID": "{{%PROLIFIC_PID%}}",
    "STUDY_ID": "{{%STUDY_ID%}}",
    "SESSION_ID": "{{%SESSION_ID%}}",
}
_MINUTE = 60


@frozen(kw_only=True)
class Studies:
    """Opens, pauses and ends the places of runs, for one account.

    Each call reads the study first and changes what differs, so that it can be repeated after a
    lost reply.
    """

    api: ProlificApi
    records: StudyRecords
    args: ProlificArgs
    project: str | None
    #: what screened-out workers are paid; None if they are paid nothing
    screen_out: ScreenOut | None
    #: the filters that stand for what a run requires of its workers
    filters: Callable[[RunView], Sequence[Mapping[str, Any]]]

    def open(self, run: RunView, total: int) -> None:
        """Offer places until ``total`` are offered or taken.

        A study is published with its first places, and cannot be unpublished. The places of a
        paused study are raised before it is started, so that it never offers fewer than are wanted.
        """
        study = self._study(run, total)
        self.records.open(run.id)
        path = f"studies/{study['id']}/"
        self._lead_to(run, study)
        if _places(study) < total:
            study = _normal(self.api.patch(path, {"total_available_places": total}))
        if study["status"] == UNPUBLISHED:
            self._change(path, "PUBLISH", _STARTED)
        elif study["status"] == PAUSED:
            self._raise_slots(study)
            self._change(path, "START", _STARTED)

    def pause(self, run: RunView) -> None:
        """Offer no place until :meth:`open`; participants at work may finish."""
        if self._published(run) is not None:
            self.records.pause(run.id, is_served=run.is_served)
            self.suspend(run)
        self.drop_copies(run)

    def suspend(self, run: RunView) -> None:
        """Offer no place, for a reason that may pass: :meth:`go_on` undoes it."""
        study = self._published(run)
        if study is not None and study["status"] in OPEN:
            path = f"studies/{study['id']}/"
            self._change(path, "PAUSE", (PAUSED, AWAITING_REVIEW, COMPLETED))

    def go_on(self, run: RunView) -> None:
        """Offer the places again that :meth:`suspend` has closed, unless the run is paused."""
        record = self.records.find(run.id)
        study = None if record is None or record.is_paused else self._published(run)
        if study is not None and study["status"] == PAUSED:
            self._start(run, study)

    def end(self, run: RunView) -> None:
        """Offer no place again, even when submissions are returned or rejected."""
        study = self._published(run)
        if study is not None:
            self.records.end(run.id)
            self._stop(study)
        self.drop_copies(run)

    def keep_closed(self, run: int) -> None:
        """Pause or stop a study again if it offers places although the run was paused or ended.

        A rejection or a return may reopen a study.
        """
        record = self.records.find(run)
        if record is None or record.study_id is None or not record.is_paused:
            return
        study = self._read(record.study_id)
        if record.is_ended:
            self._stop(study)
        elif study["status"] in OPEN:
            path = f"studies/{record.study_id}/"
            self._change(path, "PAUSE", (PAUSED, AWAITING_REVIEW, COMPLETED))

    def count_open(self, run: RunView) -> int:
        """Return how many places a participant could take now."""
        study = self._published(run)
        if study is None or study["status"] not in OPEN:
            return 0
        return max(0, _places(study) - int(study.get("places_taken") or 0))

    def dispose(self, run: RunView) -> None:
        """Delete the drafts of a run that were never published."""
        record = self.records.find(run.id)
        if record is None:
            return
        for study in self._drafts(run):
            with contextlib.suppress(ProlificRefusedError):
                self.api.delete(f"studies/{study['id']}/")

    def add_slots(self, run: RunView) -> None:
        """Restart a study that Prolific has paused because its screen-outs are used up.

        A study that a person has paused on Prolific stays paused.
        """
        record = self.records.find(run.id)
        if self.screen_out is None or record is None or record.is_paused:
            return
        study = self._published(run)
        if study is None:
            return
        if study["status"] == PAUSED:
            if not (record.awaits_start or self._are_slots_used(study)):
                return
            # With its new slots it looks like one that a person has paused.
            self.records.await_start(run.id, awaits=True)
            self._raise_slots(study)
            self._start(run, study)
        elif not record.awaits_start:
            return
        self.records.await_start(run.id, awaits=False)

    def _stop(self, study: Mapping[str, Any]) -> None:
        if study["status"] in NOT_STOPPED:
            self._change(f"studies/{study['id']}/", "STOP", (COMPLETED,))

    def _start(self, run: RunView, study: Mapping[str, Any]) -> None:
        """Start the study of a run, and pause it again if the run was paused in the meantime."""
        self._change(f"studies/{study['id']}/", "START", _STARTED)
        after = self.records.find(run.id)
        if after is not None and after.is_paused:
            # The run was stopped in between; what was started here must not stay open.
            self.suspend(run)

    def _are_slots_used(self, study: Mapping[str, Any]) -> bool:
        """Return whether no screen-out of a study can be paid any more."""
        codes = study.get("completion_codes") or ()
        actions = [action for code in codes for action in code.get("actions") or ()]
        slots = sum(int(each.get("slots") or 0) for each in actions)
        if self.screen_out is None or not slots:
            return False
        counts = self.api.get(f"studies/{study['id']}/submissions/counts/")
        return int(counts.get("SCREENED OUT") or 0) >= slots

    def _raise_slots(self, study: Mapping[str, Any]) -> None:
        """Add as many paid screen-outs as a study began with, once all are used up."""
        if not self._are_slots_used(study):
            return
        codes = [dict(each) for each in study.get("completion_codes") or ()]
        for code in codes:
            code["actions"] = [self._with_more(each) for each in code.get("actions") or ()]
        self.api.patch(f"studies/{study['id']}/", {"completion_codes": codes})

    def _with_more(self, action: Mapping[str, Any]) -> Mapping[str, Any]:
        if "slots" not in action or self.screen_out is None:
            return action
        return {**action, "slots": int(action["slots"]) + self.screen_out.slots}

    def _study(self, run: RunView, places: int) -> Any:
        """Return the study of a run, which is created as a draft if there is none."""
        before = self.records.find(run.id)
        record = before or self.records.begin(run.id, run.url)
        if record.study_id is None:
            # Where the record was there, its study may be too: the reply may have been lost.
            drafts = self._drafts(run) if before is not None else []
            copies = self._copies(run, record) if before is not None else []
            if not (drafts or copies):
                drafts = [self._create(run, record, places)]
            if self.args.prolific_test and not copies:
                # A copy of the draft, published at once to test participants only.
                made = str(self._test(str(drafts[0]["id"]))["study_id"])
            else:
                made = str((copies or drafts)[0]["id"])
            record = self.records.name(run.id, made)
            self._stop_copies(run, record)
            for draft in drafts:
                if record.study_id != draft["id"]:
                    # Of another process, or of a test study: this draft would be left over.
                    with contextlib.suppress(ProlificRefusedError):
                        self.api.delete(f"studies/{draft['id']}/")
        assert record.study_id is not None, "it was stored"
        return self._read(record.study_id)

    def _test(self, draft: str) -> Any:
        """Publish a copy of a draft to test participants; return its id and address."""
        try:
            return self.api.post(f"studies/{draft}/test-study")
        except ProlificRefusedError as error:
            raise famulus.RefusedError(
                f"{error}; a test study needs a workspace for which Prolific has enabled them, and "
                "a test participant (`famulus prolific test-participant EMAIL`)"
            ) from error

    def _lead_to(self, run: RunView, study: Mapping[str, Any]) -> None:
        """Set a draft's address to that of the run; a published study keeps its address.

        :raises famulus.RefusedError: when a published study leads elsewhere, so that it must not
            be started.
        """
        record = self.records.find(run.id)
        if record is None or record.url == run.url:
            return
        if study["status"] != UNPUBLISHED:
            raise famulus.RefusedError(
                f"the study on Prolific leads to {record.url}, which cannot be changed, and run "
                f"{run.id} is served at {run.url}: resume it at the address of the study"
            )
        self.api.patch(f"studies/{study['id']}/", {"external_study_url": study_url(run)})
        self.records.move(run.id, run.url)

    def _published(self, run: RunView) -> Any:
        """Return the study of a run; None if there is none that could offer a place."""
        record = self.records.find(run.id)
        if record is None or record.study_id is None:
            return None
        try:
            return self._read(record.study_id)
        except ProlificRefusedError as error:
            # A draft that was deleted.
            if error.is_missing:
                return None
            raise

    def _read(self, study: str) -> Any:
        return _normal(self.api.get(f"studies/{study}/"))

    def _drafts(self, run: RunView) -> list[Any]:
        """Return the unpublished studies of a run, found by the run's key."""
        name = internal_name(run)
        rows = [each for each in self.api.pages("studies/") if each.get("internal_name") == name]
        return [
            study
            for study in (self._read(str(row["id"])) for row in rows)
            if study.get("metadata") == run.key and study["status"] == UNPUBLISHED
        ]

    def _copies(self, run: RunView, record: StudyRecord) -> list[Any]:
        """Return the test studies of a run that are not stopped, found by the run's codes.

        Whether a test study keeps the internal name and the metadata is not documented.
        """
        if not self.args.prolific_test:
            return []
        names = (internal_name(run), run.plan.task.task_title)
        found = [
            self._read(str(row["id"]))
            for row in self.api.pages("studies/")
            if plain_status(row["status"]) in NOT_STOPPED
            and (row.get("internal_name") in names or row.get("name") in names)
        ]
        own = set(record.codes.values())
        return [
            study
            for study in found
            if own & {code.get("code") for code in study.get("completion_codes") or ()}
        ]

    def drop_copies(self, run: RunView) -> None:
        """Stop test studies of a run that are not the recorded one: their workers are refused.

        An error is only logged, so that the run's own study can be closed; the next sync looks
        again.
        """
        record = self.records.find(run.id)
        if record is None:
            return
        try:
            self._stop_copies(run, record)
        except FamulusError as error:
            _log.warning(
                "run %d: another test study of it may be open on Prolific: %s", run.id, error
            )

    def _stop_copies(self, run: RunView, record: StudyRecord) -> None:
        for study in self._copies(run, record):
            if study["id"] != record.study_id:
                self._stop(study)

    def _create(self, run: RunView, record: StudyRecord, places: int) -> Any:
        return self.api.post("studies/", self._draft(run, record, places))

    def _draft(self, run: RunView, record: StudyRecord, places: int) -> dict[str, Any]:
        task, args = run.plan.task, self.args
        draft = {
            "name": task.task_title,
            "internal_name": internal_name(run),
            "description": description_html(task.task_description or ""),
            "external_study_url": study_url(run),
            "prolific_id_option": "url_parameters",
            "completion_codes": code_rules(record.codes, self.screen_out),
            "total_available_places": places,
            "estimated_completion_time": math.ceil(task.estimated_minutes or 1),
            "maximum_allowed_time": math.ceil(task.assignment_duration_in_seconds / _MINUTE),
            "reward": minor(task.task_reward),
            "device_compatibility": list(args.devices),
            "filters": [dict(each) for each in self.filters(run)],
            "submissions_config": {
                "max_submissions_per_participant": args.submissions_per_participant or -1
            },
            "metadata": run.key,
            "project": self.project,
            "is_external_study_url_secure": args.secure_urls or None,
        }
        return {name: value for name, value in draft.items() if value is not None}

    def _change(self, path: str, action: str, wanted: Sequence[str]) -> None:
        """Send a transition, which another process may have sent at the same time.

        :param wanted: the statuses that show that the transition is done.
        :raises famulus.UnavailableError: when Prolific is still publishing the study.
        """
        try:
            self.api.post(f"{path}transition/", {"action": action})
        except ProlificRefusedError:
            status = _normal(self.api.get(path))["status"]
            if status in wanted:
                return
            if status == PUBLISHING:
                raise UnavailableError("Prolific is still publishing the study") from None
            raise


def internal_name(run: RunView) -> str:
    """Return the name of a run's study in the account, which participants do not see."""
    return f"{run.plan.task_name} (famulus {run.key})"


def study_url(run: RunView) -> str:
    """Return the address that a run's study leads to, with placeholders for Prolific to fill in."""
    separator = "&" if "?" in run.url else "?"
    return f"{run.url}{separator}{urlencode(PARAMETERS, safe='{}%')}"


def _normal(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study with its status in a uniform spelling."""
    return {**study, "status": plain_status(study["status"])}


def _places(study: Mapping[str, Any]) -> int:
    return int(study["total_available_places"])
