"""Prints on import, in fit and in act."""

from crsbench import Spec, hookimpl
from crsbench.testing.parts import Counts


class Policy(Counts):
    def fit(self, train, ctx):
        print("fitting")
        return super().fit(train, ctx)

    def act(self, *args, **kwargs):
        print("acting")
        return super().act(*args, **kwargs)


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [Spec("print", Policy)]


print("loaded")
