"""The policy `sft`: a grounded language model trained to continue the logged dialogues."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from crsbench_features.remembered import Remembered
from numpy.typing import NDArray

from crsbench.data import scored
from crsbench.protocols import Context, Need, Staged, Want
from crsbench.types import Action, Reason, Split, State
from crsbench_lm.card import card
from crsbench_lm.codec import DialogueCodec
from crsbench_lm.decode import Said, rank, system_turns
from crsbench_lm.evidence import Evidences
from crsbench_lm.explain import explain
from crsbench_lm.model import GroundedLM
from crsbench_lm.options import SftOptions
from crsbench_lm.storage import load_model, save_model


class LanguageModelPolicy:
    """How every policy acts that is a grounded language model."""

    def __init__(self, max_words: int) -> None:
        self.max_words = max_words
        self.model: GroundedLM
        self.codec: DialogueCodec

    def act(
        self,
        states: Sequence[State],
        want: Want = "ranking",
        k: int = 50,
        mask: NDArray[np.bool_] | None = None,
        rng: np.random.Generator | None = None,
    ) -> list[Action]:
        if not states:
            return []
        said = None
        if want == "ranking":
            logits = rank(self.model, self.codec, states).astype(np.float64)
        else:
            said = system_turns(self.model, self.codec, states, self.max_words, mask, rng)
            logits = said.logits.astype(np.float64)
        if mask is not None:
            logits[~mask] = -np.inf
        return [self._action(logits[s], said, s, k) for s in range(len(states))]

    def explain(self, states: Sequence[State], items: Sequence[int]) -> list[list[Reason]]:
        """Why: shares of the logits of items[s] in states[s], in nats (explain.py)."""
        return explain(self.model, self.codec, states, items)

    def _action(self, logits: NDArray[np.float64], said: Said | None, s: int, k: int) -> Action:
        """The top k by log-probability, ties in catalogue order; a chosen item goes first."""
        logprobs = logits - np.logaddexp.reduce(logits)
        k = min(k, int(np.isfinite(logprobs).sum()))
        order = np.argsort(-logprobs, kind="stable")[:k]
        if said is None:
            return Action(tuple(order.tolist()), tuple(logprobs[order].tolist()))
        chosen = int(said.items[s])
        items = [chosen, *(i for i in order.tolist() if i != chosen)][:k]
        text = self.codec.text(said.pieces[s], chosen)
        return Action(tuple(items), text=text, logprob=float(logprobs[chosen]))

    def save(self, directory: Path) -> None:
        save_model(self.model, self.codec, directory)
        (directory / "README.md").write_text(card(self.model, self.codec), encoding="utf-8")
        (directory / "policy.json").write_text(json.dumps({"max_words": self.max_words}))

    def load(self, directory: Path, device: str = "cpu") -> Self:
        self.model, self.codec = load_model(directory, device)
        self.max_words = json.loads((directory / "policy.json").read_text())["max_words"]
        return self

    def stages(self) -> Mapping[str, Any]:
        return {"final": self}


class TunedPolicy(LanguageModelPolicy):
    """One that starts from the stage `sft`, and is measured beside it."""

    start: LanguageModelPolicy | None = None

    def stages(self) -> Mapping[str, Any]:
        return {"sft": self.start, "final": self} if self.start is not None else {"final": self}

    def read(self, folder: Path, device: str) -> LanguageModelPolicy:
        """A policy that was saved: the start, or one on the way."""
        return LanguageModelPolicy(self.max_words).load(folder, device)


class SftPolicy(LanguageModelPolicy):
    needs: ClassVar[frozenset[Need]] = frozenset()

    def __init__(self, options: SftOptions) -> None:
        super().__init__(options.max_words)
        self.options = options

    def fit(self, train: Split, ctx: Context) -> Self:
        staged = fit_sft(self.options, train, ctx)
        self.model, self.codec = staged.value.model, staged.value.codec
        return self


def fit_sft(options: SftOptions, train: Split, ctx: Context) -> Staged[LanguageModelPolicy]:
    """The stage `sft`, shared by every policy that starts from it."""
    from crsbench_lm.build import build_model
    from crsbench_lm.sft import train_sft

    def build(directory: Path) -> None:
        known, evidences = Remembered(train, ctx.valid, len(ctx.catalog)), None
        if options.evidence:
            evidences = Evidences.fit(known.dialogues, ctx.catalog, options.head, known.by_row)
        model, codec = build_model(
            ctx.model,
            options.tiny,
            [d.turns for d in train.dialogues],
            ctx.catalog,
            options.max_length,
            evidences,
            options.item_dropout,
        )
        model.weigh(options.head.links, options.head.copies, options.head.language_model)
        valid = [(dialogue, known.fold(dialogue.id)) for dialogue in scored(ctx.valid)]
        names = {dialogue.id for dialogue, _ in valid}
        more = [(one, known.fold(one.id)) for one in ctx.valid.dialogues if one.id not in names]
        train_sft(model, codec, train.dialogues, valid, options, ctx, more)
        trained = LanguageModelPolicy(options.max_words)
        trained.model, trained.codec = model, codec
        trained.save(directory)

    def load(directory: Path) -> LanguageModelPolicy:
        return LanguageModelPolicy(options.max_words).load(directory, ctx.device)

    return ctx.stage("sft", {"options": options.model_dump(mode="json")}, build, load)
