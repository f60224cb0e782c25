"""A reward model."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_rewards() -> list[Spec]:
    return [Spec("novel", "crs_reward.model:Novel", summary="rare items are worth more")]
