"""PPO on rewards learnt from implicit user feedback, and its nearest kin."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [
        Spec(
            "ppo-iuf",
            "crsbench_ppo.policy:PpoIufPolicy",
            "crsbench_ppo.options:PpoOptions",
            "PPO on R_φ, which is learnt from implicit feedback, from the SFT start",
        ),
        Spec(
            "reinforce-iuf",
            "crsbench_ppo.policy:ReinforceIufPolicy",
            "crsbench_ppo.options:ReinforceOptions",
            "REINFORCE on R_φ, from the SFT start",
        ),
        Spec(
            "filtered-sft",
            "crsbench_ppo.filtered:FilteredSftPolicy",
            "crsbench_ppo.options:FilteredSftOptions",
            "SFT continued on the turns whose weak label is positive",
        ),
    ]
