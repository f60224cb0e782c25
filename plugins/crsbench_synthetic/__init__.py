"""Scenarios with known truth, their simulated users, and the bounds that only they can give."""

from crsbench import Spec, hookimpl

_SCENARIOS = {
    "synthetic": "A mediocre recommender, users who show some of what they feel",
    "synthetic-noisy": "Every signal says less",
    "synthetic-polite": "Sentiment lies: nearly everybody is polite",
    "synthetic-distracted": "Dwell lies: most of it is spent on something else",
    "synthetic-clickbait": "Some items hold people and disappoint them",
    "synthetic-cold": "Some items have no history",
    "synthetic-drift": "Tastes move within a dialogue",
}


def _class(name: str, kind: str) -> str:
    """synthetic-noisy, Dataset → NoisyDataset."""
    return name.removeprefix("synthetic-").capitalize() + kind


@hookimpl
def crsbench_datasets() -> list[Spec]:
    return [
        Spec(
            name,
            f"crsbench_synthetic.dataset:{_class(name, 'Dataset')}",
            "crsbench_synthetic.options:DatasetOptions",
            f"{what}; invented films and users, known truth",
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
            f"{what}; these users, live",
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
