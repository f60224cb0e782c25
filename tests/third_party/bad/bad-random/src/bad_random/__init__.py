"""Changes global random state on import, in fit and in act."""

import random

import numpy as np

from crsbench import Spec, hookimpl
from crsbench.testing.parts import Counts


class Policy(Counts):
    def fit(self, train, ctx):
        random.seed(1), np.random.seed(1)
        return super().fit(train, ctx)

    def act(self, *args, **kwargs):
        random.seed(2), np.random.seed(2)
        return super().act(*args, **kwargs)


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [Spec("random", Policy)]


random.seed(0)
np.random.seed(0)
