"""The policy `filtered-sft`: SFT continued on the turns that users were probably glad of, and its control."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from crsbench_lm.policy import TunedPolicy, fit_sft
from numpy.typing import NDArray

from crsbench.protocols import Context, Need
from crsbench.types import Dialogue, Split, Transition
from crsbench_ppo.options import FilteredSftOptions


class FilteredSftPolicy(TunedPolicy):
    needs: ClassVar[frozenset[Need]] = frozenset({"signals", "labels"})

    def __init__(self, options: FilteredSftOptions) -> None:
        super().__init__(options.sft.max_words)
        self.options = options

    def fit(self, train: Split, ctx: Context) -> Self:
        options = self.options
        start = fit_sft(options.sft, train, ctx)
        labels = ctx.labels

        def build(directory: Path) -> None:
            from crsbench_lm.sft import train_sft

            policy = self.read(start.path, ctx.device)
            dialogues: Sequence[Dialogue] = train.dialogues
            if options.keep == "positive":
                glad = labels.value.probability >= options.threshold
                dialogues = kept(dialogues, ctx.transitions, glad)
            update = options.model_dump(exclude={"sft", "keep", "threshold"}) | {"tokens": 10**15}
            # no epoch is chosen on valid dialogues: their labels are not filtered
            train_sft(policy.model, policy.codec, dialogues, (), options.sft.model_copy(update=update), ctx)
            policy.save(directory)

        inputs = {
            "options": options.model_dump(mode="json", exclude={"sft"}),
            "sft": start.id,
            "labels": labels.id,
        }
        continued = ctx.stage("filtered-sft", inputs, build, lambda folder: self.read(folder, ctx.device))
        self.start = start.value
        self.model, self.codec = continued.value.model, continued.value.codec
        return self


def kept(
    dialogues: Sequence[Dialogue], transitions: Sequence[Transition], good: NDArray[np.bool_]
) -> list[Dialogue]:
    """The dialogues with the labels of the good turns alone; what carries none is not learnt to be said.

    The words of users stay, so that as many steps are taken as without the filter.
    """
    glad = {(t.dialogue, len(t.state.history)) for t, one in zip(transitions, good, strict=True) if one}
    return [
        dataclasses.replace(
            one,
            turns=tuple(
                turn
                if turn.speaker == "user" or (one.id, at) in glad
                else dataclasses.replace(turn, recommended=())
                for at, turn in enumerate(one.turns)
            ),
        )
        for one in dialogues
    ]
