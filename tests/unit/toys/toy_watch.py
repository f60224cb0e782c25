"""An observer that notes what it is told, and tries to change it."""

from crsbench import hookimpl

TOLD = []


@hookimpl
def crsbench_run_started(run):
    TOLD.append(("started", run.plugin))


@hookimpl
def crsbench_stage_finished(run, stage):
    TOLD.append(("stage", stage.name, stage.reused))


@hookimpl
def crsbench_step(run, step, scalars):
    TOLD.append(("step", step, dict(scalars)))
    scalars.clear()


@hookimpl
def crsbench_run_finished(run, result):
    TOLD.append(("finished", result["status"]))
    result["scores"].clear()


@hookimpl
def crsbench_run_failed(run, error):
    TOLD.append(("failed", error))
