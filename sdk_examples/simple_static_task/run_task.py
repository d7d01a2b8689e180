"""Launch the example and stay until it is done: ``python run_task.py [--help]``."""

from __future__ import annotations

from famulus import Operator, TaskConfig, task_script


@task_script(default_config_file="example")
def main(operator: Operator, cfg: TaskConfig) -> None:
    """Two characters from stories, each rated by two people."""
    operator.launch_task_run(cfg)
    operator.wait_for_runs_then_shutdown(skip_input=True, log_rate=30)


if __name__ == "__main__":
    main()
