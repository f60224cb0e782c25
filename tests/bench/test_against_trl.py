"""Advantages, returns, whitening and losses beside the very lines that TRL 1.12's PPOTrainer runs.

No part of the quick tests: they are read from its sources in a virtual environment of its own.

    python -m venv PEER && PEER/bin/pip install torch==2.13.0 trl==1.12.0
    CRSBENCH_PEER=PEER/bin/python pytest tests/bench/test_against_trl.py
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import torch
from crsbench_ppo.objective import Discounts, gae, k3, policy_loss, value_loss, whiten
from safetensors.torch import load_file, save_file

# Its formulas stand inside of `train`: the lines between two of its comments are cut out and run.
THEIRS = """
import inspect, sys, textwrap, types
import torch
from safetensors.torch import load_file, save_file
from trl.experimental.ppo import ppo_trainer
from trl.experimental.ppo.ppo_trainer import PPOTrainer, masked_mean, masked_whiten

source = inspect.getsource(PPOTrainer.train)

def between(start, stop):
    at = source.index(start)
    return textwrap.dedent(source[source.rindex("\\n", 0, at) + 1 : source.index(stop, at)])

scope = dict(load_file(sys.argv[1]))
args = types.SimpleNamespace(gamma=0.97, lam=0.9, cliprange=0.2, cliprange_value=0.2, vf_coef=0.1,
                             kl_coef=0.05, kl_estimator="k3", whiten_rewards=False)
B, T = scope["values"].shape
everything = torch.zeros(B, T, dtype=torch.bool)
scope |= dict(torch=torch, args=args, masked_mean=masked_mean, masked_whiten=masked_whiten,
              responses=scope["values"], padding_mask=everything, padding_mask_p1=everything,
              micro_batch_inds=torch.arange(B), empty_cache=lambda: None,
              sequence_lengths_p1=torch.full((B,), T), sequence_lengths=torch.full((B,), T - 1))
exec(between("logr = ref_logprobs - logprobs", "# 5. whiten rewards"), scope)
exec(between("lastgaelam = 0", "empty_cache()"), scope)
scope |= dict(mb_values=scope["values"], mb_return=scope["returns"], mb_advantage=scope["advantages"],
              mb_logprobs=scope["logprobs"])
exec(between("vpredclipped = torch.clamp(", "accelerator.backward(loss)"), scope)
names = ("kl", "rewards", "advantages", "returns", "pg_loss", "vf_loss", "loss")
save_file({name: scope[name].contiguous() for name in names}, sys.argv[2])
"""


def test_one_turn_episodes(tmp_path: Path) -> None:
    python = os.environ.get("CRSBENCH_PEER")
    if not python:
        pytest.skip("CRSBENCH_PEER names no python with trl 1.12")
    torch.manual_seed(0)
    B, T = 8, 24
    given = {name: torch.randn(B, T) for name in ("values", "logprobs", "ref_logprobs")}
    given |= {"scores": torch.randn(B)}
    given |= {"new_logprobs": given["logprobs"] + 0.3 * torch.randn(B, T)}
    given |= {"vpred": given["values"] + 0.3 * torch.randn(B, T)}
    save_file(given, tmp_path / "given")
    command = [python, "-W", "ignore", "-c", THEIRS, str(tmp_path / "given"), str(tmp_path / "theirs")]
    subprocess.run(command, check=True, env={**os.environ, "TRL_EXPERIMENTAL_SILENCE": "1"})
    theirs = load_file(tmp_path / "theirs")

    kl = k3(given["logprobs"], given["ref_logprobs"])
    torch.testing.assert_close(kl, theirs["kl"], atol=1e-5, rtol=1e-5)
    # TRL takes the KL off the rewards, this trainer adds it to the loss: from its rewards on all is compared
    everywhere = torch.ones(B, T, dtype=torch.bool)
    ends = torch.zeros(B, T, dtype=torch.bool)
    ends[:, -1] = True
    advantages, returns = gae(
        given["values"], theirs["rewards"], everywhere, ends, torch.zeros(B), Discounts(1.0, 1.0, 0.97, 0.9)
    )
    white = whiten(advantages.flatten()).view(B, T)
    torch.testing.assert_close(white, theirs["advantages"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(returns, theirs["returns"], atol=1e-5, rtol=1e-5)
    policy = policy_loss(given["new_logprobs"], given["logprobs"], white, 0.2).mean()
    value = value_loss(given["vpred"], given["values"], returns, 0.2).mean()
    torch.testing.assert_close(policy, theirs["pg_loss"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(value, theirs["vf_loss"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(policy + 0.1 * value, theirs["loss"], atol=1e-5, rtol=1e-5)
