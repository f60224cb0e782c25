"""The SFT start tuned by trainers of the TRL library, on the weak labels and the reward that PPO has."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [
        Spec(
            "dpo-iuf",
            "crsbench_trl.policy:DpoIufPolicy",
            "crsbench_trl.options:DpoOptions",
            "DPO: of the SFT start's own turns the best and the worst by R_φ",
        ),
        Spec(
            "kto-iuf",
            "crsbench_trl.policy:KtoIufPolicy",
            "crsbench_trl.options:KtoOptions",
            "KTO: logged turns, desirable or not by their weak labels",
        ),
        Spec(
            "grpo-iuf",
            "crsbench_trl.policy:GrpoIufPolicy",
            "crsbench_trl.options:GrpoOptions",
            "GRPO on R_φ in logged contexts",
        ),
        Spec(
            "rloo-iuf",
            "crsbench_trl.policy:RlooIufPolicy",
            "crsbench_trl.options:RlooOptions",
            "RLOO on R_φ in logged contexts",
        ),
    ]
