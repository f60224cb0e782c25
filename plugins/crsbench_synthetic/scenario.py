"""The generative model and its notation. `world`, `users`, `replies` and `logger` are its code.

One model, seven parameter sets (`scenarios.py`). Of three mechanisms, bait, cold items and drift, each is off
where its parameter is None.

Items. Item i has one value of each relation; x_i ∈ {0,1}^V marks them. Values are drawn with probability
∝ rank^−zipf. Popularity is π_i ∝ r_i^−`popularity`, r a random ranking; quality q_i ~ N(0, `quality`²) is
hidden and independent of π. With `bait`, a share of the items is bait, b_i = 1 (else 0), and q_i is less by
`bait.disappoints` · b_i. With `cold`, that share of the items comes out after train and valid were logged.

Users. Each belongs to one of `archetypes`, which likes value v of a relation with probability
`archetype_share` · Dirichlet(`concentration`)_v + (1 − `archetype_share`)/size. `likes` says how many values
of a relation a user likes and with what weight; `dislikes` are drawn evenly from what is left. Each weight is
multiplied by U(1 − `spread`, 1 + `spread`). w ∈ R^V holds them, zero elsewhere. With `drift`, after each turn
with that probability one like, any, moves: its weight goes to a value of its relation that had none. w_t are
the weights in turn t; without drift all are w.

Satisfaction in turn t, with the item i:

    z_t ~ Bernoulli(u_i),   u_i = σ(`bias` + w_t·x_i + q_i),   u_i = 0 if i was recommended before
                                                             (nobody is served by the same thing twice)

Conversation. The user opens with two likes and stays for H ~ U{`turns`} recommendations unless they leave.
After each one they leave with probability `leaves[z]`, else ask a follow-up question with probability
`asks[z]` + `bait.asks` · b_i (both are shares of all turns) or simply go on; who stays reveals one more
preference with probability `reveals`, in `reveals_dislike` of the cases a dislike, as long as there is one
left. It is one of the next turn's, and the like that moved last is told before others.

Reply. A share `polite` of the users hides a dislike with probability `hides` behind a courtesy. Else the
feeling is not shown in `neutral` of the turns, and otherwise is that of z, turned round with probability
`flips`. With probability `takes_up[z]` the reply names the item again.

Dwell, seconds from the system turn to the reply:

    ln d = ln(`reaction` + `per_word` · words) + speed_u + `dwell_effect` · z + `bait.dwell` · b_i
           + N(0, `dwell_noise`²) + away
    speed_u ~ N(0, `speed`²);   away = |N(`distraction_mean`, `distraction_sd`²)| in `distracted` of the
                                turns, else 0

The logging recommender is mediocre on purpose: with probability `matches` it takes an item that has what the
user named last, liked or not, with probability ∝ √π; else any item ∝ π; never the same item twice, and none
that is not out yet. In a share `exposed` of the test turns the item is drawn evenly instead.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bait:
    """Items that hold people and disappoint them."""

    share: float
    disappoints: float
    dwell: float
    asks: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """A parameter set; pairs are (not satisfied, satisfied). A change of any number makes a new `version`."""

    name: str
    version: str
    relations: tuple[tuple[str, int, float], ...] = (  # name, number of values, Zipf exponent
        ("genre", 8, 0.0),
        ("actor", 16, 0.5),
        ("director", 12, 0.0),
        ("decade", 5, 0.0),
        ("mood", 6, 0.0),
    )
    popularity: float = 0.8
    quality: float = 0.9
    archetypes: int = 6
    concentration: float = 0.25
    archetype_share: float = 0.8
    likes: tuple[tuple[str, int, float], ...] = (
        ("genre", 2, 2.0),
        ("actor", 1, 2.0),
        ("director", 1, 2.0),
        ("mood", 1, 1.5),
        ("decade", 1, 1.2),
    )
    dislikes: tuple[tuple[str, int, float], ...] = (("genre", 1, 2.0), ("mood", 1, 2.0))
    spread: float = 0.2
    bias: float = -1.5
    turns: tuple[int, int] = (3, 6)
    reveals: float = 0.75
    reveals_dislike: float = 0.3
    asks: tuple[float, float] = (0.18, 0.42)
    leaves: tuple[float, float] = (0.20, 0.05)
    takes_up: tuple[float, float] = (0.20, 0.30)
    flips: float = 0.10
    neutral: float = 0.15
    polite: float = 0.25
    hides: float = 0.6
    reaction: float = 0.4
    per_word: float = 0.22
    dwell_effect: float = 0.6
    dwell_noise: float = 0.6
    speed: float = 0.5
    distracted: float = 0.07
    distraction_mean: float = 1.8
    distraction_sd: float = 0.7
    matches: float = 0.45
    bait: Bait | None = None
    cold: float | None = None
    drift: float | None = None

    def parameters(self) -> dict[str, Any]:
        """All of it as JSON values; a mechanism that is off is left out, as if there were none."""
        return {name: value for name, value in asdict(self).items() if value is not None}
