"""Written for a plugin interface that is yet to come."""

from crsbench import Spec, hookimpl
from crsbench.hookspecs import SomethingNew  # noqa: F401
from crsbench.testing.parts import Counts


class Policy(Counts):
    pass


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [Spec("interface", Policy)]
