"""A Flask site of one's own with a task in it: ``python flask_site.py``.

The site's front page shows the run's progress, ``/results`` the answers, and workers
come in at ``/task/``. One process does all of it; start it again, and the run goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from flask import Flask, render_template_string
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import run_simple

from famulus import (
    Database,
    Launched,
    Operator,
    RunStatus,
    UnitStatus,
    export_records,
    list_runs,
)
from famulus_flask import create_app

CONFIGURATION = Path(__file__).parent / "task.yaml"

STATUS = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Run {{ look.run_id }}</title>
<h1>{{ look.task_name }}, run {{ look.run_id }}</h1>
<p>The run is {{ look.status }}: {{ look.done }} of {{ look.total }} units done,
{{ look.at_work }} at work, {{ look.units.get(waiting, 0) }} waiting for a worker.</p>
<progress max="{{ look.total }}" value="{{ look.done }}">{{ look.done }}</progress>
<p><a href="results">Results</a> · come in as {% for entrance in entrances -%}
<a href="{{ entrance }}">{{ entrance }}</a> {% endfor %}</p>
"""

RESULTS = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Results</title>
<h1>Results</h1>
<table>
<tr><th>word</th><th>familiarity</th><th>worker</th><th>submitted</th></tr>
{%- for record in records %}
<tr><td>{{ record.inputs.word }}</td><td>{{ record.outputs.familiarity }}</td>
<td>{{ record.worker }}</td><td>{{ record.submitted_at }}</td></tr>
{%- endfor %}
</table>
"""


@contextmanager
def open_site(database: Database, url: str) -> Iterator[Flask]:
    """Launch the run, or go on with the last one, and yield the site that serves it at ``/task/``.

    The run is stopped when the block ends; it can be resumed.
    """
    with Operator(database) as operator:
        run = launch_or_resume(operator, f"{url}/task/")
        with closing(operator.gateway(run)) as gateway:
            site = make_pages(operator, run)
            task = create_app(gateway)
            site.wsgi_app = DispatcherMiddleware(  # type: ignore[method-assign]
                site.wsgi_app, {"/task": task.wsgi_app}
            )
            yield site


def launch_or_resume(operator: Operator, task_url: str) -> Launched:
    """Go on with the newest run that is not over; launch one where there is none."""
    for each in list_runs(operator.database):
        if each.record.status not in (RunStatus.FINISHED, RunStatus.FAILED):
            return operator.resume(each.record.id)
    overrides = ["architect=external", f"architect.public_url={task_url}"]
    return operator.launch(CONFIGURATION, overrides=overrides)


def make_pages(operator: Operator, run: Launched) -> Flask:
    """Make the site's own pages, which only read."""
    site = Flask(__name__)

    @site.get("/")
    def status() -> str:
        look = operator.progress(run)
        return render_template_string(
            STATUS, look=look, entrances=run.entrances, waiting=UnitStatus.LAUNCHED
        )

    @site.get("/results")
    def results() -> str:
        records = export_records(operator.database, run=run.run_id)
        return render_template_string(RESULTS, records=records)

    return site


def main(port: int) -> None:
    """Serve the site until Ctrl-C."""
    with Database("site.db") as database, open_site(database, f"http://localhost:{port}") as site:
        run_simple("localhost", port, site, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
