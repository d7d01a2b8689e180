"""Checks of a plan against what Prolific takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from famulus import FamulusError, Plan, Problem, SharedTaskState
from famulus_prolific.api import TokenError
from famulus_prolific.texts import text_problems
from famulus_prolific.tokens import FILE, NoTokenError
from famulus_prolific.wages import Wage, wage_problems

if TYPE_CHECKING:
    from famulus_prolific.api import ProlificApi
    from famulus_prolific.options import ProlificArgs

_SPECIFIC = "shared_state.prolific_specific_qualifications"
#: Members of a filter that say what is selected.
_SELECTIONS = ("selected_values", "selected_range")
#: The architect whose server is a process with nothing of its operator's environment.
_BARE_SERVER = "local"
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def specific_filters(state: SharedTaskState) -> Sequence[Any]:
    """Return the filters that a run script passes through to Prolific.

    There are none in a value that is not a list, which core reports.
    """
    found = state.specific_qualifications.get("prolific")
    return found if isinstance(found, (list, tuple)) else ()


def plan_problems(
    plan: Plan, currency: str, wage: Callable[[], Wage | None] = lambda: None
) -> Iterator[Problem]:
    """Yield what is wrong with a plan by itself.

    :param wage: returns what Prolific wants an hour to pay; None where it cannot be asked.
    """
    yield from wage_problems(plan, currency, wage)
    yield from text_problems(plan)
    yield from _screen_out_problems(plan)
    for number, each in enumerate(specific_filters(plan.shared_state), start=1):
        if not _is_filter(each):
            message = (
                f"number {number} is no filter of Prolific's: a mapping of filter_id and one of "
                f"{', '.join(_SELECTIONS)}"
            )
            yield Problem(message, key=_SPECIFIC)


def address_problems(plan: Plan, api_url: str | None) -> Iterator[Problem]:
    """Yield that participants would be sent to an address without HTTPS.

    :param api_url: what is called in place of Prolific. One on this machine is a rehearsal, whose
        participants are on this machine too.
    """
    public = getattr(plan.architect.args, "public_url", None) or ""
    is_rehearsal = urlsplit(api_url or "").hostname in _THIS_MACHINE
    if is_rehearsal or public.startswith("https://"):
        return
    served = f"and {public} is not" if public else "and this run has no such address"
    message = (
        f"participants come to an address with HTTPS, {served}; put a reverse proxy or a tunnel "
        "with HTTPS in front of the run, and give its https:// address here "
        "(docs/how-to/public.md)"
    )
    yield plan.problem("architect.public_url", message)


def server_problems(plan: Plan, token_in: str) -> Iterator[Problem]:
    """Yield that the server of a run could not verify arrivals, and would turn everyone away.

    :param token_in: where the requester's token is kept.
    """
    args: ProlificArgs = plan.provider.args
    if plan.architect.type != _BARE_SERVER or token_in == FILE or args.secure_urls:
        return
    if args.verify_arrivals:
        message = (
            f"the server of the run cannot read the token from the {token_in}, so it could not "
            f"verify who arrives: register the requester again with keep_token_in={FILE}, or set "
            "provider.secure_urls where the workspace has them"
        )
        yield plan.problem("provider.requester_name", message)


def token_problems(api: Callable[[], ProlificApi], plan: Plan, account: str) -> Iterator[Problem]:
    """Yield that the token cannot be used; a warning where Prolific cannot be asked.

    :param api: reads the token.
    :param account: the id of the account that was registered.
    """
    option = "provider.requester_name"
    try:
        owner = str(api().get("users/me/")["id"])
    except (NoTokenError, TokenError) as error:
        yield plan.problem(option, str(error))
    except FamulusError as error:
        message = f"whether Prolific accepts the token cannot be checked now: {error}"
        yield plan.problem(option, message, warning=True)
    else:
        if account and owner != account:
            message = (
                f"the token is of the account {owner}, and the requester was registered as "
                f"{account}; put the token of that account in its place, or register another "
                "requester"
            )
            yield plan.problem(option, message)


def filter_problems(api: Callable[[], ProlificApi], plan: Plan) -> Iterator[Problem]:
    """Yield the filters that Prolific's list does not have; a warning where it cannot be read.

    :param api: reads the token; called where there are filters.
    """
    given = [each for each in specific_filters(plan.shared_state) if _is_filter(each)]
    if not given:
        return
    try:
        known = {str(each["filter_id"]): each for each in api().pages("filters/")}
    except FamulusError as error:
        message = f"the filters could not be compared with Prolific's list: {error}"
        yield Problem(message, key=_SPECIFIC, warning=True)
        return
    for each in given:
        name = each["filter_id"]
        found = known.get(name)
        if found is None:
            yield Problem(f"Prolific has no filter {name!r}", key=_SPECIFIC)
            continue
        choices = found.get("choices") or {}
        values = each.get("selected_values") or ()
        unknown = [str(value) for value in values if choices and str(value) not in choices]
        if unknown:
            message = f"the filter {name!r} has no choice {', '.join(unknown)}"
            yield Problem(message, key=_SPECIFIC)


def _is_filter(given: Any) -> bool:
    return (
        isinstance(given, Mapping)
        and isinstance(given.get("filter_id"), str)
        and sum(name in given for name in _SELECTIONS) == 1
    )


def _screen_out_problems(plan: Plan) -> Iterator[Problem]:
    args: ProlificArgs = plan.provider.args
    reward, slots = args.screen_out_reward, args.screen_out_slots
    if (reward is None) != (not slots):
        missing = "screen_out_reward" if reward is None else "screen_out_slots"
        message = "pays participants who are screened out; screen_out_reward and screen_out_slots "
        yield plan.problem(f"provider.{missing}", f"{message}are set together")
    if reward is not None and plan.task.task_reward and reward >= plan.task.task_reward:
        message = f"{reward} is not less than the reward, {plan.task.task_reward}"
        yield plan.problem("provider.screen_out_reward", message)
