"""The placeholders of templates that were made on MTurk, where ``${column}`` is a value.

Ground Truth fills in only Liquid, and MTurk only ``${column}``, so that no template uses both. So
in a template that uses ``task.input``, every ``${…}`` stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from famulus_crowd_form.contexts import is_code
from famulus_crowd_form.html_tokens import Kind, tokens

# Liquid is passed over; names are those that cannot end a string of Liquid.
_PLACEHOLDER = re.compile(
    r"""\{%-?\s*(?P<block>raw|comment)\s*-?%\}.*?\{%-?\s*end(?P=block)\s*-?%\}
    |\{\{.*?\}\}|\{%.*?%\}
    |\$\{[ \t]*(?P<name>[\w.:/()-](?:[\w.:/()\ -]*[\w.:/()-])?)[ \t]*\}""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_TASK = re.compile(r"(?<![\w.-])task\s*[.\[]")


def with_values(source: str) -> str:
    """Return the template with an output of Liquid for each placeholder; line numbers stay.

    In a script, ``${…}`` can be part of a template literal, so it is filled only if the row has
    that column.
    """
    if "${" not in source:
        return source
    hidden = _hidden(source)
    comments = _comments(hidden)
    if _uses_task(source, comments):
        return source
    scripts = [
        (token.end, token.content_end)
        for token in tokens(hidden)
        if token.name == "script" and token.content_end is not None and is_code(token)
    ]

    def value(found: re.Match[str]) -> str:
        name, place = found["name"], found.start()
        if name is None or _is_in(comments, place):
            return found[0]
        path = f'task.input["{name}"]'
        if _is_in(scripts, place):
            output = f"{{{{ {path} | as_on_mturk }}}}"
            return f"{{% if {path} != nil %}}{output}{{% else %}}{found[0]}{{% endif %}}"
        return f"{{{{ {path} }}}}"

    return _PLACEHOLDER.sub(value, source)


def literal_placeholders(source: str) -> Iterator[tuple[str, int]]:
    """Yield the name and offset of each ``${…}`` that is not filled because of ``task.input``."""
    if "${" not in source:
        return
    comments = _comments(_hidden(source))
    if not _uses_task(source, comments):
        return
    for found in _PLACEHOLDER.finditer(source):
        if found["name"] is not None and not _is_in(comments, found.start()):
            yield found["name"], found.start()


def _uses_task(source: str, comments: list[tuple[int, int]]) -> bool:
    return any(
        found["name"] is None
        and found["block"] is None
        and _TASK.search(found[0]) is not None
        and not _is_in(comments, found.start())
        for found in _PLACEHOLDER.finditer(source)
    )


def _comments(hidden: str) -> list[tuple[int, int]]:
    return [(each.start, each.end) for each in tokens(hidden) if each.kind is Kind.OTHER]


def _is_in(spans: list[tuple[int, int]], place: int) -> bool:
    return any(start <= place < end for start, end in spans)


def _hidden(source: str) -> str:
    return _PLACEHOLDER.sub(lambda found: re.sub(r"[^\n]", "x", found[0]), source)
