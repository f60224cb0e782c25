"""What the signals read off a transition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crsbench.types import Source, Transition, Turn


def system_turn(transition: Transition) -> Turn | None:
    """The system turn that was taken, as the dialogue goes on from it."""
    at = len(transition.state.history)
    turns = transition.next_state.history[at : at + 1]
    return turns[0] if turns and turns[0].speaker == "system" else None


def of_user(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Those that the user says."""
    return tuple(turn for turn in turns if turn.speaker == "user")


def titles(turns: Iterable[Turn | None]) -> tuple[str, ...]:
    """Names of the items that the turns name, longest first."""
    names = {m.name for turn in turns if turn for m in turn.mentions if m.item is not None and m.name}
    return tuple(sorted(names, key=lambda name: (-len(name), name)))


def source(transitions: Sequence[Transition]) -> Source:
    """Whose behaviour was read: that of a simulator's users, or what the dataset has logged.

    States of a simulator carry its session. A scenario's log is logged behaviour like any other: that the
    scenario invented it is said by the dataset's name.
    """
    return "simulated" if any(t.state.session is not None for t in transitions) else "logged"
