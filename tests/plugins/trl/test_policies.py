"""Each of TRL's trainers learns a reward that is known, from the same start, and is saved like any policy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crsbench_lm.options import SftOptions, TinyOptions
from crsbench_lm.policy import LanguageModelPolicy
from crsbench_trl.options import DpoOptions, GrpoOptions, KtoOptions, RlooOptions
from crsbench_trl.policy import DpoIufPolicy, GrpoIufPolicy, KtoIufPolicy, RlooIufPolicy
from pydantic import ValidationError

from crsbench.protocols import Staged
from crsbench.types import Action, Reward, State, Turn, WeakLabel

# what the libraries say about each other and about machines without an accelerator is not ours to mend
pytestmark = pytest.mark.filterwarnings("ignore")
SFT = SftOptions(tiny=TinyOptions(width=32, layers=1, heads=2, vocabulary=400), epochs=2, max_words=4)
SHARED = {"sft": SFT, "learning_rate": 1e-3, "head_learning_rate": 0.02, "batch": 16}
POLICIES = {
    "dpo": lambda: DpoIufPolicy(DpoOptions(**SHARED, contexts=160, epochs=3)),
    "kto": lambda: KtoIufPolicy(KtoOptions(**SHARED, contexts=400)),
    "grpo": lambda: GrpoIufPolicy(GrpoOptions(**SHARED, contexts=40)),
    "rloo": lambda: RlooIufPolicy(RlooOptions(**SHARED, contexts=40)),
}


class Westerns:
    """Films 2, 5, 8 and 11 are westerns: they are worth 1, all else nothing."""

    def score(self, states: Sequence[State], actions: Sequence[Action]) -> list[Reward]:
        return [Reward(float(a.items[0] % 3 == 2)) for a in actions]


def western_share(policy: LanguageModelPolicy) -> float:
    """How probable a western is, over three states."""
    states = [State((Turn("user", f"I like {genre} films"),)) for genre in ("comedy", "horror", "western")]
    shares = [
        sum(np.exp(score) for item, score in zip(action.items, action.scores, strict=True) if item % 3 == 2)
        for action in policy.act(states)
    ]
    return float(np.mean(shares))


@pytest.mark.parametrize("name", POLICIES)
def test_it_learns_what_is_worth_more(toy_context: Any, tmp_path: Path, name: str) -> None:
    toy_context.reward = Staged(Westerns(), "reward", tmp_path)
    western = np.array([t.action.items[0] % 3 == 2 for t in toy_context.transitions])
    labels = WeakLabel(np.where(western, 0.9, 0.1), np.ones(len(western)))
    toy_context.labels = Staged(labels, "labels", tmp_path)
    policy = POLICIES[name]().fit(toy_context.train, toy_context)
    before, after = policy.stages()["sft"], policy.stages()["final"]
    assert after is policy
    assert western_share(after) > western_share(before) + 0.15
    assert any(key.startswith(f"{name}/loss") for scalars in toy_context.scalars for key in scalars)
    policy.save(tmp_path / "saved")
    again = POLICIES[name]().load(tmp_path / "saved")
    state = State((Turn("user", "I like horror films"),))
    assert again.act([state], "turn") == policy.act([state], "turn")


def test_a_batch_holds_whole_groups() -> None:
    with pytest.raises(ValidationError, match="holds no whole groups"):
        GrpoOptions(batch=12, generations=8)
