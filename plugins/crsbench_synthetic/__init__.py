"""Scenarios with known truth, their simulated users, and the bounds that only they can give."""

from crsbench import Spec, hookimpl

_SCENARIOS = {
    "synthetic": "a mediocre logging recommender, users who show some of what they feel",
    "synthetic-noisy": "every signal says less",
    "synthetic-polite": "sentiment lies: nearly everybody is polite",
    "synthetic-distracted": "dwell lies: most of it is spent on something else",
    "synthetic-clickbait": "some items hold people and disappoint them",
    "synthetic-cold": "some items have no history",
    "synthetic-drift": "tastes move within a dialogue",
}


def _class(name: str, kind: str) -> str:
    """synthetic-noisy, Dataset → NoisyDataset."""
    return (name.removeprefix("synthetic-")).capitalize() + kind


@hookimpl
def crsbench_datasets() -> list[Spec]:
    return [
        Spec(
            name,
            f"crsbench_synthetic.dataset:{_class(name, 'Dataset')}",
            "crsbench_synthetic.options:DatasetOptions",
            f"Invented films, users with hidden tastes, known truth; {what}",
        )
        for name, what in _SCENARIOS.items()
    ]


@hookimpl
def crsbench_simulators() -> list[Spec]:
    return [
        Spec(
            name,
            f"crsbench_synthetic.simulator:{_class(name, 'Simulator')}",
            "crsbench_synthetic.options:SimulatorOptions",
            f"The scenario's users, live, with their satisfaction; {what}",
        )
        for name, what in _SCENARIOS.items()
    ]


@hookimpl
def crsbench_policies() -> list[Spec]:
    def bound(name: str, cls: str, summary: str) -> Spec:
        return Spec(name, f"crsbench_synthetic.policies:{cls}", None, summary, privileged=True)

    return [
        bound("oracle", "Oracle", "Upper bound: recommends what is most likely to satisfy this user"),
        bound("logger", "Logger", "Lower bound: the recommender that wrote the scenario's log"),
        bound("best-quality", "BestQuality", "The hidden quality of the items, without personalisation"),
    ]
