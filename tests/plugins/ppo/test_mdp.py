"""A world that is small enough to be solved: what the trainer's own steps learn is nearly the optimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from crsbench_ppo.objective import Discounts
from crsbench_ppo.options import PpoOptions
from crsbench_ppo.packing import Decisions, Reading
from crsbench_ppo.ppo import choose, estimate, improve
from torch import nn

S, A, HORIZON, B = 6, 4, 5, 64
OPTIONS = PpoOptions(kl=0.0, epochs=4, step_kl=1.0, turn_discount=1.0, entropy=0.01)


class World:
    """Random rewards in [0, 1] and transitions; the state at time t is one of S, and H turns are taken."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.reward = rng.random((S, A))
        self.next = rng.dirichlet(np.full(S, 0.3), size=(S, A))

    def worth(self, policy: np.ndarray[Any, Any] | None) -> float:
        """Mean return from a random first state, by dynamic programming; of the best policy for None."""
        value = np.zeros(S)
        for t in reversed(range(HORIZON)):
            action = self.reward + self.next @ value
            value = action.max(1) if policy is None else (policy[t] * action).sum(1)
        return float(value.mean())


class Tables(nn.Module):
    """A policy and a value for each time and state, started even."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(HORIZON, S, A))
        self.values = nn.Parameter(torch.zeros(HORIZON, S))


def rollout(world: World, tables: Tables, rng: np.random.Generator) -> tuple[Decisions, torch.Tensor]:
    states, items = np.zeros((B, HORIZON), np.int64), np.zeros((B, HORIZON), np.int64)
    rewards = np.zeros((B, HORIZON), np.float32)
    state = rng.integers(S, size=B)
    for t in range(HORIZON):
        logits = tables.logits[t].detach().numpy()[state]
        action = (logits + rng.gumbel(size=logits.shape)).argmax(1)
        states[:, t], items[:, t], rewards[:, t] = state, action, world.reward[state, action]
        passed = world.next[state, action].cumsum(1) < rng.random((B, 1))
        state = passed.sum(1).clip(max=S - 1)
    everywhere = torch.ones(B, HORIZON, dtype=torch.bool)
    d = Decisions(
        batch=None,  # pyright: ignore[reportArgumentType]
        items=torch.from_numpy(items),
        item_ok=everywhere,
        allowed=torch.ones(B, HORIZON, A, dtype=torch.bool),
        item_at=everywhere,
        word_at=~everywhere,
        decides=everywhere,
        turn_ends=everywhere,
        rewards=torch.from_numpy(rewards),
        bootstrap=torch.zeros(B, dtype=torch.int64),
        ended=torch.ones(B, dtype=torch.bool),
    )
    return d, torch.from_numpy(states)


@pytest.mark.parametrize("seed", range(10))
def test_it_reaches_the_optimum_of_dynamic_programming(seed: int) -> None:
    world, tables, rng = World(seed), Tables(), np.random.default_rng(seed)
    optimizer = torch.optim.Adam(tables.parameters(), lr=0.1)
    times = torch.arange(HORIZON).expand(B, -1)
    for _ in range(40):
        d, states = rollout(world, tables, rng)

        def read(d: Decisions, states: torch.Tensor = states) -> Reading:
            logits = tables.logits[times, states].flatten(0, 1)
            table, nothing = logits.log_softmax(-1), torch.zeros(len(logits), 1)
            return Reading(table, nothing, torch.empty(0), tables.values[times, states])

        with torch.no_grad():
            old = read(d)
        prepared = estimate([(d, old, old)], Discounts(1.0, 0.95, 1.0, 1.0), white=True)
        assert choose(old.items, d).isfinite().all()
        improve(read, optimizer, prepared, OPTIONS, 0.0, rng)
    policy = tables.logits.detach().softmax(-1).numpy()
    even = np.full((HORIZON, S, A), 1 / A)
    best = world.worth(None)
    assert world.worth(even) < 0.85 * best  # there is something to learn
    assert world.worth(policy) >= 0.95 * best
