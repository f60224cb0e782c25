"""Hooks return a list of Spec; this one returns its names. The metric of `bad-answer` returns a number."""

from crsbench import hookimpl


@hookimpl
def crsbench_policies():
    return {"bad": "return"}
