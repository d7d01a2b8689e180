"""Programs made of a function: ``@task_script``."""
