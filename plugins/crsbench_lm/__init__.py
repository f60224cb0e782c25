"""The item-grounded language model, and the policy `sft` that is trained on logged dialogue."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_policies() -> list[Spec]:
    return [
        Spec(
            "sft",
            "crsbench_lm.policy:SftPolicy",
            "crsbench_lm.options:SftOptions",
            "language model with an item head, supervised on the logged system turns",
        )
    ]
