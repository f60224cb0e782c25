"""What may be recommended in a conversation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crsbench.types import State


def unseen(states: Sequence[State], items: int) -> NDArray[np.bool_]:
    """bool [S, I]: what the system has not recommended in the conversation yet; all, if it has had all."""
    allowed = np.ones((len(states), items), bool)
    for s, state in enumerate(states):
        shown = [i for turn in state.history if turn.speaker == "system" for i in turn.recommended]
        if len(set(shown)) < items:
            allowed[s, shown] = False
    return allowed
