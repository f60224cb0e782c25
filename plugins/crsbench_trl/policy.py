"""The policies: the SFT start, tuned by DPO, KTO, GRPO or RLOO as the TRL library has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from crsbench_lm.policy import LanguageModelPolicy, TunedPolicy, fit_sft

from crsbench.errors import UsageError
from crsbench.protocols import Context, Need, RewardModel
from crsbench.team import launched
from crsbench.types import Split
from crsbench_trl.options import DpoOptions, GrpoOptions, KtoOptions, RlooOptions, TrlOptions

if TYPE_CHECKING:
    from crsbench_trl.reading import Rows


class TrlPolicy(TunedPolicy):
    """What they share: the stages, and the contexts that are learnt in."""

    name: ClassVar[str]
    needs: ClassVar[frozenset[Need]] = frozenset({"signals", "labels", "reward"})

    def __init__(self, options: TrlOptions) -> None:
        super().__init__(options.sft.max_words)
        self.options = options

    def fit(self, train: Split, ctx: Context) -> Self:
        if launched() > 1:
            raise UsageError(f"{self.name}-iuf trains in one process", "leave accelerate launch away")
        start = fit_sft(self.options.sft, train, ctx)

        def build(directory: Path) -> None:
            from crsbench_trl.reading import Rows

            policy = self.read(start.path, ctx.device)
            n = min(self.options.contexts, len(ctx.transitions))
            rng = np.random.default_rng([ctx.seed, 3])
            chosen = sorted(rng.choice(len(ctx.transitions), n, replace=False).tolist())
            self.tune(policy, Rows(policy.codec, ctx.transitions, chosen), ctx)
            policy.save(directory)

        inputs = {
            "options": self.options.model_dump(mode="json", exclude={"sft"}),
            "sft": start.id,
            **self.source(ctx),
        }
        tuned = ctx.stage(self.name, inputs, build, lambda folder: self.read(folder, ctx.device))
        self.start = start.value
        self.model, self.codec = tuned.value.model, tuned.value.codec
        return self

    def source(self, ctx: Context) -> dict[str, object]:
        """What is learnt from, for the identity of the stage."""
        return {"reward": ctx.reward.id}

    def tune(self, policy: LanguageModelPolicy, rows: Rows, ctx: Context) -> None:
        """Train the policy in place: each by its own trainer."""
        raise NotImplementedError


class DpoIufPolicy(TrlPolicy):
    name = "dpo"

    def __init__(self, options: DpoOptions) -> None:
        super().__init__(options)
        self.dpo = options

    def tune(self, policy: LanguageModelPolicy, rows: Rows, ctx: Context) -> None:
        from trl import DPOConfig, DPOTrainer

        from crsbench_trl.data import pairs
        from crsbench_trl.training import run_trainer

        rng = np.random.default_rng([ctx.seed, 4])
        examples = pairs(policy.model, rows, ctx.reward.value, self.dpo.candidates, self.max_words, rng)
        settings = {"beta": self.dpo.beta, "max_length": None}
        run_trainer(DPOTrainer, DPOConfig, policy.model, rows, examples, self.dpo, ctx, settings)


class KtoIufPolicy(TrlPolicy):
    name = "kto"
    needs = frozenset({"signals", "labels"})

    def __init__(self, options: KtoOptions) -> None:
        super().__init__(options)
        self.kto = options

    def source(self, ctx: Context) -> dict[str, object]:
        return {"labels": ctx.labels.id}

    def tune(self, policy: LanguageModelPolicy, rows: Rows, ctx: Context) -> None:
        from trl import KTOConfig, KTOTrainer

        from crsbench_trl.data import labelled
        from crsbench_trl.training import run_trainer

        probability = ctx.labels.value.probability
        examples = labelled(rows, probability, self.kto.threshold)
        settings = {"beta": self.kto.beta, "max_length": None}
        run_trainer(KTOTrainer, KTOConfig, policy.model, rows, examples, self.kto, ctx, settings)


class _GroupPolicy(TrlPolicy):
    def __init__(self, options: GrpoOptions | RlooOptions) -> None:
        super().__init__(options)
        self.group = options

    def tune(self, policy: LanguageModelPolicy, rows: Rows, ctx: Context) -> None:
        from crsbench_trl.training import run_trainer

        trainer, config = self.classes()
        settings = {
            "beta": 0.0,
            "num_generations": self.group.generations,
            "steps_per_generation": 1,
            "max_completion_length": self.max_words + 1,
        }
        examples = [{"prompt": rows.prompt(r)} for r in range(len(rows.states))]
        reward = judge_of(rows, ctx.reward.value)
        parts = {"reward_funcs": reward}
        run_trainer(trainer, config, policy.model, rows, examples, self.group, ctx, settings, **parts)

    def classes(self) -> tuple[type[Any], type[Any]]:
        """The trainer and its configuration, which is all that differs."""
        raise NotImplementedError


class GrpoIufPolicy(_GroupPolicy):
    name = "grpo"

    def classes(self) -> tuple[type[Any], type[Any]]:
        from trl import GRPOConfig, GRPOTrainer

        return GRPOTrainer, GRPOConfig


class RlooIufPolicy(_GroupPolicy):
    name = "rloo"

    def classes(self) -> tuple[type[Any], type[Any]]:
        from trl import RLOOConfig, RLOOTrainer

        return RLOOTrainer, RLOOConfig


def judge_of(rows: Rows, reward: RewardModel) -> Any:
    """R_φ as TRL calls a reward."""
    from crsbench_trl.data import judge

    def satisfaction(prompts: list[str], completion_ids: list[list[int]], **_: Any) -> list[float]:
        return judge(rows, reward, [rows.row(prompt) for prompt in prompts], completion_ids)

    return satisfaction
