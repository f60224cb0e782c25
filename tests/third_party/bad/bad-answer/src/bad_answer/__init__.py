"""Loads, and then gives the wrong types: each part returns None where its protocol says otherwise."""

from crsbench import Spec, hookimpl


class Nothing:
    needs = frozenset()
    reads = "rankings"
    protocols = ("plain",)
    default_protocol = "plain"
    simulator = None

    def __init__(self, options):
        self.options = options

    def nothing(self, *args, **kwargs):
        return None

    measure = predict = act = load = start = reply = truth = save = nothing

    def fit(self, *args):
        return self

    def stages(self):
        return {"final": self}


def offer():
    return [Spec("nothing", Nothing)]


@hookimpl
def crsbench_policies():
    return offer()


@hookimpl
def crsbench_metrics():
    return offer()


@hookimpl
def crsbench_signals():
    return offer()


@hookimpl
def crsbench_labels():
    return offer()


@hookimpl
def crsbench_datasets():
    return offer()


@hookimpl
def crsbench_simulators():
    return offer()
