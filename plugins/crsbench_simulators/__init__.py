"""Simulated users for real data: people of its dialogues by rule or by language model, and a silent control.

None of them is told what was recommended in the dialogue it comes from. They know no truth, so `satisfaction`
cannot be measured with them; what they say and when they leave can be read.
"""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_simulators() -> list[Spec]:
    return [
        Spec(
            "replay",
            "crsbench_simulators.replay:Replay",
            "crsbench_simulators.options:ReplayOptions",
            "People of the dataset's dialogues: they know what these people said they like, and no target",
        ),
        Spec(
            "llm",
            "crsbench_simulators.llm:LanguageModel",
            "crsbench_simulators.options:LanguageModelOptions",
            "The same people, spoken for by a language model: any OpenAI-compatible endpoint, or a local one",
        ),
        Spec(
            "silent",
            "crsbench_simulators.silent:Silent",
            "crsbench_simulators.options:SilentOptions",
            "Control: users whose words carry nothing; whoever does as well with them does not listen",
        ),
    ]
