"""The datasets: a scenario's log as a corpus, or as a stream of dialogues."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from crsbench.types import Corpus, Dialogue, Feedback, Row, Sealed, Split
from crsbench_synthetic import scenarios
from crsbench_synthetic.log import Logged, write_log
from crsbench_synthetic.options import DatasetOptions
from crsbench_synthetic.scenario import Scenario
from crsbench_synthetic.truths import Truths
from crsbench_synthetic.world import TEST, TRAIN, VALID, World, make_world

SPLITS: tuple[Literal["train", "valid", "test"], ...] = ("train", "valid", "test")


class SyntheticDataset:
    """A scenario's log. Train and valid are the plain log; some test turns are exposed at random."""

    protocols: ClassVar[tuple[str, ...]] = ("logged",)
    default_protocol: ClassVar[str] = "logged"
    simulator: ClassVar[str | None] = scenarios.SYNTHETIC.name
    scenario: ClassVar[Scenario] = scenarios.SYNTHETIC

    def __init__(self, options: DatasetOptions | None = None) -> None:
        self.options = options or DatasetOptions()

    def load(self, protocol: str, data_dir: Path, seed: int) -> Corpus:
        """Draw everything from `options.seed`, which the simulator shares.

        Nothing is read from `data_dir`; `seed` is the caller's copy of the same option.
        """
        del protocol, data_dir, seed
        world = self._world
        truths, digest = Truths(world, TEST), _Digest(world)
        feedback: dict[str, Feedback] = {}
        dialogues: dict[str, list[Dialogue]] = {split: [] for split in SPLITS}
        rows: dict[str, list[Row]] = {split: [] for split in SPLITS}
        for split in SPLITS:
            for logged in self.stream(split):
                digest.add(logged)
                dialogues[split].append(logged.dialogue)
                feedback[logged.dialogue.id] = logged.feedback()
                if split != "train":
                    rows[split] += logged.rows()
                if split == "test":
                    truths.add(logged)
        train, valid, test = (Split(tuple(dialogues[split]), tuple(rows[split])) for split in SPLITS)
        sealed = Sealed(feedback, truths)
        return Corpus(world.catalog, train, valid, test, sealed, digest.value, targets=len(test.rows))

    def stream(self, split: Literal["train", "valid", "test"]) -> Iterator[Logged]:
        """The dialogues of a split in order, each with its truth, in memory that does not grow with them."""
        o = self.options
        source, count, exposed = {
            "train": (TRAIN, o.dialogues, 0.0),
            "valid": (VALID, o.valid, 0.0),
            "test": (TEST, o.test, o.exposed),
        }[split]
        return write_log(self._world, source, count, exposed)

    @property
    def _world(self) -> World:
        return make_world(self.options.items, self.options.seed, self.scenario)


class _Digest:
    """Of the scenario, the catalogue and every turn with its truth."""

    def __init__(self, world: World) -> None:
        start = json.dumps([world.scenario.parameters(), world.catalog.fingerprint])
        self._sha = hashlib.sha256(start.encode())

    def add(self, logged: Logged) -> None:
        dialogue = logged.dialogue
        turns = [(t.text, t.recommended, t.seconds, t.ends) for t in dialogue.turns]
        self._sha.update(json.dumps([dialogue.id, turns, logged.satisfied, logged.exposed]).encode())

    @property
    def value(self) -> str:
        return self._sha.hexdigest()[:16]


class NoisyDataset(SyntheticDataset):
    scenario = scenarios.NOISY
    simulator = scenario.name


class PoliteDataset(SyntheticDataset):
    scenario = scenarios.POLITE
    simulator = scenario.name


class DistractedDataset(SyntheticDataset):
    scenario = scenarios.DISTRACTED
    simulator = scenario.name


class ClickbaitDataset(SyntheticDataset):
    scenario = scenarios.CLICKBAIT
    simulator = scenario.name


class ColdDataset(SyntheticDataset):
    scenario = scenarios.COLD
    simulator = scenario.name


class DriftDataset(SyntheticDataset):
    scenario = scenarios.DRIFT
    simulator = scenario.name
