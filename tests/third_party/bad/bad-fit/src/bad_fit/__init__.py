"""Raises in fit."""

from crsbench import Spec, hookimpl
from crsbench.testing.parts import Counts


class Policy(Counts):
    def fit(self, train, ctx):
        raise RuntimeError("no idea\nwhat to do")
        return super().fit(train, ctx)


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [Spec("fit", Policy)]
