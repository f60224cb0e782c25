"""A signal, a label model and metrics."""

import numpy as np

from crsbench import Spec, hookimpl
from crsbench.types import Absent, Signal, Values, WeakLabel


class Dwell:
    def __init__(self, options):
        self.options = options

    def measure(self, transitions):
        values = [
            np.nan if t.censored or t.reply is None else t.reply.seconds - t.state.history[-1].seconds
            for t in transitions
        ]
        return Signal("toy-dwell", np.array(values), "seconds", "logged")


class Mean:
    def __init__(self, options):
        self.options = options
        self.mean = 0.0

    def fit(self, signals):
        self.mean = float(np.nanmean(signals[0].values))
        return self

    def predict(self, signals):
        values = signals[0].values
        probability = np.where(np.isnan(values), np.nan, (values > self.mean) * 1.0)
        return WeakLabel(probability, np.full(len(values), 0.5))


class Hit:
    """Label and row unit of whether a target is first."""

    reads = "rankings"

    def __init__(self, options):
        self.options = options

    def measure(self, judged, corpus):
        found = []
        for subset in ("all", "new"):
            chosen = [
                (f"{row.row.id}/{j}", row.row.dialogue, float(rank == 1))
                for row in judged
                for j, rank in enumerate(row.ranks)
                if subset == "all" or row.new[j]
            ]
            ids, groups, values = zip(*chosen, strict=True)
            found.append(Values("hit", subset, "label", ids, groups, values))
        ids = tuple(row.row.id for row in judged)
        groups = tuple(row.row.dialogue for row in judged)
        found.append(Values("hit", "all", "row", ids, groups, tuple(float(1 in row.ranks) for row in judged)))
        return found


class Words:
    reads = "texts"

    def __init__(self, options):
        self.options = options

    def measure(self, judged, corpus):
        ids = tuple(row.row.id for row in judged)
        return [Values("words", "all", "row", ids, ids, tuple(float(len(row.action.text)) for row in judged))]


class Joy:
    reads = "episodes"

    def __init__(self, options):
        self.options = options

    def measure(self, judged, corpus):
        if any(episode.truth is None for episode in judged):
            return [Absent("joy", "the simulator knows no truth")]
        found = []
        for decoding in ("greedy", "sampled"):
            chosen = [episode for episode in judged if episode.decoding == decoding]
            ids = tuple(str(episode.seed) for episode in chosen)
            values = tuple(sum(e.truth.satisfied) / len(e.truth.satisfied) for e in chosen)
            found.append(Values("joy", "all", "episode", ids, ids, values, decoding=decoding))
        return found


@hookimpl
def crsbench_signals():
    return [Spec("toy-dwell", Dwell)]


@hookimpl
def crsbench_labels():
    return [Spec("toy-mean", Mean)]


@hookimpl
def crsbench_metrics():
    return [Spec("hit", Hit), Spec("words", Words), Spec("joy", Joy)]
