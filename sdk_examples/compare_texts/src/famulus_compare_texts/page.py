"""The page as HTML. Every value goes through ``escape``; nothing else comes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import famulus
from famulus_compare_texts.options import CompareTextsArgs

HEAD = '<link rel="stylesheet" href="compare_texts.css">'
SCRIPTS = '<script src="compare_texts.js"></script>'

_NAMES = ("First text", "Second text")


def comparison(args: CompareTextsArgs, row: Mapping[str, Any], first: str) -> famulus.Page:
    """Show a pair, with the text ``first`` (``a`` or ``b``) before the other."""
    sides = (first, "b" if first == "a" else "a")
    context = row.get("context")
    body = (
        f'<div class="compare">\n<h2>{escape(args.question)}</h2>\n'
        + (f'<p class="compare-context">{escape(str(context))}</p>\n' if context else "")
        + f'<div class="compare-texts">{_text(0, row[sides[0]])}{_text(1, row[sides[1]])}</div>\n'
        + _choices(args, sides)
        + _reason(args)
        + "\n</div>"
    )
    return famulus.Page(head=HEAD, body=body, scripts=SCRIPTS)


def _text(number: int, text: str) -> str:
    return (
        f'<section class="compare-text" aria-labelledby="compare-text-{number}">'
        f'<h3 id="compare-text-{number}">{_NAMES[number]}</h3>'
        f"<p>{escape(text)}</p></section>"
    )


def _choices(args: CompareTextsArgs, sides: tuple[str, str]) -> str:
    first, second = _choice(sides[0], "1", _NAMES[0]), _choice(sides[1], "2", _NAMES[1])
    tie = _choice("tie", "0", "About equal") if args.ties else ""
    keys = '<span class="compare-keys">· press a key, then <kbd>Enter</kbd></span>'
    return (
        f'<fieldset class="compare-choices"><legend>Your choice {keys}</legend>'
        f"{first}{tie}{second}</fieldset>\n"
    )


def _choice(value: str, key: str, label: str) -> str:
    return (
        f'<label><input type="radio" name="better" value="{value}" data-key="{key}" required>'
        f"<span>{label}</span> <kbd>{key}</kbd></label>"
    )


def _reason(args: CompareTextsArgs) -> str:
    if args.reason == "none":
        return ""
    required = args.reason == "required"
    return (
        f'<p class="compare-reason"><label for="reason">Why?{"" if required else " (optional)"}'
        '</label><textarea id="reason" name="reason" rows="2" maxlength="2000"'
        f"{' required' if required else ''}></textarea></p>\n"
    )
