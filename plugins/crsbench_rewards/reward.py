"""The reward model R_φ(s_t, a_t) with the transition model p(u_{t+1} | s_t, a_t) on the same trunk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from crsbench_features.linking import Linker
from crsbench_lm.batch import Batch, collate
from crsbench_lm.build import build_model
from crsbench_lm.codec import DialogueCodec, Encoded, lead_item, said_turn
from crsbench_lm.decode import chunks, device_of, last_of, user_turns
from crsbench_lm.storage import load_model, save_model
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from crsbench.protocols import Context
from crsbench.types import Action, Reward, State, Transition, Turn, WeakLabel
from crsbench_rewards.network import RewardNetwork, turn_closes
from crsbench_rewards.options import RewardOptions
from crsbench_rewards.training import examples, train_reward


class IufReward:
    """R_φ from implicit user feedback. The reward is the calibrated probability of satisfaction."""

    def __init__(self, options: RewardOptions) -> None:
        self.options = options
        self.network: RewardNetwork
        self.codec: DialogueCodec
        self.signal_names: tuple[str, ...] = ()
        self.held_out: dict[str, float] = {}

    def fit(self, transitions: Sequence[Transition], labels: WeakLabel, ctx: Context) -> Self:
        """Train on behaviour alone: `labels` come from signals, never from what users said they liked."""
        signals = ctx.signals
        self.signal_names = tuple(s.name for s in signals if np.isfinite(s.values).any())
        values = [s.values for s in signals if s.name in self.signal_names]
        texts = list({t.dialogue: t.next_state.history for t in transitions}.values())
        core, self.codec = build_model(
            ctx.model, self.options.tiny, texts, ctx.catalog, self.options.max_length
        )
        self.network = RewardNetwork(core, len(values))
        stacked = np.stack(values, axis=1) if values else np.zeros((len(transitions), 0))
        data = examples(transitions, labels, stacked, self.codec)
        self.held_out = train_reward(self.network, self.codec, data, self.options, ctx)
        return self

    @torch.no_grad()
    def score(self, states: Sequence[State], actions: Sequence[Action]) -> list[Reward]:
        """What each action is worth; its words count as far as it has any.

        Of the parts, `item` is what its item alone is worth, `words` what they add. A turn that recommends
        nothing is worth what the average item would be.
        """
        values = np.zeros((2, len(states)))  # of items alone, and of items with words
        with_item = [s for s, action in enumerate(actions) if action.items]
        without = [s for s, action in enumerate(actions) if not action.items]
        if without:
            values[:, without] = self.score_items([states[s] for s in without]).mean(axis=1)
        rows: list[Encoded] = []
        for s in with_item:
            turn = said_turn(self.codec.catalog, actions[s].items[0], actions[s].text or "")
            rows.append(self.codec.encode((*states[s].history, turn)))
        for part in chunks(rows):
            here = [rows[i] for i in part]
            batch = self._batch(here)
            closes = torch.from_numpy(turn_closes(here, self.codec, batch.rec.shape)).to(batch.ids.device)
            hidden = self.network.core.hidden(batch)
            item = self.network.item(hidden, batch)
            logits = item, self.network.with_words(item, hidden, batch, closes)
            for value, logit in zip(values, logits, strict=True):
                p = self.network.probability(last_of(here, logit)).cpu().numpy()
                value[[with_item[i] for i in part]] = p
        return [Reward(total, {"item": item, "words": total - item}) for item, total in values.T.tolist()]

    @torch.no_grad()
    def score_items(self, states: Sequence[State]) -> NDArray[np.float32]:
        """float32 [S, I]: the item part alone, calibrated; one read of each state."""
        rows = [self.codec.encode(state.history, opens="system") for state in states]
        out = np.empty((len(states), len(self.codec.catalog)), np.float32)
        for part in chunks(rows):
            here = [rows[i] for i in part]
            batch = self._batch(here)
            logits = self.network.items(self.network.core.hidden(batch), batch)
            out[part] = self.network.probability(last_of(here, logits)).float().cpu().numpy()
        return out

    def _batch(self, rows: Sequence[Encoded]) -> Batch:
        return collate(rows, self.codec, device_of(self.network))

    def sample_reply(self, states: Sequence[State], rng: np.random.Generator) -> list[Turn]:
        """The user's next turn, with the entities and items that it names; `ends` where the user leaves."""
        linker = Linker(self.codec.catalog)
        said = user_turns(self.network.core, self.codec, states, self.options.max_words, rng)
        turns: list[Turn] = []
        for state, pieces in zip(states, said, strict=True):
            leads = [lead for turn in state.history if (lead := lead_item(turn)) is not None]
            text = self.codec.text(pieces, leads[-1] if leads else None)
            turns.append(Turn("user", text, linker.find(text), ends=pieces[-1] == self.codec.end))
        return turns

    def save(self, directory: Path) -> None:
        save_model(self.network.core, self.codec, directory)
        heads = {
            name: value.detach().cpu().contiguous()
            for name, value in self.network.state_dict().items()
            if not name.startswith("core.")
        }
        save_file(heads, directory / "reward.safetensors")
        settings = {"signals": self.signal_names, "held_out": self.held_out}
        (directory / "reward.json").write_text(json.dumps(settings))

    def load(self, directory: Path, device: str = "cpu") -> Self:
        settings = json.loads((directory / "reward.json").read_text())
        self.signal_names = tuple(settings["signals"])
        self.held_out = settings["held_out"]
        core, self.codec = load_model(directory, device)
        self.network = RewardNetwork(core, len(self.signal_names))
        self.network.load_state_dict(load_file(directory / "reward.safetensors"), strict=False)
        self.network.to(device).eval()
        return self
