"""A reward model."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_rewards() -> list[Spec]:
    return [
        Spec(
            "novel", "crs_reward.model:Novel", summary="items are worth what is left when popularity is taken"
        )
    ]
