"""The placeholders of templates that were made on MTurk, where ``${column}`` is a value."""

from __future__ import annotations

import re

from famulus_crowd_form.contexts import is_code
from famulus_crowd_form.html_tokens import Kind, tokens

# Liquid is passed over; names are those that cannot end a string of Liquid.
_PLACEHOLDER = re.compile(
    r"""\{%-?\s*(?P<block>raw|comment)\s*-?%\}.*?\{%-?\s*end(?P=block)\s*-?%\}
    |\{\{.*?\}\}|\{%.*?%\}
    |\$\{[ \t]*(?P<name>[\w.:/()-](?:[\w.:/()\ -]*[\w.:/()-])?)[ \t]*\}""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)


def with_values(source: str) -> str:
    """Return a template whose placeholders are values of Liquid; lines stay as they are.

    In a script, ``${…}`` can be the script's own: there it is a value only where the row has it.
    """
    if "${" not in source:
        return source
    scripts, comments = [], []
    for token in tokens(_hidden(source)):
        if token.kind is Kind.OTHER:
            comments.append((token.start, token.end))
        elif token.name == "script" and token.content_end is not None and is_code(token):
            scripts.append((token.end, token.content_end))

    def value(found: re.Match[str]) -> str:
        name, place = found["name"], found.start()
        if name is None or any(start <= place < end for start, end in comments):
            return found[0]
        path = f'task.input["{name}"]'
        if any(start <= place < end for start, end in scripts):
            output = f"{{{{ {path} | as_on_mturk }}}}"
            return f"{{% if {path} != nil %}}{output}{{% else %}}{found[0]}{{% endif %}}"
        return f"{{{{ {path} }}}}"

    return _PLACEHOLDER.sub(value, source)


def _hidden(source: str) -> str:
    return _PLACEHOLDER.sub(lambda found: re.sub(r"[^\n]", "x", found[0]), source)
