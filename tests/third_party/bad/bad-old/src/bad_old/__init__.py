"""Written for an interface of long ago."""

from crsbench import Spec, hookimpl
from crsbench.testing.parts import Counts


class Policy(Counts):
    pass


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [Spec("old", Policy)]
