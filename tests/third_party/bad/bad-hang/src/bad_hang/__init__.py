"""Hangs in fit."""

import sys
import time

from crsbench import Spec, hookimpl
from crsbench.testing.parts import Counts


class Policy(Counts):
    def fit(self, train, ctx):
        print("asleep", file=sys.stderr, flush=True)
        time.sleep(600)
        return super().fit(train, ctx)


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [Spec("hang", Policy)]
