"""What every plugin has to hold, of whatever kind."""

from __future__ import annotations

import json
import pickle
import random
import sys
import time
from typing import Any

import numpy as np

from crsbench.options import fields, resolve
from crsbench.testing.bench import Bench
from crsbench.testing.suite import Ask, demand
from crsbench.testing.watch import Seen, watching

MOST_SECONDS = 1.0  # of CPU, for a constructor


def constructor_does_nothing(bench: Bench) -> None:
    """The constructor stores the options and does nothing else."""
    with watching() as first:  # what it imports on its first call is not counted against it
        bench.offer.make(bench.options)
    demand(not first.network, f"the constructor reaches for the network: {_first(first.network)}")
    drawn, began = _random_state(), time.process_time()
    with watching() as seen:
        bench.offer.make(bench.options)
    took = time.process_time() - began
    demand(not _touched(seen), f"the constructor opens or starts something: {_first(_touched(seen))}")
    demand(_random_state() == drawn, "the constructor draws from a global random state")
    demand(took < MOST_SECONDS, f"the constructor works for {took:.1f} s")


def options_round_trip(bench: Bench) -> None:
    """Every option has a default and a description, and comes back the same from text, JSON and a pickle."""
    model = bench.offer.options_model()
    for field in fields(model):
        demand(not field.info.is_required(), f"option {field.name} has no default")
        demand(bool(field.info.description), f"option {field.name} has no description")
        text = _as_typed(field.default)
        read = resolve({field.name: text}, {"": model})[""]
        demand(read == model(), f"-o {field.name}={text}, its own default, is read as something else")
    options = bench.options
    demand(model.model_validate_json(options.model_dump_json()) == options, "options differ after JSON")
    # A user's script may send options to a process of its own; what is read here was written just before.
    again = pickle.loads(pickle.dumps(options))  # noqa: S301
    demand(again == options, "options differ after pickling")
    before = options.model_dump_json()
    bench.offer.make(again)
    demand(options.model_dump_json() == before, "the constructor changes its options")


CHECKS: tuple[Ask, ...] = (constructor_does_nothing, options_round_trip)


def no_network(seen: Seen) -> None:
    """Raise ConformanceError where the network was reached for."""
    demand(not seen.network, f"it reaches for the network: {_first(seen.network)}")


def _first(found: list[str]) -> str:
    return found[0] if found else ""


def _touched(seen: Seen) -> list[str]:
    return [*seen.network, *seen.processes, *seen.written, *seen.read]


def _random_state() -> str:
    torch = sys.modules.get("torch")
    own = torch.get_rng_state().tolist() if torch else None
    return repr((random.getstate(), np.random.get_state(), own))


def _as_typed(value: Any) -> str:
    """A default as somebody would type it after -o."""
    if isinstance(value, str):
        return value
    return "none" if value is None else json.dumps(value)
