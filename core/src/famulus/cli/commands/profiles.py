"""``famulus profiles``."""

from __future__ import annotations

from famulus.cli.output import say, say_json
from famulus.cli.text_layout import table
from famulus.options.profiles import list_profiles, profiles_folder


def profiles(as_json: bool) -> None:
    """List your profiles: configurations that `--profile NAME` puts under that of a task."""
    found = list_profiles()
    if as_json:
        rows = [{"name": each.name, "file": str(each.file)} for each in found]
        say_json(rows)
        return
    lines = table([("NAME", "FILE"), *((each.name, str(each.file)) for each in found)])
    for line in lines if found else ():
        say(line)
    if not found:
        folder = profiles_folder()
        say(f"No profiles yet; each is a file NAME.yaml in {folder}", err=True)
