"""The whole loop on a toy world: records, identity, reuse, resume, and what training cannot reach."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crsbench
from crsbench.config import RunConfig
from crsbench.errors import CrsbenchError, DataError, PluginError, UsageError
from crsbench.plugins import Host
from crsbench.protocols import Context, Partners
from crsbench.record import Run, load_run
from crsbench.run import execute
from crsbench.types import Action, Feedback, Row, Sealed, Truth
from crsbench.ui import SilentUi

TOYS = Path(__file__).parent / "toys"
CHAIN: dict[str, Any] = {
    "dataset": "toy",
    "signals": ("toy-dwell",),
    "labels": "toy-mean",
    "reward": "toy-reward",
    "metrics": ("hit", "words", "joy"),
    "device": "cpu",
}


SECOND_SIGNAL = """

class Noise(Dwell):
    def measure(self, transitions):
        return Signal("toy-noise", np.arange(len(transitions)) * 1.0, "none", "derived")
"""


class Lab:
    """A folder of toy plugins that can be edited, and runs with them."""

    def __init__(self, path: Path) -> None:
        self.plugins = path / "toys"
        self.out = path / "runs"
        self.data = path / "data"
        self.data.mkdir()
        shutil.copytree(TOYS, self.plugins, ignore=shutil.ignore_patterns("__pycache__"))

    def run(self, plugin: str = "toy-ppo", **given: Any) -> Run:
        given = CHAIN | {"out": self.out, "data_dir": self.data, "plugins_dir": self.plugins} | given
        done = crsbench.run(plugin, **given)
        assert isinstance(done, Run)
        return done

    def append(self, module: str, text: str) -> None:
        file = self.plugins / f"{module}.py"
        file.write_text(file.read_text() + text)

    def edit(self, module: str, old: str, new: str) -> None:
        file = self.plugins / f"{module}.py"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    @property
    def policies(self) -> Any:
        return sys.modules["toy_policies"]

    @property
    def told(self) -> list[Any]:
        return sys.modules["toy_watch"].TOLD


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    yield Lab(tmp_path)
    for name in [name for name in sys.modules if name.startswith("toy_")]:
        del sys.modules[name]


def stages(run: Run) -> dict[str, bool]:
    """Stage → whether it was reused."""
    return {stage["name"]: stage["reused"] for stage in run.record["stages"]}


def comparable(run: Run) -> dict[str, Any]:
    """A record without what may differ between two machines and moments."""
    record = json.loads(json.dumps(run.record))
    del record["provenance"]
    for stage in record["stages"]:
        del stage["seconds"], stage["reused"]
    return record


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_record(lab: Lab) -> None:
    run = lab.run()
    record = run.record
    assert run.complete
    assert record["schema"] == 1
    assert record["error"] is None
    assert run.path == lab.out / run.id
    described = record["run"]
    assert described["plugin"] == "toy_policies/toy-ppo"
    assert described["dataset"] == "toy_world/toy"
    assert described["simulator"] == "toy_world/toy-users"  # the dataset's own
    assert (described["protocol"], described["seed"], described["privileged"]) == ("plain", 0, False)
    assert described["options"]["strength"] == 1.0
    assert described["options"]["sft.bonus"] == 0.0
    assert described["options"]["reward.scale"] == 1.0
    assert described["options_passed"] == {}
    kinds = [plugin["kind"] for plugin in described["plugins"]]
    assert kinds == [
        "policy",
        "dataset",
        "signal",
        "labels",
        "reward",
        "metric",
        "metric",
        "metric",
        "simulator",
    ]
    assert all(len(plugin["digest"]) >= 64 and plugin["version"] == "0" for plugin in described["plugins"])
    assert record["counts"] == {
        "rows": 8,
        "targets": 17,
        "dropped": {"not in the catalogue": 1},
        "catalog": 6,
        "train_dialogues": 12,
    }
    assert [(s["name"], s["steps"]) for s in record["stages"]] == [
        ("sft", 2),
        ("labels", 0),
        ("reward", 1),
        ("ppo", 0),
    ]
    assert {
        (s["metric"], s["stage"], s["unit"], s["decoding"], s["simulator"]) for s in record["scores"]
    } == {
        (metric, stage, unit, decoding, simulator)
        for stage in ("sft", "final")
        for metric, unit, decoding, simulator in [
            ("hit", "label", None, None),
            ("hit", "row", None, None),
            ("words", "row", None, None),
            ("joy", "episode", "greedy", "toy_world/toy-users"),
            ("joy", "episode", "sampled", "toy_world/toy-users"),
        ]
    }
    for score in record["scores"]:
        assert 0 <= score["low"] <= score["value"] <= score["high"]
    assert run.score("joy", unit="episode").n == 9
    assert run.score("hit", "sft", "new").n == 6  # items 0 and 6 % 6 were mentioned
    with pytest.raises(UsageError, match=r"no hitt.*did you mean 'hit'"):
        run.score("hitt")
    (difference,) = [d for d in record["differences"] if d["metric"] == "joy" and d["decoding"] == "greedy"]
    assert (difference["a"], difference["b"]) == ("sft", "final")
    gain = run.score("joy", "final").value - run.score("joy", "sft").value
    assert difference["value"] == pytest.approx(gain)


def test_the_files_beside_it(lab: Lab) -> None:
    run = lab.run()
    rows = lines(run.path / "rows.jsonl")
    assert [row["stage"] for row in rows] == ["sft"] * 8 + ["final"] * 8
    assert rows[1]["targets"] == [1, 0]
    assert set(rows[0]) == {
        *("id", "dialogue", "stage", "targets", "ranks", "new", "tail", "liked", "clean", "exposed", "values")
    }
    hits = [row["values"]["hit"] for row in rows if row["stage"] == "final"]
    assert sum(hits) / 8 == run.score("hit", unit="row").value
    episodes = lines(run.path / "episodes.jsonl")
    assert len(episodes) == 2 * 2 * 9
    assert episodes[0]["id"] == "1000000000"
    assert episodes[0]["turns"][1]["items"] == [int(episodes[0]["turns"][1]["text"].split()[-1])]
    joy = [e["values"]["joy"] for e in episodes if (e["stage"], e["decoding"]) == ("final", "sampled")]
    assert sum(joy) / 9 == pytest.approx(run.score("joy", decoding="sampled").value)
    curves = lines(run.path / "curves.jsonl")
    assert curves[0] == {"sft/loss": 0.5, "stage": "sft", "step": 1}
    assert [line["stage"] for line in curves] == ["sft", "sft", "reward"]
    assert "fitting sft" not in (run.path / "log.txt").read_text()  # toy-ppo does not print
    assert (run.path / "reward" / "reward.json").is_file()
    (reading,) = lines(lab.out / "reads.jsonl")
    assert (reading["run"], reading["split"], reading["rows"]) == (run.id, "test", 8)
    values = run.measured()
    assert len(values) == len(run.record["scores"])


def test_the_policy_loads_again(lab: Lab) -> None:
    run = lab.run()
    policy = crsbench.load_policy(run.path)
    assert type(policy).__name__ == "Ppo"
    stage = next(s["id"] for s in run.record["stages"] if s["name"] == "ppo")
    saved = json.loads((lab.out / "stages" / stage / "files" / "ppo.json").read_text())
    assert policy.policy.values == saved


def test_the_same_seed_gives_the_same_record(lab: Lab, tmp_path: Path) -> None:
    state = np.random.get_state()[1].copy()  # pyright: ignore
    one = lab.run()
    assert (np.random.get_state()[1] == state).all()  # pyright: ignore
    again = lab.run(out=tmp_path / "elsewhere")
    assert comparable(one) == comparable(again)
    for name in ("rows.jsonl", "episodes.jsonl", "curves.jsonl", "values.jsonl"):
        assert (one.path / name).read_bytes() == (again.path / name).read_bytes()
    sampled = one.score("joy", decoding="sampled")
    other = lab.run(seed=1)
    assert other.id != one.id
    assert other.score("joy", decoding="sampled") != sampled
    assert other.score("joy", decoding="greedy") == one.score("joy", decoding="greedy")


def test_reused_stages_give_the_same_record(lab: Lab) -> None:
    one = lab.run()
    shutil.rmtree(one.path)
    again = lab.run()
    assert stages(again) == dict.fromkeys(("sft", "labels", "reward", "ppo"), True)
    assert comparable(one) == comparable(again)
    assert (again.path / "curves.jsonl").read_text().count("\n") == 3
    assert lab.policies.BUILT == []


def test_a_stage_has_a_random_state_of_its_own(lab: Lab, tmp_path: Path) -> None:
    """`sft` draws random numbers: alone or inside a longer run, they are the same."""

    def drawn(run: Run) -> float:
        stage = next(s["id"] for s in run.record["stages"] if s["name"] == "sft")
        out = run.path.parent
        return json.loads((out / "stages" / stage / "files" / "sft.json").read_text())[-1]

    one, other = lab.run("toy-sft", out=tmp_path / "a"), lab.run("toy-ppo", out=tmp_path / "b")
    assert drawn(one) == drawn(other)
    assert drawn(lab.run("toy-sft", out=tmp_path / "a", seed=1)) != drawn(one)


def test_an_edited_reward_runs_again_with_what_follows(lab: Lab) -> None:
    one = lab.run()
    lab.edit("toy_reward", "p * self.options.scale", "2 * p * self.options.scale")
    again = lab.run()
    assert again.id != one.id
    assert stages(again) == {"sft": True, "labels": True, "reward": False, "ppo": False}
    assert lab.policies.BUILT == ["ppo"]


def test_an_edit_while_it_trains_is_not_taken_for_what_trained(lab: Lab) -> None:
    """The first run's stage is the work of the old code, though the file was new when it was asked for."""
    file = lab.plugins / "toy_policies.py"
    begin = "        sft = sft_stage(ctx, train, self.options.sft)\n"
    edit = f"        file = __import__('pathlib').Path({str(file)!r})\n"
    edit += "        if '# new' not in file.read_text()[-9:]: file.write_text(file.read_text() + '# new')\n"
    lab.edit("toy_policies", begin, edit + begin)
    first = lab.run()
    assert file.read_text().endswith("# new")
    second = lab.run()
    assert second.id != first.id
    assert (stages(second)["sft"], stages(second)["ppo"]) == (False, False)
    assert lab.run(if_exists="resume").id == second.id


def test_policies_share_stages_and_options_part_them(lab: Lab) -> None:
    sft = lab.run("toy-sft")
    assert stages(sft) == {"sft": False}  # it needs no labels and no reward: none is built
    assert not (sft.path / "reward").exists()
    ppo = lab.run("toy-ppo", options={"strength": "2"})
    assert stages(ppo) == {"sft": True, "labels": False, "reward": False, "ppo": False}
    third = lab.run("toy-ppo", options={"reward.scale": 3.0})
    assert stages(third) == {"sft": True, "labels": True, "reward": False, "ppo": False}
    fourth = lab.run("toy-ppo", options={"sft.bonus": 1})
    assert stages(fourth) == {"sft": False, "labels": True, "reward": True, "ppo": False}
    assert len({run.id for run in (sft, ppo, third, fourth)}) == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"options": {"strength": 2}},
        {"options": {"dataset.train": 11}},
        {"seed": 3},
        {"protocol": "other"},
        {"limit": 5},
        {"metrics": ("hit",)},
        {"simulator": "none"},
        {"precision": "bf16"},
        {"model": "some/model"},
        {"plugin": "toy-sft"},
    ],
    ids=str,
)
def test_whatever_can_change_a_score_changes_the_id(lab: Lab, changed: dict[str, Any]) -> None:
    assert lab.run().id != lab.run(**changed).id


def test_every_plugin_in_a_run_is_part_of_its_id(lab: Lab) -> None:
    ids = {lab.run().id}
    for module in ("toy_world", "toy_chain", "toy_reward", "toy_policies"):
        lab.append(module, "# edited\n")
        ids.add(lab.run().id)
    assert len(ids) == 5
    lab.append("toy_watch", "# edited\n")
    assert lab.run().id in ids  # an observer changes no score
    before = lab.run("toy-sft").id
    lab.append("toy_reward", "# edited\n")
    assert lab.run("toy-sft").id == before  # and a reward none of what does without


def test_the_model_is_known_by_its_files(lab: Lab, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_text("1")
    one = lab.run(model=str(model))
    moved = model.rename(tmp_path / "moved")
    assert lab.run(model=str(moved)).id == one.id
    (moved / "weights").write_text("2")
    assert lab.run(model=str(moved)).id != one.id
    with pytest.raises(UsageError, match=r"--model: \./gone is no folder"):
        lab.run(model="./gone")


def test_a_finished_run_returns_at_once(lab: Lab) -> None:
    one = lab.run()
    loads = (lab.data.parent / "loads.txt").read_text()
    lab.policies.SEEN.clear()
    before = (one.path / "result.json").stat().st_mtime_ns
    again = lab.run()
    assert again.record == one.record
    assert (one.path / "result.json").stat().st_mtime_ns == before
    assert (lab.data.parent / "loads.txt").read_text() == loads  # not even the data was loaded
    assert len(lines(lab.out / "reads.jsonl")) == 1
    (lab.data / "new").write_text("x")  # data that may be another has to be looked at
    assert lab.run().record == one.record
    assert len((lab.data.parent / "loads.txt").read_text()) == len(loads) + 1


def test_a_finished_run_imports_no_torch(lab: Lab) -> None:
    lab.edit(
        "toy_world", "import numpy as np", "import numpy as np\nimport sys\nassert 'torch' not in sys.modules"
    )
    code = f"""
import sys, crsbench
for _ in range(2):
    crsbench.run("toy-sft", dataset="toy", metrics=["hit"], out={str(lab.out)!r}, data_dir={str(lab.data)!r},
                 plugins_dir={str(lab.plugins)!r}, device="cpu")
assert not {{"torch", "transformers", "sklearn", "nltk"}} & set(sys.modules), sorted(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_replace_builds_everything_once_more(lab: Lab) -> None:
    one = lab.run()
    lab.run("toy-sft")
    again = lab.run(if_exists="replace")
    assert stages(again) == dict.fromkeys(("sft", "labels", "reward", "ppo"), False)
    assert comparable(again) == comparable(one)
    assert again.path == one.path


class KillError(Exception):
    pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, KillError])
def test_it_goes_on_after_the_last_finished_stage(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    lab.edit("toy_policies", 'BUILT.append("ppo")', 'BUILT.append("ppo"); stop()')
    lab.append("toy_policies", "\n\nimport builtins\nstop = lambda: builtins.crs_stop()\n")

    def stop() -> None:
        raise error("stopped")

    monkeypatch.setattr("builtins.crs_stop", stop, raising=False)
    with pytest.raises((error, PluginError)):
        lab.run()
    (path,) = [folder for folder in lab.out.iterdir() if (folder / "config.toml").exists()]
    assert not list(lab.out.rglob("*.building"))
    assert lab.told[-1][0] == "failed"
    if error is KeyboardInterrupt:
        assert not (path / "result.json").exists()
        with pytest.raises(UsageError, match="unfinished"):
            load_run(path)
    else:
        failed = load_run(path).record
        assert failed["status"] == "failed"
        assert failed["error"]["type"] == "PluginError"
        assert failed["error"]["plugin"] == "toy_policies/toy-ppo"
        assert "KillError: stopped" in failed["error"]["message"]
        assert [stage["name"] for stage in failed["stages"]] == ["sft", "labels", "reward"]
        with pytest.raises(PluginError, match=r"failed before.*stopped"):
            lab.run(if_exists="skip")
    monkeypatch.setattr("builtins.crs_stop", lambda: None)
    done = lab.run()
    assert done.path == path
    assert stages(done) == {"sft": True, "labels": True, "reward": True, "ppo": False}


def test_a_stage_goes_on_from_its_checkpoints(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.edit("toy_policies", 'BUILT.append("ppo")', "crs_go_on(ctx)")
    lab.append("toy_policies", "\n\nimport builtins\ncrs_go_on = lambda ctx: builtins.crs_go_on(ctx)\n")
    found: list[list[str]] = []

    def go_on(ctx: Context) -> None:
        found.append(sorted(path.name for path in ctx.checkpoints.iterdir()))
        (ctx.checkpoints / f"{len(found)}").touch()
        ctx.step(len(found), {"x": len(found)})
        if len(found) < 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("builtins.crs_go_on", go_on, raising=False)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            lab.run()
    run = lab.run()
    assert found == [[], ["1"], ["1", "2"]]
    assert not list(lab.out.rglob("*.checkpoints"))
    assert [line["x"] for line in lines(run.path / "curves.jsonl") if line["stage"] == "ppo"] == [3]


def test_training_with_the_simulator_is_on_record(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lab.run().record["run"]["simulator_in_training"] is False
    lab.edit("toy_policies", "reward = ctx.reward", "reward = ctx.reward; crs_meet(ctx.simulator)")
    lab.append("toy_policies", "\n\nimport builtins\ncrs_meet = lambda users: builtins.crs_meet(users)\n")
    met: list[str] = []

    def meet(users: Partners) -> None:
        states = users.start([0, 1])
        replies = users.reply(states, [Action((0,))] * 2)
        met.append(f"{users.identity['name']}: {len(states)}, {len(replies)}")
        with pytest.raises(ValueError, match="those of the evaluation"):
            users.start([1_000_000_000])

    monkeypatch.setattr("builtins.crs_meet", meet, raising=False)
    for _ in range(2):
        assert lab.run(if_exists="replace").record["run"]["simulator_in_training"] is True
    assert met == ["toy_world/toy-users: 2, 2"] * 2
    with pytest.raises(UsageError, match="trains with a simulator, and this run has none"):
        lab.run(simulator="none")


def test_earlier_rounds_are_asked_when_all_is_done(lab: Lab) -> None:
    """The curve of true satisfaction: greedy, the first users, a line a round; nothing else changes."""
    plain = lab.run()
    lab.append(
        "toy_policies",
        """

def rounds(self):
    values = self.policy.values
    return {1: lambda: Scores(values[::-1]), 2: lambda: Scores(values)}


Ppo.rounds = rounds
""",
    )
    run = lab.run()
    assert [comparable(run)["scores"]] == [comparable(plain)["scores"]]
    *training, first, second = lines(run.path / "curves.jsonl")
    assert training == lines(plain.path / "curves.jsonl")
    assert {**first, "joy": None} == {"joy": None, "users": 9, "stage": "final", "step": 1}
    assert second["joy"] == pytest.approx(run.score("joy", decoding="greedy").value)
    assert first["joy"] != second["joy"]
    lab.append("toy_policies", "\n\nPpo.rounds = lambda self: {1: lambda: 1 / 0}\n")
    with pytest.raises(PluginError, match=r"toy_policies/toy-ppo.*ZeroDivisionError"):
        lab.run()


def test_checkpoints_belong_to_a_stage(lab: Lab) -> None:
    lab.edit("toy_policies", "reward = ctx.reward", "ctx.checkpoints")
    with pytest.raises(PluginError, match="belong to a stage that is being built"):
        lab.run()


def test_a_killed_process_leaves_a_run_that_goes_on(lab: Lab) -> None:
    """SIGKILL in the middle of a stage: nothing is cleaned up by anybody."""
    lab.edit("toy_policies", 'BUILT.append("ppo")', 'BUILT.append("ppo"); hold()')
    lab.append(
        "toy_policies",
        "\n\nimport os, signal\n"
        "hold = lambda: os.environ.get('CRS_KILL') and os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    given = {k: list(v) if isinstance(v, tuple) else v for k, v in CHAIN.items()}
    code = f"""
import os, crsbench
os.environ["CRS_KILL"] = "1"
crsbench.run("toy-ppo", out={str(lab.out)!r}, data_dir={str(lab.data)!r},
             plugins_dir={str(lab.plugins)!r}, **{given!r})
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert len(list(lab.out.rglob("*.building"))) == 1
    done = lab.run()
    assert stages(done) == {"sft": True, "labels": True, "reward": True, "ppo": False}
    assert not list(lab.out.rglob("*.building"))


def test_config_toml_runs_again_as_it_is(lab: Lab) -> None:
    one = lab.run(options={"strength": 0.5, "sft.bonus": "2"}, limit=9)
    config = RunConfig.of({}, one.path / "config.toml")
    again = execute(config, Host.discover(config.plugins_dir), SilentUi())
    assert again.id == one.id


def test_observers_are_told_and_change_nothing(lab: Lab) -> None:
    run = lab.run()
    assert run.record["scores"]
    assert [kind for kind, *_ in lab.told] == [
        *("started", "step", "step", "stage", "stage", "step", "stage", "stage", "finished")
    ]
    assert lab.told[1] == ("step", 1, {"sft/loss": 0.5})
    assert lines(run.path / "curves.jsonl")[0]["sft/loss"] == 0.5
    assert run.record["observer_failures"] == []


def test_a_failing_observer_is_in_the_record(lab: Lab) -> None:
    lab.edit(
        "toy_watch", 'TOLD.append(("finished"', 'raise RuntimeError("boom")\n    TOLD.append(("finished"'
    )
    run = lab.run("toy-sft")
    assert run.complete
    (failure,) = run.record["observer_failures"]
    assert "toy_watch" in failure
    assert "boom" in failure


def test_what_a_plugin_prints_goes_to_the_log(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    run = lab.run("toy-sft")
    assert capsys.readouterr().out == ""
    assert "fitting sft" in (run.path / "log.txt").read_text()


def test_a_policy_without_words_stages_or_simulator(lab: Lab) -> None:
    run = lab.run("toy-mute", simulator="none")
    reasons = {row["metric"]: row["reason"] for row in run.record["absent"]}
    assert reasons == {"words": "the policy does not talk", "joy": "there is no simulator to talk to"}
    assert run.record["stages"] == []
    assert run.record["run"]["simulator"] is None
    assert lines(run.path / "curves.jsonl") == [{"mute/loss": None, "stage": None, "step": 1}]
    with pytest.raises(UsageError, match="no joy: there is no simulator"):
        run.score("joy")


def test_a_privileged_policy_is_marked(lab: Lab) -> None:
    run = lab.run("toy-oracle")
    assert run.record["run"]["privileged"] is True


def test_seeds_are_runs(lab: Lab) -> None:
    given: dict[str, Any] = CHAIN | {"out": lab.out, "data_dir": lab.data, "plugins_dir": lab.plugins}
    runs = crsbench.run("toy-ppo", seed=4, seeds=2, **given)
    assert [run.record["run"]["seed"] for run in runs] == [4, 5]  # pyright: ignore
    compared = crsbench.compare(runs)  # pyright: ignore
    assert {(row.a, row.b, row.seeds) for row in compared.rows} == {("sft", "final", 2)}


def test_runs_are_compared_on_their_rows(lab: Lab) -> None:
    mute, ppo = lab.run("toy-mute"), lab.run("toy-ppo")
    compared = crsbench.compare([mute, str(ppo.path)])
    (row,) = [r for r in compared.rows if (r.metric, r.subset, r.unit) == ("hit", "all", "row")]
    assert (row.a, row.b) == ("toy_policies/toy-mute", "toy_policies/toy-ppo")
    assert row.value_b - row.value_a == pytest.approx(row.difference)
    assert row.value_b == ppo.score("hit", unit="row").value
    with pytest.raises(UsageError, match="differ in limit"):
        crsbench.compare([mute, lab.run("toy-ppo", limit=4)])


def test_limit(lab: Lab) -> None:
    record = lab.run(limit=4).record
    assert record["counts"]["rows"] == 4
    assert record["counts"]["train_dialogues"] == 4
    assert record["counts"]["targets"] == 17
    assert record["counts"]["dropped"] == {"not in the catalogue": 1, "outside --limit": 8}
    assert {s["n"] for s in record["scores"] if s["unit"] == "episode"} == {4}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"plugin": "toy-pp"}, "unknown policy 'toy-pp'.*did you mean 'toy-ppo'"),
        ({"dataset": "toi"}, "unknown dataset 'toi'.*'toy'"),
        ({"protocol": "plane"}, "no protocol 'plane'.*'plain'"),
        ({"signals": ("toy-dwel",)}, "unknown signal 'toy-dwel'"),
        ({"plugin": "toy-sft", "reward": "toy-rewar"}, "unknown reward"),  # even where it is not needed
        ({"metrics": ("hitt",)}, "unknown metric 'hitt'"),
        ({"metrics": ()}, "nothing would be measured"),
        ({"simulator": "toy-user"}, "unknown simulator"),
        ({"options": {"strenght": 1}}, "unknown option 'strenght'.*'strength'"),
        ({"options": {"strength": -1}}, "strength.*-1"),
        ({"options": {"reward.scale": "x"}}, "reward.scale"),
        ({"options": {"reward.toy-dwell": "0"}}, "no signal is left in the reward"),
        ({"options": {"reward.toy-dwell": "0.5"}}, r"in the reward \(1\) or out of it \(0\)"),
        (
            {"plugin": "toy-sft", "options": {"reward.scale": 2}},
            "'reward.scale': this run has no reward model",
        ),
        (
            {"plugin": "toy-sft", "options": {"reward.toy-dwell": "0"}},
            "'reward.toy-dwell': this run has no reward model",
        ),
        ({"device": "cuda"}, "no CUDA device"),
    ],
    ids=str,
)
def test_bad_input_is_one_line(lab: Lab, given: dict[str, Any], message: str) -> None:
    if given.get("device") == "cuda" and pytest.importorskip("torch").cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(UsageError, match=message) as caught:
        lab.run(**given)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert not list(lab.out.rglob("result.json"))


def test_a_signal_is_switched_out_of_the_reward(lab: Lab) -> None:
    """The run is the one without that signal; the record says what was passed."""
    lab.append("toy_chain", SECOND_SIGNAL)
    lab.edit(
        "toy_chain", '[Spec("toy-dwell", Dwell)]', '[Spec("toy-dwell", Dwell), Spec("toy-noise", Noise)]'
    )
    two = {"signals": ("toy-dwell", "toy-noise")}
    without = lab.run(**two, options={"reward.toy-noise": "0"})
    assert without.id == lab.run().id != lab.run(**two).id
    assert without.record["run"]["options_passed"] == {"reward.toy-noise": "0"}
    assert lab.run(**two, options={"reward.toy-noise": "1"}).id == lab.run(**two).id


def test_errors_keep_their_kind(lab: Lab) -> None:
    lab.edit(
        "toy_world",
        "text = json",
        'from crsbench.errors import DataError as E\n        raise E("x.json, line 3")\n        text = json',
    )
    with pytest.raises(DataError, match=r"x\.json, line 3"):
        lab.run()
    lab.edit("toy_world", "raise E(", "raise KeyError(")
    with pytest.raises(PluginError, match="toy_world/toy failed: KeyError"):
        lab.run()


@pytest.mark.parametrize(
    ("module", "old", "new", "message"),
    [
        (
            "toy_chain",
            "np.array(values), ",
            "np.array(values[1:]), ",
            r"toy-dwell: its values have shape \(23,\) for 24",
        ),
        ("toy_chain", "* 1.0)", "* 2.0)", "toy-mean: its probability are not all between 0 and 1"),
        (
            "toy_policies",
            '"strength": self.options.strength}',
            '"strength": {1}}',
            "inputs of stage 'ppo' are no JSON",
        ),
        ("toy_policies", '{"sft": self.before, "final": self}', '{"sft": self.before}', "no 'final'"),
        (
            "toy_policies",
            "reward = ctx.reward",
            "reward = ctx.reward; self.needs = 1 / 0",
            "ZeroDivisionError",
        ),
        (
            "toy_policies",
            'needs = frozenset({"reward"})',
            'needs = frozenset({"labels"})',
            "uses reward, which its",
        ),
        (
            "toy_policies",
            'needs = frozenset({"reward"})',
            'needs = frozenset({"rewards"})',
            "needs 'rewards'",
        ),
        ("toy_chain", '"joy", "all"', '"glee", "all"', "measured 'glee', which is not its name"),
    ],
)
def test_a_plugin_that_breaks_its_contract_is_named(
    lab: Lab, module: str, old: str, new: str, message: str
) -> None:
    lab.edit(module, old, new)
    with pytest.raises(PluginError, match=message) as caught:
        lab.run()
    assert caught.value.plugin.startswith(module)


def test_a_stage_that_asks_for_itself(lab: Lab) -> None:
    lab.edit("toy_policies", 'BUILT.append("sft")', "sft_stage(ctx, train, options)")
    with pytest.raises(PluginError, match="stage 'sft' asks for itself"):
        lab.run("toy-sft")


def test_a_dataset_whose_fingerprint_is_random(lab: Lab) -> None:
    lab.run("toy-sft")
    lab.edit("toy_world", "[seed, protocol, self.options.train]", "__import__('time').time_ns()")
    lab.run("toy-sft")
    with pytest.raises(PluginError, match="two fingerprints"):
        lab.run("toy-sft", options={"bonus": 1})


def test_read_only_stages_and_a_cleaner(lab: Lab) -> None:
    run = lab.run()
    files = [path for path in (lab.out / "stages").rglob("*") if path.is_file()]
    assert files
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o444 for path in files)
    assert stat.S_IMODE((run.path / "result.json").stat().st_mode) == 0o644
    shutil.rmtree(lab.out)


@pytest.mark.parametrize(("episodes", "n"), [("episodes = 450", 450), ("", 400)])
def test_the_simulator_says_how_many_users_there_are(lab: Lab, episodes: str, n: int) -> None:
    lab.edit("toy_world", "episodes = 9", episodes)
    assert lab.run("toy-sft", metrics=("joy",)).score("joy").n == n


def test_a_simulator_shares_the_options_of_its_dataset(lab: Lab) -> None:
    run = lab.run("toy-sft", options={"dataset.mood": "wild"})
    assert run.record["run"]["options"]["simulator.mood"] == "wild"
    own = lab.run("toy-sft", options={"dataset.mood": "wild", "simulator.mood": "odd"})
    assert own.record["run"]["options"]["simulator.mood"] == "odd"


def reachable(root: object) -> Iterator[object]:
    """Every object that attributes, items, closures and bound methods lead to, but no module's globals."""
    seen: set[int] = set()
    pending: list[object] = [root]
    while pending:
        one = pending.pop()
        if id(one) in seen or isinstance(
            one, str | bytes | int | float | types.ModuleType | np.ndarray | None
        ):
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, Mapping):
            pending += [*one.keys(), *one.values()]
        elif isinstance(one, tuple | list | set | frozenset):
            pending += one
        if isinstance(one, types.FunctionType):
            pending += [cell.cell_contents for cell in one.__closure__ or ()]
            pending += [*(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values()]
        for name in ("__self__", "__func__", "func", "args", "keywords", "gi_frame"):
            pending.append(getattr(one, name, None))
        pending += vars(one).values() if hasattr(one, "__dict__") and not isinstance(one, type) else []
        for kind in type(one).__mro__:
            slots = kind.__dict__.get("__slots__", ())
            for slot in [slots] if isinstance(slots, str) else slots:
                pending.append(getattr(one, slot, None))


def test_nothing_that_trains_can_reach_what_is_sealed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever signals, labels, reward and policies are handed is walked; valid rows are the only rows."""
    handed: dict[str, object] = {}
    monkeypatch.setattr("builtins.crs_handed", handed, raising=False)
    for module, start, what in [
        ("toy_chain", "    def measure(self, transitions):\n", "transitions"),
        ("toy_chain", "    def fit(self, signals):\n", "signals"),
        ("toy_reward", "    def fit(self, transitions, labels, ctx):\n", "(transitions, labels, ctx)"),
        (
            "toy_policies",
            'class Ppo(Sft):\n    needs = frozenset({"reward"})\n\n    def fit(self, train, ctx):\n',
            "(train, ctx)",
        ),
    ]:
        lab.edit(module, start, f"{start}        __builtins__['crs_handed'][__name__ + {start!r}] = {what}\n")
    lab.edit(
        "toy_policies",
        "def build(folder):\n            BUILT",
        "def build(folder):\n            __builtins__['crs_handed']['build'] = folder\n            BUILT",
    )
    run = lab.run()
    assert run.complete
    assert len(handed) == 5
    objects = list(reachable(handed))
    assert len(objects) > 500
    rows = {one.id for one in objects if isinstance(one, Row)}
    assert rows == {"w0", "w1", "w2"}
    assert not [one for one in objects if isinstance(one, Sealed | Feedback | Truth)]
    assert not [one for one in objects if type(one).__name__ in ("Corpus", "World", "Recorder", "Loader")]


def test_the_walk_would_find_it(lab: Lab) -> None:
    """The walk is worth something: it finds what a closure, a bound method or a slot holds."""
    sealed = Sealed()

    class Holder:
        __slots__ = ("x",)

        def method(self) -> None: ...

    holder = Holder()
    holder.x = [{"k": (sealed,)}]  # pyright: ignore
    for root in (lambda: sealed, holder.method, [holder], {"f": lambda s=sealed: s}):
        assert any(isinstance(one, Sealed) for one in reachable(root))


def test_crsbench_errors_are_not_renamed(lab: Lab) -> None:
    lab.edit(
        "toy_policies",
        "reward = ctx.reward",
        "from crsbench.errors import CrsbenchError; raise CrsbenchError('mine')",
    )
    with pytest.raises(CrsbenchError, match="mine"):
        lab.run()
    (path,) = lab.out.glob("*/result.json")
    assert load_run(path).record["error"] == {"type": "CrsbenchError", "message": "mine", "plugin": None}
