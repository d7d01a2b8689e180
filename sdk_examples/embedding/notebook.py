# %% [markdown]
# # A task from a notebook
#
# Each `# %%` begins a cell, for editors that know them; the file is a script as well. Run it in
# this folder: `python notebook.py`. It makes its rows while they are loaded, watches the answers
# come in, and stops when it has enough.

# %%
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from famulus import Database, Operator, SubmittedUnit, export_records
from famulus_static_html import SharedStaticTaskState

ENOUGH = 2

# %% [markdown]
# A configuration has the shape of a YAML file; paths start at the current folder. Port 0 takes one
# that is free.

# %%
configuration = {
    "defaults": [{"blueprint": "static_task"}, {"architect": "local"}, {"provider": "mock"}],
    "blueprint": {"task_source": "task.html"},
    "architect": {"port": 0},
    "task": {
        "task_title": "Do you know this word?",
        "task_description": "Read one word and say how well you know it.",
        "task_reward": "0.02",
    },
}

# %% [markdown]
# The parts that only Python can give: rows from a generator, and a function called for each answer.
# It runs in this process, so the list it appends to is this very list.


# %%
def rows() -> Iterator[dict[str, Any]]:
    for word in ("lantern", "quern", "window", "haberdasher"):
        yield {"word": word, "length": len(word)}


familiar: list[str] = []


def keep_familiar(unit: SubmittedUnit) -> None:
    if unit.answers["familiarity"] != "unknown":
        familiar.append(unit.data["word"])


shared_state = SharedStaticTaskState(static_task_data=rows(), on_unit_submitted=keep_familiar)

# %% [markdown]
# The run lasts as long as the block. `watch` looks at it every second until it has ended; `stop`
# admits no new workers and ends the run when those at work are done.

# %%
database = Database("notebook.db")
with Operator(database) as operator:
    run = operator.launch(configuration, shared_state=shared_state)
    print("Come in at:", *run.entrances, sep="\n  ", flush=True)
    stopping = False
    for look in operator.watch(run):
        print(f"{look.done} of {look.total} units done, {look.at_work} at work", flush=True)
        if look.done >= ENOUGH and not stopping:
            operator.stop(run)
            stopping = True

# %% [markdown]
# Every listener has received all events, and the answers are stored in the database.

# %%
print("Familiar words:", ", ".join(familiar))
for record in export_records(database, run=run.run_id):
    print(record["worker"], record["inputs"]["word"], record["outputs"]["familiarity"])
database.close()
