"""The page of every hook."""

from __future__ import annotations

from famulus.contracts import hookspecs

from .classes import describe
from .markdown import code, document, prose, signature

PAGE = "hooks.md"

_INTRODUCTION = """
A plugin is a module (or any object) behind an entry point of the group `famulus`. Its functions
marked with `@famulus.hookimpl` and named as below implement the hooks. It implements only those
that it needs.

```toml
[project.entry-points.famulus]
words = "famulus_words"
```

Arguments are passed by name: take those you want and leave the others out, so that later versions
can add some. `famulus plugins` lists what each plugin registers, or why it is refused: it cannot be
imported, implements a hook that does not exist, or returns something other than a list of complete
classes. Naming a refused plugin in a configuration is an error with that reason; a refused plugin
does not affect the others. `FAMULUS_DISABLED_PLUGINS` names plugins, separated by commas, that are
not loaded.

[Contracts](contracts.md) describes the classes. Commands need no hook: the entry points of the
group `famulus.commands` name click commands.
"""


def hooks_page() -> str:
    """Return the page: hooks that register, then those that listen."""
    specs = {name: spec for name, spec in vars(hookspecs).items() if hasattr(spec, "famulus_spec")}
    register = {name: spec for name, spec in specs.items() if name.startswith("famulus_register_")}
    parts = [_INTRODUCTION]
    for title, names in (
        ("Hooks that register", register),
        ("Hooks that notify", specs.keys() - register.keys()),
    ):
        parts.append(f"## {title}")
        for name, spec in specs.items():
            if name in names:
                shown = code(f"@famulus.hookimpl\ndef {signature(name, spec)}: ...")
                parts.append(f"### {name}\n\n{shown}\n\n{prose(spec.__doc__, PAGE)}")
    parts.append(f"### RunEvent\n\n{describe(hookspecs.RunEvent, PAGE)}")
    return document("Hooks", *parts)
