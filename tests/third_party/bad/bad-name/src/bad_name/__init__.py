"""Offers a name that the suite has."""

from crsbench import Spec, hookimpl
from crsbench.testing.parts import Counts


class Policy(Counts):
    pass


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [Spec("popularity", Policy)]
