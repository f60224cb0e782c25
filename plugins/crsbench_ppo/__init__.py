"""PPO on rewards learnt from implicit user feedback: the policy `ppo-iuf`."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [
        Spec(
            "ppo-iuf",
            "crsbench_ppo.policy:PpoIufPolicy",
            "crsbench_ppo.options:PpoOptions",
            "PPO on R_φ, which is learnt from implicit feedback, from the SFT start",
        )
    ]
