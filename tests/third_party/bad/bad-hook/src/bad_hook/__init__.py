"""A misspelt hook."""

from crsbench import hookimpl


@hookimpl
def crsbench_polices():
    return []
