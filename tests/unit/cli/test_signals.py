"""`crsbench signals`: a stranger's chain by name, the JSON contract, tables, the page, and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
# A signal that reads the reply, one that is never observed, a vote, a reward that prefers high indices, and a
# policy that follows it.
CHAIN = """
    import numpy as np
    from crsbench import Spec, hookimpl
    from crsbench.types import Action, Reward, Signal, WeakLabel

    class Praise:
        def __init__(self, options):
            pass

        def measure(self, transitions):
            values = [np.nan if t.reply is None else float("great" in t.reply.text) for t in transitions]
            return Signal("inner-name", np.array(values), "0 or 1 <b>", "logged")

    class Nothing(Praise):
        def measure(self, transitions):
            return Signal("nothing", np.full(len(transitions), np.nan), "-", "derived")

    class Vote:
        def __init__(self, options):
            self.reliability = {}

        def fit(self, signals):
            self.reliability = {signal.name: 0.75 for signal in signals}
            return self

        def predict(self, signals):
            votes = np.nanmax([*(s.values for s in signals), np.zeros(len(signals[0].values))], axis=0)
            return WeakLabel(votes * 0.8 + 0.1, np.full(len(votes), 0.5))

    class Favourite:
        fitted = 0

        def __init__(self, options):
            self.scores = np.zeros(0)

        def fit(self, transitions, labels, ctx):
            assert len(labels.probability) == len(transitions)
            self.scores = np.arange(len(ctx.catalog)) / len(ctx.catalog)
            return self

        def score(self, states, actions):
            for state, action in zip(states, actions, strict=True):  # neither the turn nor its reply is there
                shown = [item for turn in state.history for item in turn.recommended]
                assert state.session is None and action.text and action.items[0] not in shown
            REWARD

        def score_items(self, states):
            return np.tile(self.scores.astype(np.float32), (len(states), 1))

        def sample_reply(self, states, rng):
            return []

        def save(self, directory):
            np.save(directory / "scores.npy", self.scores)

        def load(self, directory, device="cpu"):
            self.scores = np.load(directory / "scores.npy")
            return self

    class Greedy:
        needs = frozenset({"reward"})

        def __init__(self, options):
            self.reward = None

        def fit(self, train, ctx):
            self.reward = ctx.reward.value
            return self

        def act(self, states, want="ranking", k=50, mask=None, rng=None):
            best = np.argsort(-self.reward.score_items(states), axis=1)[:, :k]
            return [Action(tuple(row.tolist())) for row in best]

        def stages(self):
            return {"final": self}

        def save(self, directory):
            pass

    @hookimpl
    def crsbench_policies():
        return [Spec("greedy", Greedy)]

    @hookimpl
    def crsbench_signals():
        return [Spec("praise", Praise), Spec("nothing", Nothing)]

    @hookimpl
    def crsbench_labels():
        return [Spec("vote", Vote)]

    @hookimpl
    def crsbench_rewards():
        return [Spec("favourite", Favourite)]
"""
SCORE = "return [Reward(float(self.scores[action.items[0]])) for action in actions]"
SMALL = ["-o", "dataset.dialogues=40", "-o", "dataset.test=40", "-o", "dataset.valid=5"]


@pytest.fixture
def chain(tmp_path: Path, plugin_file: Callable[..., Path]) -> Callable[..., list[object]]:
    """Flags for the stranger's chain on a small scenario; `score` is what its reward model does."""

    def flags(labels: str, score: str = SCORE) -> list[object]:
        folder = plugin_file("a_chain", CHAIN.replace("REWARD", score))
        parts = ["--signals", "praise,nothing", "--labels", labels, "--reward", "favourite"]
        return [*parts, "--plugins-dir", folder, "--out", tmp_path / "runs", *SMALL]

    return flags


@pytest.fixture
def judge(cli: Cli, chain: Callable[..., list[object]]) -> Cli:
    """`judge("--json")`: judge that chain."""

    def call(*arguments: object, score: str = SCORE) -> Any:
        return cli("signals", "synthetic", *chain("vote,majority", score), *arguments)

    return call


def test_the_json_of_a_strangers_chain(judge: Cli) -> None:
    answer = judge("--json", "--quiet")
    assert answer.code == 0, answer.err
    found = answer.json
    rows = {row["name"]: row for row in found["rows"]}
    kinds = [(name, row["kind"]) for name, row in rows.items()]
    assert kinds == [
        ("praise", "signal"),
        ("nothing", "signal"),
        ("vote", "labels"),
        ("majority", "labels"),
        ("favourite", "reward"),
    ]
    for name in ("praise", "vote", "favourite"):
        auc = rows[name]["auc"]
        assert 0 <= auc["low"] <= auc["value"] <= auc["high"] <= 1
    assert rows["praise"]["auc"]["low"] > 0.5
    # a signal has no probabilities, one that was never observed nothing at all
    assert rows["praise"]["brier"] is None
    assert rows["praise"]["absent"]["brier"] == "its values are no probabilities"
    assert rows["nothing"]["coverage"] == 0
    assert rows["nothing"]["auc"] is None
    assert rows["nothing"]["absent"]["auc"] == "no label has a value"
    assert rows["praise"]["reliability"] == {"vote": 0.75}  # under its inner name
    assert rows["vote"]["brier"]["value"] > 0
    assert rows["favourite"]["calibration_error"] is not None
    assert {row["name"] for row in found["rulers"]} == {
        "constant",
        "reply length",
        "turn length",
        "popularity",
        "true utility",
    }
    assert found["agreement"]["rho"] == [[1.0, None], [None, None]]
    pairs = {(gap["a"], gap["b"]): gap for gap in found["comparisons"]}
    assert set(pairs) == {
        ("vote", "praise"),
        ("vote", "majority"),
        ("vote", "reply length"),
        ("favourite", "popularity"),
        ("favourite", "turn length"),
    }
    assert pairs["vote", "praise"]["value"] == 0  # the same order
    cut = {(one["signal"], one["how"]): one["difference"] for one in found["ablation"]}
    assert cut["praise", "permuted"]["value"] < 0
    assert cut["nothing", "left out"]["value"] == 0
    assert found["ranking"]["bounds"]["oracle"]["value"] == pytest.approx(1)
    assert abs(found["ranking"]["reward"]["value"]) < 0.5
    assert found["counts"]["labels"] == found["counts"]["test_transitions"] > 40


def test_the_same_again(judge: Cli, tmp_path: Path) -> None:
    first = judge("--json")
    again = judge("--json")
    assert again.out == first.out
    assert "reward: reused" in again.err
    ledger = (tmp_path / "runs" / "reads.jsonl").read_text().splitlines()
    assert [json.loads(line)["plugin"] for line in ledger] == ["crsbench/signals"] * 2


def test_a_run_shares_its_stages(judge: Cli, cli: Cli, chain: Callable[..., list[object]]) -> None:
    assert judge("--quiet").code == 0
    quick = ["--metrics", "recall@10", "--simulator", "none"]
    answer = cli("run", "--plugin", "greedy", *chain("vote"), *quick, "--json", "--quiet")
    assert answer.code == 0, answer.err
    assert {stage["name"]: stage["reused"] for stage in answer.json["stages"]} == {
        "labels": True,
        "reward": True,
    }


def test_tables_fit_80_columns(judge: Cli) -> None:
    answer = judge("--quiet")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("What can be known before the user answers: favourite" in line for line in lines)
    assert not any("…" in line for line in lines)


def test_without_a_reward_model(cli: Cli, chain: Callable[..., list[object]]) -> None:
    flags = [flag for flag in chain("majority") if flag not in ("--reward", "favourite")]
    flags[flags.index("praise,nothing")] = "praise"
    answer = cli("signals", "synthetic", "--no-reward", "--json", *flags)
    assert answer.code == 0, answer.err
    assert [row["kind"] for row in answer.json["rows"]] == ["signal", "labels"]
    assert answer.json["ranking"]["reason"] == "no reward model was asked for"
    assert answer.json["ablation"][1]["difference"] is None  # nothing would be left
    assert answer.json["rows"][0]["reliability"] == {}  # a vote learns none


def test_the_page_is_whole_and_escapes(judge: Cli, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "page.html"
    assert judge("--quiet", "--report", file).code == 0
    text = file.read_text()
    assert "0 or 1 &lt;b&gt;" in text
    assert "<b>" not in text
    assert "<script" not in text
    assert "http" not in text  # nothing is fetched
    for title in ("ROC: praise", "Reliability: vote", "ROC: favourite", "Reliability: true utility"):
        assert f'alt="{title}"' in text
    assert 'alt="Reliability: praise"' not in text


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["sinthetic"], "error: unknown dataset 'sinthetic' (did you mean 'synthetic'?)"),
        (
            ["synthetic", "--labels", "latent"],
            "error: unknown labels 'latent' (did you mean 'latent-class'?)",
        ),
        (["synthetic", "--signals", "dwel"], "error: unknown signal 'dwel' (did you mean 'dwell'?)"),
        (["synthetic", "--reward", "x", "--no-reward"], "error: --reward and --no-reward exclude each other"),
        (["synthetic", "--labels", ","], "error: --labels names none (crsbench plugins lists what there is)"),
        (
            ["synthetic", "--limit", "0"],
            "error: --limit: 0 is not allowed; it takes an integer of at least 1",
        ),
        (
            ["synthetic", "-o", "labels.binz=3"],
            "error: unknown option 'labels.binz' (did you mean 'labels.bins'?)",
        ),
    ],
)
def test_a_wrong_call_is_one_line(cli: Cli, tmp_path: Path, arguments: list[str], line: str) -> None:
    answer = cli("signals", *arguments, "--quiet", "--out", tmp_path / "runs")
    assert (answer.code, answer.line) == (2, line)


def test_missing_data(cli: Cli, tmp_path: Path) -> None:
    answer = cli("signals", "redial", "--quiet", "--data-dir", tmp_path, "--out", tmp_path / "runs")
    assert answer.code == 4
    assert "crsbench data get redial" in answer.line


@pytest.mark.parametrize(
    ("score", "said"),
    [
        ("raise KeyError('x')", "a_chain/favourite failed: KeyError: 'x'"),
        ("return []", "a_chain/favourite: score gave 0 of"),
        (
            "return [Reward(float('inf'))] * len(actions)",
            "a_chain/favourite: its rewards are not all between",
        ),
    ],
)
def test_a_broken_reward_ends_it_with_its_name(judge: Cli, score: str, said: str) -> None:
    answer = judge("--quiet", score=score)
    assert answer.code == 3
    assert said in answer.line
