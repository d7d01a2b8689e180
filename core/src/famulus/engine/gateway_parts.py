"""The parts of a gateway, made once for the run that it serves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from attrs import frozen

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.provider import Provider
from famulus.engine.admission import Admission
from famulus.engine.arrival import run_rules_of
from famulus.engine.completions import Completions
from famulus.engine.entry import EntryDesk
from famulus.engine.failed_requests import FailedRequests
from famulus.engine.onboarding import OnboardingSubmissions
from famulus.engine.own_work import PaidRun
from famulus.engine.pages import TaskInfo
from famulus.engine.platform.run_views import run_view
from famulus.engine.platform_requests import PlatformRequests
from famulus.engine.plugin_admission import open_admission
from famulus.engine.qualifications.rules import Rule
from famulus.engine.refusal_log import RefusalLog
from famulus.engine.replies import Replies, replies_in
from famulus.engine.returned_units import ReturnedUnits
from famulus.engine.runs import RunRecord, find_run
from famulus.engine.signed_attempts import SignedAttempts
from famulus.engine.submitted_files import SubmittedFiles
from famulus.engine.task_pages import TaskPages
from famulus.engine.tokens import Tokens
from famulus.engine.unstored_answers import UnstoredAnswers
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.outages import Outage
from famulus.plan import RunParts
from famulus.translation import LANGUAGES, Translator

#: Seconds without a failure before an outage is logged as over. Some requests succeed during one:
#: pages are served while uploads meet a full disk.
_CALM_SECONDS = 30.0
#: Headers ``Accept-Language`` whose replies are kept. Workers' browsers send a few; a stranger may
#: send any, of up to several kB.
_KEPT_LANGUAGES = 256


@frozen(eq=False, kw_only=True)
class GatewayParts:
    """What a gateway answers requests with. Used by many threads."""

    run_id: int
    database: Database
    blueprint: Blueprint
    provider: Provider
    info: TaskInfo
    #: by the header ``Accept-Language`` of a request
    replies: Callable[[str], Replies]
    tokens: Tokens
    attempts: SignedAttempts
    admission: Admission
    returned_units: ReturnedUnits
    entry: EntryDesk
    pages: TaskPages
    onboarding: OnboardingSubmissions
    files: SubmittedFiles
    completions: Completions
    unstored_answers: UnstoredAnswers
    refusal_log: RefusalLog
    platform_requests: PlatformRequests
    outage: Outage
    failed_requests: FailedRequests


def gateway_parts(
    record: RunRecord,
    parts: RunParts,
    *,
    requirements: Sequence[Rule],
    info: TaskInfo,
) -> GatewayParts:
    """Make the parts of a run's gateway, and the folders for its files.

    :param requirements: the requirements that apply to workers of the run's provider.
    :raises famulus.UnavailableError: when a folder cannot be created.
    """
    database, blueprint, provider = parts.database, parts.blueprint, parts.provider
    tokens = Tokens(database.signing_keys, database.identity, record.id)
    outage = Outage(f"run {record.id}", calm_seconds=_CALM_SECONDS)
    refusal_log = RefusalLog(database, run=record.id, provider_type=record.provider_type)
    admission = open_admission(
        database, refusal_log, rules=run_rules_of(record, blueprint, requirements), parts=parts
    )
    pages = TaskPages(
        database=database,
        run_id=record.id,
        blueprint=blueprint,
        provider=provider,
        tokens=tokens,
        info=info,
        signs_arrivals=admission.has_everyday_case and database.kind is DatabaseKind.SQLITE,
    )
    return GatewayParts(
        run_id=record.id,
        database=database,
        blueprint=blueprint,
        provider=provider,
        info=info,
        replies=lru_cache(_KEPT_LANGUAGES)(partial(replies_in, info)),
        tokens=tokens,
        attempts=SignedAttempts(database, tokens, admission.rules),
        admission=admission,
        returned_units=ReturnedUnits(
            database=database,
            provider=provider,
            run=lambda: run_view(database, find_run(database, record.id), parts.plan, blueprint),
        ),
        entry=EntryDesk(provider=provider, info=info, admission=admission),
        pages=pages,
        onboarding=OnboardingSubmissions(
            database, blueprint, informs_platform=provider.capabilities.qualifications
        ),
        files=SubmittedFiles.of_run(database, record.id),
        completions=Completions(
            database=database,
            run=PaidRun(
                id=record.id,
                task=record.task_id,
                provider_type=record.provider_type,
                reward=record.reward,
                currency=record.currency,
            ),
            titles={tag: Translator(each)(info.title) for tag, each in LANGUAGES.items()},
            blueprint=blueprint,
            provider=provider,
            admission=admission,
        ),
        unstored_answers=UnstoredAnswers(pages),
        refusal_log=refusal_log,
        platform_requests=PlatformRequests(database, record.id, provider),
        outage=outage,
        failed_requests=FailedRequests(record.id, outage),
    )
