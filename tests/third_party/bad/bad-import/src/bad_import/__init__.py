"""Needs what is not installed."""

import nothing_of_this_name  # noqa: F401

from crsbench import Spec, hookimpl
from crsbench.testing.parts import Counts


class Policy(Counts):
    pass


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [Spec("import", Policy)]
