"""The policy `ppo-iuf`: the whole chain, from the SFT start to the tuned policy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from crsbench_lm.policy import LanguageModelPolicy, fit_sft

from crsbench.protocols import Context, Need
from crsbench.types import Split
from crsbench_ppo.options import PpoOptions


class PpoIufPolicy(LanguageModelPolicy):
    needs: ClassVar[frozenset[Need]] = frozenset({"signals", "labels", "reward"})

    def __init__(self, options: PpoOptions) -> None:
        super().__init__(options.sft.max_words)
        self.options = options
        self.start: LanguageModelPolicy | None = None

    def fit(self, train: Split, ctx: Context) -> Self:
        from crsbench_ppo.ppo import PpoTrainer

        options = self.options
        start = fit_sft(options.sft, train, ctx)
        reward = ctx.reward

        def build(directory: Path) -> None:
            tuned = LanguageModelPolicy(options.sft.max_words).load(start.path, ctx.device)
            PpoTrainer(tuned.model, tuned.codec, reward.value, options, ctx).train(ctx.transitions)
            tuned.save(directory)

        def load(directory: Path) -> LanguageModelPolicy:
            return LanguageModelPolicy(options.sft.max_words).load(directory, ctx.device)

        inputs = {
            "options": options.model_dump(mode="json", exclude={"sft"}),
            "sft": start.id,
            "reward": reward.id,
        }
        tuned = ctx.stage("ppo", inputs, build, load)
        self.start = start.value
        self.model, self.codec = tuned.value.model, tuned.value.codec
        return self

    def stages(self) -> Mapping[str, Any]:
        return {"sft": self.start, "final": self} if self.start is not None else {"final": self}
