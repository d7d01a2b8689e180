"""Checks of a plan against what Prolific accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from famulus import FamulusError, Plan, Problem
from famulus_prolific.api import TokenError
from famulus_prolific.filters import shape_problems
from famulus_prolific.texts import text_problems
from famulus_prolific.tokens import FILE, NoTokenError
from famulus_prolific.wages import Wage, wage_problems

if TYPE_CHECKING:
    from famulus_prolific.api import ProlificApi
    from famulus_prolific.options import ProlificArgs

#: The architect whose server is a process with nothing of its operator's environment.
_BARE_SERVER = "local"
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def plan_problems(
    plan: Plan, currency: str, wage: Callable[[], Wage | None] = lambda: None
) -> Iterator[Problem]:
    """Yield the problems with pay, time, texts, screen-outs, and the form of filters.

    :param wage: returns Prolific's hourly wages, or None if Prolific cannot be asked.
    """
    yield from wage_problems(plan, currency, wage)
    yield from text_problems(plan)
    yield from _screen_out_problems(plan)
    yield from shape_problems(plan)


def address_problems(plan: Plan, api_url: str | None) -> Iterator[Problem]:
    """Yield a problem if participants would be sent to an address without HTTPS.

    :param api_url: the address called in place of Prolific. An address on this machine means a
        rehearsal, whose participants are on this machine too.
    """
    public = getattr(plan.architect.args, "public_url", None) or ""
    is_rehearsal = urlsplit(api_url or "").hostname in _THIS_MACHINE
    if is_rehearsal or public.startswith("https://"):
        return
    served = f"and {public} is not" if public else "but this run has no such address"
    message = (
        f"participants come to an address with HTTPS, {served}; put a reverse proxy or a tunnel "
        "with HTTPS in front of the run, and give its https:// address here "
        "(docs/how-to/public.md)"
    )
    yield plan.problem("architect.public_url", message)


def project_problems(plan: Plan, workspace: str | None) -> Iterator[Problem]:
    """Yield a problem if the study would not be in the workspace that the options name.

    :param workspace: the requester's workspace, to which the requester's project belongs.
    """
    args: ProlificArgs = plan.provider.args
    if args.workspace not in (None, workspace) and args.project is None:
        message = (
            "a study is in the workspace of its project, and none is named; set it to one of the "
            f"workspace {args.workspace}"
        )
        yield plan.problem("provider.project", message)


def server_problems(plan: Plan, token_in: str) -> Iterator[Problem]:
    """Yield a problem if a run's server could not verify arrivals and would refuse them all.

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
    """Yield a problem if the token cannot be used; a warning if Prolific cannot be asked.

    :param api: returns the client; reads the token when called.
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
                f"the token is of the account {owner}, but the requester was registered as "
                f"{account}; put the token of that account in its place, or register another "
                "requester"
            )
            yield plan.problem(option, message)


def _screen_out_problems(plan: Plan) -> Iterator[Problem]:
    args: ProlificArgs = plan.provider.args
    reward, slots = args.screen_out_reward, args.screen_out_slots
    if (reward is None) != (not slots):
        missing = "screen_out_reward" if reward is None else "screen_out_slots"
        message = (
            "is not set; screen_out_reward and screen_out_slots need each other: set both, or none"
        )
        yield plan.problem(f"provider.{missing}", message)
    if reward is not None and plan.task.task_reward and reward >= plan.task.task_reward:
        message = (
            f"{reward} is not less than the reward of a unit, {plan.task.task_reward}; lower it"
        )
        yield plan.problem("provider.screen_out_reward", message)
