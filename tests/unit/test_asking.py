"""Simulators of real people meet those of the test split, and in training those of train."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from crsbench import run
from crsbench.errors import UsageError

PLUGIN = """
import json
from crsbench import Spec, hookimpl
from crsbench.types import Turn, State
from crsbench_classic.counting import Popularity

class Meets:
    episodes = 2
    def __init__(self, options): ...
    def ground(self, catalog, dialogues):
        self.met = sorted(one.id for one in dialogues)
    def dialogue(self, seed):
        return self.met[0]
    def start(self, seeds):
        return [State((Turn("user", " ".join(self.met)),), session=seed) for seed in seeds]
    def reply(self, states, actions):
        return [(None, True) for _ in states]
    def truth(self, states):
        return None

class Trains(Popularity):
    def fit(self, train, ctx):
        (state,) = ctx.simulator.start([1])
        self.met = state.history[0].text.split()
        self.train = sorted(one.id for one in train.dialogues)
        return super().fit(train, ctx)
    def save(self, directory):
        super().save(directory)
        (directory / "met.json").write_text(json.dumps([self.met, self.train]))

@hookimpl
def crsbench_simulators():
    return [Spec("meets", Meets)]

@hookimpl
def crsbench_policies():
    return [Spec("trains", Trains)]
"""


def test_who_is_met(plugin_file: Callable[..., Path], tmp_path: Path) -> None:
    small = {"dataset.dialogues": 12, "dataset.valid": 3, "dataset.test": 4}
    done = run(
        "trains",
        options=small,
        simulator="meets",
        metrics=["consistency_episodes"],
        out=tmp_path,
        plugins_dir=plugin_file("meeting", PLUGIN),
    )
    assert not isinstance(done, list)
    met, train = json.loads((done.path / "policy" / "met.json").read_text())
    assert met == train
    assert len(train) == 12
    episodes = [json.loads(line) for line in (done.path / "episodes.jsonl").read_text().splitlines()]
    tested = {json.loads(line)["dialogue"] for line in (done.path / "rows.jsonl").read_text().splitlines()}
    assert {tuple(one["turns"][0]["text"].split()) for one in episodes} == {tuple(sorted(tested))}


def test_a_dataset_without_test_dialogues(plugin_file: Callable[..., Path], tmp_path: Path) -> None:
    from crsbench.asking import Users
    from crsbench.testing.tiny import tiny_corpus

    class Grounded:
        def ground(self, catalog: object, dialogues: object) -> None: ...
        def dialogue(self, seed: int) -> str: ...
        def start(self, seeds: object) -> object: ...
        def reply(self, states: object, actions: object) -> object: ...
        def truth(self, states: object) -> object: ...

    corpus = tiny_corpus()
    with pytest.raises(UsageError, match="a/b plays the users of real dialogues, and this data has none"):
        Users(Grounded(), "a/b").ground(corpus.catalog, corpus.test.dialogues)  # pyright: ignore
