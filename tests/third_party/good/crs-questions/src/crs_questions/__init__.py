"""One plugin may offer several kinds: a signal, and a metric that counts the same of what a policy says."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_signals() -> list[Spec]:
    return [Spec("questions", "crs_questions.parts:Questions", summary="whether the user asks back")]


@hookimpl
def crsbench_metrics() -> list[Spec]:
    return [Spec("asks", "crs_questions.parts:Asks", summary="share of answers that ask something")]
