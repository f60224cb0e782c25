"""What TRL's trainers learn from: pairs and labels in logged contexts, and R_φ as a function of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from crsbench_lm.codec import lead_item
from crsbench_lm.decode import system_turns
from crsbench_lm.model import GroundedLM
from numpy.typing import NDArray

from crsbench.errors import CrsbenchError
from crsbench.protocols import RewardModel
from crsbench.types import Action, Transition, Turn
from crsbench_trl.reading import Rows, spell


def pairs(
    model: GroundedLM,
    rows: Rows,
    reward: RewardModel,
    candidates: int,
    max_words: int,
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    """In each context the best and the worst by R_φ of some turns that the model itself would take.

    Raises CrsbenchError where no context has two that R_φ tells apart: there is nothing to prefer.
    """
    turns: list[list[list[int]]] = [[] for _ in rows.states]
    worth = np.zeros((len(rows.states), candidates))
    for n in range(candidates):
        said = system_turns(model, rows.codec, rows.states, max_words, rows.allowed, rng, rows.folds)
        tokens = [[model.words + int(i), *p] for i, p in zip(said.items, said.pieces, strict=True)]
        worth[:, n] = judge(rows, reward, range(len(rows.states)), tokens)
        for row, turn in zip(turns, tokens, strict=True):
            row.append(turn)
    best, worst = worth.argmax(1), worth.argmin(1)
    found = [
        {
            "prompt": rows.prompt(r),
            "chosen": " " + spell(row[best[r]]),
            "rejected": " " + spell(row[worst[r]]),
        }
        for r, row in enumerate(turns)
        if worth[r, best[r]] > worth[r, worst[r]]
    ]
    if not found:
        told = f"in none of {len(turns)} contexts is one of {candidates} turns worth more than another"
        raise CrsbenchError(f"there is no pair to learn from: {told}", "raise candidates or contexts")
    return found


def labelled(rows: Rows, probability: NDArray[np.float64], threshold: float) -> list[dict[str, Any]]:
    """The logged turns of the contexts whose weak label is known, desirable or not.

    `probability` is that of all transitions. A turn that repeats a recommendation is left out: no policy
    may take it. Raises CrsbenchError where no turn is left.
    """
    found: list[dict[str, Any]] = []
    for r, i in enumerate(rows.chosen):
        turn = said_after(rows.transitions[r])
        item = lead_item(turn)
        if np.isnan(probability[i]) or item is None or not rows.allowed[r, item]:
            continue
        tokens = rows.codec.encode((turn,)).ids[2:].tolist()  # after <system> <rec>
        desirable = bool(probability[i] >= threshold)
        found.append({"prompt": rows.prompt(r), "completion": " " + spell(tokens), "label": desirable})
    if not found:
        told = f"none of {len(rows.chosen)} logged turns recommends an item anew and has a weak label"
        raise CrsbenchError(f"there is no turn to learn from: {told}", "raise contexts")
    return found


def said_after(transition: Transition) -> Turn:
    """The logged system turn of a transition."""
    return transition.next_state.history[len(transition.state.history)]


def judge(
    rows: Rows, reward: RewardModel, named: Sequence[int], turns: Sequence[Sequence[int]]
) -> list[float]:
    """R_φ of turns given as tokens, an item's and then the words', each in the context of its row."""
    actions: list[Action] = []
    for turn in turns:
        item = turn[0] - rows.codec.words
        actions.append(Action((item,), text=rows.codec.text(turn[1:], item)))
    return [one.total for one in reward.score([rows.states[r] for r in named], actions)]
