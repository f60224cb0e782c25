"""A run of `ppo-iuf` to look into: its SFT start, its tuned policy, its reward and its corpus.

CRSBENCH_ON is dataset/protocol, CRSBENCH_SEED the seed and CRSBENCH_RUNS where the run is, or goes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from crsbench_lm.policy import LanguageModelPolicy
from crsbench_rewards.options import RewardOptions
from crsbench_rewards.reward import IufReward

import crsbench
from crsbench.types import Corpus


@dataclass(frozen=True, slots=True)
class TunedRun:
    """`name` says what it is a run of."""

    name: str
    sft: LanguageModelPolicy
    ppo: LanguageModelPolicy
    reward: IufReward
    corpus: Corpus


def tuned_run(
    host: Any, request: pytest.FixtureRequest, tmp_path: Path, on: str, signals: list[str] | None = None
) -> TunedRun:
    """The run that the environment names, `on` being the dataset/protocol where it names none."""
    dataset, _, protocol = os.environ.get("CRSBENCH_ON", on).partition("/")
    out = Path(os.environ.get("CRSBENCH_RUNS", tmp_path))
    seed = int(os.environ.get("CRSBENCH_SEED", "0"))
    real = not dataset.startswith("synthetic")
    folder = request.getfixturevalue("data_dir") if real else Path("no")
    settings = {"simulator": "replay", "data_dir": folder} if real else {}
    run = crsbench.run(
        "ppo-iuf", dataset=dataset, protocol=protocol, seed=seed, out=out, signals=signals, **settings
    )
    (start,) = [stage["id"] for stage in run.record["stages"] if stage["name"] == "sft"]
    folders = (out / "stages" / start / "files", run.path / "policy")
    sft, ppo = (LanguageModelPolicy(40).load(where) for where in folders)
    offer = host.find("dataset", dataset)
    return TunedRun(
        name=f"{dataset}, {protocol}, seed {seed}",
        sft=sft,
        ppo=ppo,
        reward=IufReward(RewardOptions()).load(run.path / "reward"),
        corpus=offer.make(offer.options_model()()).load(protocol, folder, 0),
    )
