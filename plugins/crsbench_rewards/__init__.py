"""R_φ: what a system turn is worth, learnt from weak labels, and how the dialogue goes on after it."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_rewards() -> list[Spec]:
    return [
        Spec(
            "iuf-reward",
            "crsbench_rewards.reward:IufReward",
            "crsbench_rewards.options:RewardOptions",
            "item part + text part on one trunk, trained with the loss of predicting the user's reply",
        )
    ]
