"""Switches for what Prolific's documentation leaves open; tests try each position."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from attrs import Factory, define


@define(kw_only=True)
class Facts:
    """Assumptions about undocumented behaviour of the platform."""

    #: whether errors are in the envelope ``error``; some endpoints send ``message`` and ``detail``
    errors_in_envelope: bool = True
    #: the status of a transition that the current status does not allow
    wrong_state: HTTPStatus = HTTPStatus.BAD_REQUEST
    #: the status of a request for a feature that the workspace does not have
    no_feature: HTTPStatus = HTTPStatus.FORBIDDEN
    #: whether pausing a paused study and the like is refused rather than ignored
    repeats_refused: bool = True
    #: how long a study is PUBLISHING before it is ACTIVE
    publishing_takes: timedelta = timedelta(0)
    #: the call that refuses a reward below the minimum: ``create``, ``publish`` or ``never``
    low_reward_refused_at: str = "publish"
    #: the lowest and the recommended pay of an hour by the currency, in cents
    wages: dict[str, tuple[int, int]] = Factory(lambda: {"GBP": (600, 900), "USD": (800, 1200)})
    #: whether the account can be asked for them
    recommends_rewards: bool = True
    #: whether the account can be asked how long recruiting may take
    predicts_recruitment: bool = True
    #: whether a study that was stopped recruits again after a rejection or a return
    rejection_wakes_stopped: bool = False
    #: whether a paused study whose places are all used goes on to AWAITING REVIEW or COMPLETED
    paused_moves_on: bool = False
    #: what becomes of a reservation after ten minutes: ``removed``, ``RETURNED``, ``TIMED-OUT``
    expired_reservation: str = "removed"
    #: whether a code that is entered after the time ran out still hands in the work
    late_codes_accepted: bool = False
    #: whether a participant who returned a submission can start another
    returned_may_come_back: bool = False
    #: whether a code that asks for a return makes the submission RETURNED by itself
    return_codes_return: bool = False
    #: whether a code for being screened out is still paid once the slots are used up
    screen_outs_beyond_slots_paid: bool = False
    #: whether the actions RETURN and UNRETURN are carried out for researchers
    researchers_may_return: bool = False
    #: whether bonuses are paid for submissions that were returned
    returned_get_bonuses: bool = True
    #: whether one id that cannot be approved makes the whole bulk approval fail
    bulk_approval_is_strict: bool = False
    #: how long after the reply a bulk approval has its effect
    bulk_approval_takes: timedelta = timedelta(0)
    #: rejections that an account may make; None for no limit
    most_rejections: int | None = None
    #: how long after they were paid bonuses show in a submission
    bonuses_take: timedelta = timedelta(minutes=3)
    #: how long paying keeps other payments of the account from being accepted
    paying_takes: timedelta = timedelta(minutes=1)
    #: the status of a payment that another one keeps from being accepted
    paying_busy: HTTPStatus = HTTPStatus.BAD_REQUEST
    #: whether a set of bonuses that is already being paid is refused
    paying_twice_refused: bool = False
    #: whether two participant groups cannot have one name
    group_names_unique: bool = False
    #: whether fees are rounded to whole cents; otherwise to hundredths of one
    fees_in_whole_cents: bool = False
    #: whether the reward in lists of submissions is in hundredths of a cent
    list_rewards_in_fractions: bool = True
    #: whether dates in lists of submissions are written DD/MM/YYYY
    list_dates_day_first: bool = False
    #: whether lists of studies show ``metadata``
    lists_show_metadata: bool = False
    #: whether a test study has the internal name and the metadata of its draft
    test_studies_keep_names: bool = True
    #: whether listing workspaces without ``limit`` is refused
    workspaces_need_limit: bool = True
    #: ``aud`` of secure URLs: the whole ``address``, the ``origin`` or the ``domain``
    audience: str = "address"
    #: whether the reply to a new subscription is ``{"results": [...]}``
    new_subscription_in_list: bool = False
    #: ``X-Timestamp`` of events as ``seconds`` since 1970 or in ``iso`` form
    event_times: str = "seconds"
    #: whether webhooks are only sent to ``https`` addresses, as the platform does; a fake on one
    #: machine would reach none
    https_targets_only: bool = False
