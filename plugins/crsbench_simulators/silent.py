"""`silent`: the control whose replies carry nothing."""

from __future__ import annotations

from collections.abc import Sequence

from crsbench.types import Action, State, Truth, Turn
from crsbench_simulators.options import SilentOptions

GREETINGS = ("Hello", "Hi", "Hey", "Hi there", "Hello there", "Hey there")
REPLY = "Hm."


class Silent:
    """A user greets, says "Hm." to everything, and the conversation stops after some turns.

    Nobody leaves of their own accord, so every episode is censored: what a policy does with these users, it
    does without them.
    """

    def __init__(self, options: SilentOptions | None = None) -> None:
        self.options = options or SilentOptions()

    @property
    def episodes(self) -> int:
        """How many conversations an evaluation holds."""
        return self.options.episodes

    def start(self, seeds: Sequence[int]) -> list[State]:
        return [State((Turn("user", GREETINGS[seed % len(GREETINGS)]),), session=seed) for seed in seeds]

    def reply(self, states: Sequence[State], actions: Sequence[Action]) -> list[tuple[Turn | None, bool]]:
        del actions
        turns = [sum(turn.speaker == "system" for turn in state.history) + 1 for state in states]
        return [(Turn("user", REPLY), turn >= self.options.turns) for turn in turns]

    def truth(self, states: Sequence[State]) -> list[Truth] | None:
        del states
        return None
