"""The policies `ppo-iuf` and `reinforce-iuf`: the whole chain, from the SFT start to the tuned policy."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from crsbench_lm.policy import LanguageModelPolicy, TunedPolicy, fit_sft

from crsbench.errors import CrsbenchError
from crsbench.protocols import Context, Need, Staged
from crsbench.types import Split
from crsbench_ppo.options import PpoOptions, ReinforceOptions

if TYPE_CHECKING:
    from crsbench_ppo.ppo import PpoTrainer

ROUNDS = "rounds"  # the folder of earlier policies, by number of their round


class PpoIufPolicy(TunedPolicy):
    needs: ClassVar[frozenset[Need]] = frozenset({"signals", "labels", "reward"})

    def __init__(self, options: PpoOptions) -> None:
        super().__init__(options.sft.max_words)
        self.options = options
        self.tuned: Staged[LanguageModelPolicy] | None = None
        self.device = "cpu"

    def fit(self, train: Split, ctx: Context) -> Self:
        from crsbench_ppo import processes

        options = self.options
        for name in ("dialogues", "minibatch"):  # said before anything is trained
            processes.share(getattr(options, name), name)
        start = fit_sft(options.sft, train, ctx)
        reward = ctx.reward
        self.device = ctx.device

        def build(directory: Path) -> None:
            from crsbench_ppo.ppo import PpoTrainer

            policy = self.read(start.path, ctx.device)
            trainer = PpoTrainer(policy.model, policy.codec, reward.value, options, ctx)
            tune(trainer, policy, ctx)
            save(policy, options, directory)
            if (ctx.checkpoints / ROUNDS).exists():
                shutil.copytree(ctx.checkpoints / ROUNDS, directory / ROUNDS)

        inputs = {
            "options": options.model_dump(mode="json", exclude={"sft"}),
            "sft": start.id,
            "reward": reward.id,
            "simulator": ctx.simulator.identity if options.rollout == "simulator" else None,
        }
        self.tuned = ctx.stage(
            "ppo", inputs, build, lambda folder: self.read(folder, ctx.device), together=True
        )
        self.start = start.value
        self.model, self.codec = self.tuned.value.model, self.tuned.value.codec
        return self

    def rounds(self) -> Mapping[int, Callable[[], LanguageModelPolicy]]:
        """What reads the policies after earlier rounds, for the curves."""
        if self.tuned is None or not (self.tuned.path / ROUNDS).exists():
            return {}
        folders = {int(folder.name): folder for folder in (self.tuned.path / ROUNDS).iterdir()}
        return {step: functools.partial(self.read, folders[step], self.device) for step in sorted(folders)}


class ReinforceIufPolicy(PpoIufPolicy):
    """REINFORCE is PPO with one step a rollout and the mean return for a value."""

    def __init__(self, options: ReinforceOptions) -> None:
        super().__init__(options.as_ppo())


def tune(trainer: PpoTrainer, policy: LanguageModelPolicy, ctx: Context) -> None:
    """Train; where training diverges, leave the last good policy beside its checkpoint and say so."""
    from crsbench_ppo import processes
    from crsbench_ppo.ppo import DivergedError

    options = trainer.options
    shown = evenly(options.iterations, options.curve)

    def after(step: int) -> None:
        if step in shown and processes.rank() == 0:
            save(policy, options, ctx.checkpoints / ROUNDS / str(step))

    try:
        trainer.train(ctx.transitions, after)
    except DivergedError as error:
        kept = ctx.checkpoints / "policy"
        save(policy, options, kept)
        text = f"{error.message}; the policy after round {len(trainer.history)} is kept in {kept}"
        raise CrsbenchError(text, error.hint) from error


def evenly(iterations: int, points: int) -> set[int]:
    """Rounds at even distances, the last one not among them: that is the final policy."""
    return {round(iterations * n / (points + 1)) for n in range(1, points + 1)} - {0, iterations}


def save(policy: LanguageModelPolicy, options: PpoOptions, folder: Path) -> None:
    """Save the policy, with adapters merged into the weights that they adapt."""
    from crsbench_ppo.memory import merged

    whole = LanguageModelPolicy(policy.max_words)
    whole.model = merged(policy.model) if options.lora else policy.model
    whole.codec = policy.codec
    folder.mkdir(parents=True, exist_ok=True)
    whole.save(folder)
