"""Scenarios with known truth, their simulated users, and the bounds that only they can give."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_datasets() -> list[Spec]:
    return [
        Spec(
            "synthetic",
            "crsbench_synthetic.dataset:SyntheticDataset",
            "crsbench_synthetic.options:DatasetOptions",
            "Invented films, users with hidden tastes, a mediocre logging recommender; the truth is known",
        )
    ]


@hookimpl
def crsbench_simulators() -> list[Spec]:
    return [
        Spec(
            "synthetic",
            "crsbench_synthetic.simulator:SyntheticSimulator",
            "crsbench_synthetic.options:SimulatorOptions",
            "The scenario's users, live: they talk, wait, ask, leave, and are or are not satisfied",
        )
    ]


@hookimpl
def crsbench_policies() -> list[Spec]:
    def bound(name: str, cls: str, summary: str) -> Spec:
        options = "crsbench_synthetic.options:WorldOptions"
        return Spec(name, f"crsbench_synthetic.policies:{cls}", options, summary, privileged=True)

    return [
        bound("oracle", "Oracle", "Upper bound: recommends what is most likely to satisfy this user"),
        bound("logger", "Logger", "Lower bound: the recommender that wrote the scenario's log"),
        bound("best-quality", "BestQuality", "The hidden quality of the items, without personalisation"),
    ]
