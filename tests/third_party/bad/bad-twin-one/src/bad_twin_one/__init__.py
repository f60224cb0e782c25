"""Offers the name that bad-twin-two offers."""

from crsbench import Spec, hookimpl
from crsbench.testing.parts import Counts


class Policy(Counts):
    pass


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [Spec("twin", Policy)]
