"""The texts for people whose link gives no work."""

from __future__ import annotations

from famulus import PluginRefusal, RefusalReason
from famulus_links.catalogue import _

NO_LINK = PluginRefusal(
    reason=RefusalReason.UNKNOWN_LINK,
    code="link_needed",
    title=_("This page needs your link"),
    text=_(
        "Please open the whole link that you were sent, or go back to the site that sent you here "
        "and start again from there."
    ),
)
UNKNOWN = PluginRefusal(
    reason=RefusalReason.UNKNOWN_LINK,
    code="link_unknown",
    title=_("This link does not work here"),
    text=_(
        "A part of it may be missing, or it may be for another task. Please open it exactly as it "
        "was sent to you. If that does not help, please write to the person who sent it."
    ),
)
EXPIRED = PluginRefusal(
    reason=RefusalReason.UNKNOWN_LINK,
    code="link_expired",
    title=_("This link has expired"),
    text=_(
        "It was valid for a limited time. If you would still like to take part, please ask the "
        "person who sent it to you for another one."
    ),
)
REVOKED = PluginRefusal(
    reason=RefusalReason.UNKNOWN_LINK,
    code="link_revoked",
    title=_("This link is no longer valid"),
    text=_(
        "It was withdrawn. If you think that this is a mistake, please write to the person who "
        "sent it to you."
    ),
)
USED_UP = PluginRefusal(
    reason=RefusalReason.UNKNOWN_LINK,
    code="link_used_up",
    title=_("This link has been used up"),
    text=_(
        "It was for a limited number of uses, and all of them are taken. If you have just sent "
        "your answers, they are stored. Otherwise please ask the person who sent the link for "
        "another one."
    ),
)
