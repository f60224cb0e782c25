"""What a source of signals has to hold."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from crsbench.context import measure
from crsbench.episode import transitions
from crsbench.testing.asked import SCRIPTS
from crsbench.testing.bench import Bench
from crsbench.testing.common import no_network
from crsbench.testing.suite import Ask, demand
from crsbench.testing.watch import watching
from crsbench.types import Dialogue, Signal, Source, Transition, Turn


def measures_every_transition(bench: Bench) -> None:
    """One float64 value a transition, nan where nothing was observed, never infinite."""
    found, given = _measured(bench), _transitions(bench)
    _well_formed(found, len(given))
    demand(not np.isnan(found.values).all(), "it observes nothing in dialogues with replies and times")


def names_its_unit_and_source(bench: Bench) -> None:
    """The signal says its name, its unit, and whether it was logged, simulated or derived."""
    found = _measured(bench)
    demand(found.name == bench.offer.name, f"the signal is called {found.name!r}, not {bench.offer.name!r}")
    demand(bool(found.unit), "the signal has no unit ('1' where it has no dimension)")
    known = get_args(Source)
    demand(found.source in known, f"its source is {found.source!r}, none of {', '.join(known)}")


def measures_the_same_twice(bench: Bench) -> None:
    """The same transitions give the same values, and are left as they were."""
    given = _transitions(bench)
    kept = copy.deepcopy(given)
    once, twice = (_measure(bench, given).values for _ in range(2))
    demand(_equal(once, twice), "measured twice it gives two results")
    demand(given == kept, "measure changes the transitions")


def follows_its_transitions(bench: Bench) -> None:
    """Values stay with their transitions in whatever order the dialogues come."""
    dialogues = bench.corpus.train.dialogues
    order = np.random.default_rng(0).permutation(len(dialogues)).tolist()
    by_dialogue = {one: _transitions_of([one]) for one in dialogues}
    places = {t: n for n, t in enumerate(_keys(_transitions(bench)))}
    turned = [t for n in order for t in by_dialogue[dialogues[n]]]
    values, other = _measured(bench).values, _measure(bench, turned).values
    expected = values[[places[key] for key in _keys(turned)]]
    demand(np.allclose(other, expected, 1e-9, 1e-12, equal_nan=True), "values change with the order")


def copes_with_what_is_missing(bench: Bench) -> None:
    """Dialogues without times, without replies, in any script, and no dialogue at all."""
    dialogues = bench.corpus.train.dialogues[:6]
    timeless = [_timed(one, None) for one in dialogues]
    silent = [replace(one, turns=one.turns[:2]) for one in dialogues]
    said = tuple(turn for turn in SCRIPTS.history if turn.speaker == "user")
    odd = [
        Dialogue(f"odd-{n}", (*one.turns[:2], replace(said[n % len(said)], seconds=None)))
        for n, one in enumerate(dialogues)
    ]
    for some in (timeless, silent, odd, []):
        given = _transitions_of(some)
        _well_formed(_measure(bench, given), len(given))


def needs_no_network(bench: Bench) -> None:
    """It measures without reaching for the network."""
    with watching() as seen:
        _measured(bench)
    no_network(seen)


CHECKS: tuple[Ask, ...] = (
    measures_every_transition,
    names_its_unit_and_source,
    measures_the_same_twice,
    follows_its_transitions,
    copes_with_what_is_missing,
    needs_no_network,
)


def _transitions(bench: Bench) -> list[Transition]:
    return _transitions_of(bench.corpus.train.dialogues)


def _transitions_of(dialogues: Sequence[Dialogue]) -> list[Transition]:
    return [step for one in dialogues for step in transitions(one)]


def _measured(bench: Bench) -> Signal:
    return _measure(bench, _transitions(bench))


def _measure(bench: Bench, given: Sequence[Transition]) -> Signal:
    with bench.guard():
        found: Any = measure(bench.part.make(), given, bench.corpus.catalog)
    demand(isinstance(found, Signal), f"measure returns {type(found).__name__}, not a Signal")
    return found


def _well_formed(found: Signal, n: int) -> None:
    values = found.values
    demand(values.shape == (n,), f"values have shape {values.shape} for {n} transitions")
    demand(values.dtype == np.float64, f"values are {values.dtype}, not float64")
    demand(not np.isinf(values).any(), "a value is infinite; nan says that nothing was observed")


def _equal(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return np.array_equal(one, other, equal_nan=True)


def _keys(given: Sequence[Transition]) -> list[tuple[str, int]]:
    return [(t.dialogue, t.index) for t in given]


def _timed(dialogue: Dialogue, seconds: float | None) -> Dialogue:
    turns: tuple[Turn, ...] = tuple(replace(turn, seconds=seconds) for turn in dialogue.turns)
    return replace(dialogue, turns=turns)
