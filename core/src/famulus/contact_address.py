"""Contacts that are an address, without words of a language."""

from __future__ import annotations

import re

_MAIL_ADDRESS = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]+")


def is_mail_address(contact: str) -> bool:
    """Return whether a contact is a mail address and nothing else."""
    return bool(_MAIL_ADDRESS.fullmatch(contact))


def is_web_address(contact: str) -> bool:
    """Return whether a contact is a web address and nothing else."""
    return bool(_WEB_ADDRESS.fullmatch(contact))
