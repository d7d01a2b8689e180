"""The command ``famulus form``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

import famulus

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group
def form() -> None:
    """Work on forms in YAML."""


@form.command
@click.argument("file", type=_FILE)
@click.option(
    "--data",
    type=_FILE,
    help="CSV, JSON or JSON lines, whose first rows are shown; data.csv, data.json or data.jsonl"
    " beside FILE when not given.",
)
@click.option(
    "--files",
    type=_FOLDER,
    metavar="FOLDER",
    help="Folder of images, audio and video, in place of the form's own.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 for any."
)
@click.option(
    "--items", type=click.IntRange(1, 100), default=1, metavar="N", help="Rows of one unit."
)
@famulus.pass_session
def preview(
    session: famulus.Session,
    file: Path,
    data: Path | None,
    files: Path | None,
    port: int,
    items: int,
) -> None:
    """Show the form in FILE in your browser, and again whenever you change it.

    Answers that you send are checked as in a run, and shown in the form of an export; nothing is
    stored. Ctrl-C ends it.
    """
    from famulus_form.form import FOLDERS
    from famulus_form.preview import FormPreview, data_beside, data_option
    from famulus_form.preview_server import PreviewServer

    if data is not None:
        data_option(data)
    shown = data or data_beside(file)

    def report(problems: Sequence[famulus.Problem]) -> None:
        session.warn(*problems)
        if not problems:
            session.say(f"{file} can be shown again")

    try:
        server = PreviewServer(port, FormPreview(file, shown, items), files, FOLDERS, report)
    except OSError as error:
        message = f"port {port} cannot be used ({error.strerror}); choose another with --port"
        raise famulus.UsageError(message) from error
    with server:
        rows = f" with {shown}" if shown else ", without data (--data)"
        session.say(f"Preview of {file}{rows}: {server.url}")
        server.report_problems()
        server.serve_forever()
