"""The texts that the scripts of a task page show, in the language of the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from famulus.catalogue import _, _n
from famulus.translation import LANGUAGES, TranslatableText, Translator

#: By the names under which ``clock.js`` and ``worker.js`` find them.
TEXTS: Mapping[str, TranslatableText] = MappingProxyType(
    {
        "secondsLeft": _("{count} s left"),
        "minutesLeft": _("{count} min left"),
        "hoursLeft": _("{hours} h {minutes} min left"),
        "timeOver": _(
            "The time for this one is over; you may still submit, it will be marked late."
        ),
        "sending": _("Sending…"),
        "sendingAnswers": _("Sending your answers…"),
        "unclear": _(
            "That did not work, and your answers are not submitted. They are still on this page:"
            " please try again."
        ),
        "notAnswering": _("The server is not answering."),
        "howToLeave": _(
            "The task may have ended. If you do not want to wait, return it where you accepted it,"
            " or write to the requester; your answers are submitted only if the server answers"
            " again."
        ),
        "serverFault": _("Something went wrong on the server."),
        # Translators: {when} is the text "now" or "in {count} s".
        "tryingAgain": _("Your answers are kept; trying again {when}…"),
        "now": _("now"),
        "inSeconds": _("in {count} s"),
        "tryNow": _("Try now"),
        "backToAnswers": _("Back to my answers"),
        "unreadable": _(
            "The file “{name}” cannot be read any more: it was changed or moved after you chose it."
            " Please choose it again, then submit."
        ),
        "tooLarge": _(
            "A file is too large for the server. Please choose a smaller one; your other answers"
            " are still here."
        ),
        "filesAgain": _(
            "Your answers were kept when the page was loaded again, but files cannot be: please"
            " choose {names} again."
        ),
        "quoted": _("“{name}”"),
        "giveBack": _(
            "Give this one back? Another worker will get it, and your answers to it are not kept."
        ),
        "yesGiveBack": _("Yes, give it back"),
        "keepWorking": _("Keep working"),
    }
)
#: Those that depend on a number, which only the script knows.
PLURALS: Mapping[str, TranslatableText] = MappingProxyType(
    {"daysLeft": _n("{count} day left", "{count} days left", count=2)}
)


@cache
def script_texts(tag: str) -> str:
    """Return the texts in a language as a JSON object.

    The result is for :func:`famulus.engine.pages.document.script`.
    """
    language = LANGUAGES[tag]
    translate = Translator(language)
    texts: dict[str, object] = {name: translate(text) for name, text in TEXTS.items()}
    for name, text in PLURALS.items():
        texts[name] = translate.plural_forms(text)
    return json.dumps({"language": language.attributes, **texts})
