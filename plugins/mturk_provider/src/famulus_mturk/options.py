"""Options of the providers, and of registering a requester."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from famulus import option

if TYPE_CHECKING:
    from attrs import Attribute

_LONGEST_APPROVAL = 2_592_000
_HIGHEST_FRAME = 100_000


def _is_delay(_: object, _field: Attribute[int], value: int) -> None:
    if not 0 <= value <= _LONGEST_APPROVAL:
        raise ValueError(f"{value} is not from 0 to {_LONGEST_APPROVAL} seconds (30 days)")


def _is_height(_: object, _field: Attribute[int], value: int) -> None:
    if not 0 <= value <= _HIGHEST_FRAME:
        raise ValueError(f"{value} is not from 0 (as high as the page) to {_HIGHEST_FRAME} pixels")


@frozen(kw_only=True)
class MturkArgs:
    """Options of the providers ``mturk`` and ``mturk_sandbox``."""

    requester_name: str | None = option(
        help="Registered requester that pays; the only registered one when unset."
    )
    specific_qualifications: list[dict[str, Any]] = option(
        help="Conditions in MTurk's own format, such as the number of approved HITs: mappings of "
        "QualificationTypeId, Comparator and so on. Workers meet them all, and those of a run "
        "script.",
        factory=list,
    )
    frame_height: int = option(
        help="Height of the task's frame in pixels; 0 lets it follow the page.",
        default=0,
        validator=_is_height,
    )
    auto_approval_delay_in_seconds: int = option(
        help="Seconds after a submission until MTurk approves and pays it automatically, reviewed "
        "or not.",
        default=604_800,
        validator=_is_delay,
    )
    verify_arrivals: bool = option(
        help="Ask MTurk at each arrival whether the HIT is accepted, before work is shown. Without "
        "this check, anyone who has seen the preview of a HIT can occupy its unit, for as long as "
        "one unit may take, and the worker who accepts the HIT is refused.",
        default=True,
    )
    region: str | None = option(help="AWS region; the requester's, or us-east-1, when unset.")
    endpoint_url: str | None = option(
        help="Address of a gateway or a test double to call instead of MTurk; the requester's, or "
        "MTurk's own, when unset."
    )
    worker_site: str | None = option(
        help="Origin of a test double of the workers' site; MTurk's own when unset."
    )


@frozen(kw_only=True)
class MturkRequesterArgs:
    """Options of a requester. The keys themselves stay where AWS's own tools keep them."""

    profile: str | None = option(
        help="Profile of ~/.aws that holds the keys; AWS's own search for keys when unset."
    )
    region: str | None = option(help="AWS region; us-east-1 when unset.")
    endpoint_url: str | None = option(help="Address of a gateway to call instead of MTurk.")
