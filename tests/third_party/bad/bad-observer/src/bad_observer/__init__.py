"""An observer that raises, draws random numbers, prints, and changes what it is shown."""

import random

from crsbench import hookimpl


@hookimpl
def crsbench_run_started(run):
    random.seed(0)
    print("noise")
    raise RuntimeError("the tracker is not there")


@hookimpl
def crsbench_run_finished(run, result):
    result["scores"].clear()
    raise RuntimeError("the tracker is still not there")
