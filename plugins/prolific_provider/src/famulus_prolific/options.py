"""Options of the provider, and of registering a requester."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import frozen

from famulus import option
from famulus_prolific.tokens import PLACES, VARIABLE

if TYPE_CHECKING:
    from attrs import Attribute

_DEVICES = ("desktop", "tablet", "mobile")


def _is_count(_: object, _field: Attribute[int], value: int) -> None:
    if value < 0:
        raise ValueError(f"{value} is negative; give 0 for any number, or more")


def _is_reward(_: object, _field: Attribute[Decimal | None], value: Decimal | None) -> None:
    if value is None:
        return
    if value <= 0 or value != round(value, 2):
        raise ValueError(f"{value} is not a positive amount with at most two decimals")


def _are_devices(_: object, _field: Attribute[list[str]], value: list[str]) -> None:
    unknown = [each for each in value if each not in _DEVICES]
    if unknown or not value:
        raise ValueError(f"lists the devices of participants, of: {', '.join(_DEVICES)}")


@frozen(kw_only=True)
class ProlificArgs:
    """Options of the provider ``prolific``."""

    requester_name: str | None = option(
        help="Registered requester that pays; the only registered one when unset."
    )
    specific_qualifications: list[dict[str, Any]] = option(
        help="Prolific's own filters, in its own format: mappings of filter_id and either "
        "selected_values or selected_range. Participants fit them all, and those of a run script. "
        "`famulus prolific filters` lists what there is.",
        factory=list,
    )
    devices: list[str] = option(
        help="Devices that participants may use: desktop, tablet, mobile.",
        factory=lambda: list(_DEVICES),
        validator=_are_devices,
    )
    submissions_per_participant: int = option(
        help="Submissions that one participant may make; 0 is any number. Each is one visit, and "
        "one unit.",
        default=1,
        validator=_is_count,
    )
    screen_out_reward: Decimal | None = option(
        help="Fixed amount for a participant who is screened out, less than the reward; without "
        "it, they are asked to return their submission, and get nothing.",
        validator=_is_reward,
    )
    screen_out_slots: int = option(
        help="Participants who may be screened out and paid; the study pauses when they are used "
        "up.",
        default=0,
        validator=_is_count,
    )
    secure_urls: bool = option(
        help="Have Prolific sign the address with which a participant arrives. Only some "
        "workspaces can; elsewhere the study is refused.",
        default=False,
    )
    verify_arrivals: bool = option(
        help="Ask Prolific once for each submission whether it is of the participant and the study "
        "that the address names. Without this check, and without secure_urls, anyone can make up "
        "an address.",
        default=True,
    )
    prolific_test: bool = option(
        help="Make a test study, which only test participants see and which costs nothing. Only "
        "some workspaces can.",
        default=False,
    )
    workspace: str | None = option(
        help="Id of the workspace; the requester's when unset. Another one needs a project in it."
    )
    project: str | None = option(
        help="Id of the project that studies belong to; the requester's when unset."
    )
    api_url: str | None = option(
        help="Address of a gateway or a test double to call instead of Prolific; the requester's, "
        "or Prolific's own, when unset."
    )
    site_url: str | None = option(
        help="Origin of a test double of the participants' site; Prolific's own when unset."
    )


@frozen(kw_only=True)
class ProlificRequesterArgs:
    """Options of a requester. The token is kept outside of the database."""

    token: str | None = option(
        help="API token, which has all rights of the account; when unset, that of the variable "
        f"{VARIABLE}.",
        secret=True,
    )
    keep_token_in: str | None = option(
        help="Where the token is kept: in a file that only its owner can read, in the system's "
        "keyring, or in the environment, where you set it. A file when unset; a token of the "
        "environment stays there. The server of a run can only read it from a file.",
        choices=PLACES,
    )
    workspace: str | None = option(help="Id of the workspace; the only one when unset.")
    project: str | None = option(
        help="Id of the project that studies belong to; the only one when unset. Of several, "
        "Prolific chooses one."
    )
    api_url: str | None = option(help="Address of a gateway to call instead of Prolific.")
