"""Several processes take the step of one, and a run that they share is a run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from crsbench_ppo import processes
from safetensors.torch import load_file

ROOT = Path(__file__).parents[3]


def launch(n: int, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """What `accelerate launch` does where there are `n` GPUs, on the CPU; one process needs no launcher."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins"), os.environ.get("PYTHONPATH", "")])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = ["-m", "torch.distributed.run", f"--nproc_per_node={n}", f"--master_port={port}"]
    return subprocess.run(
        [sys.executable, *(launcher if n > 1 else []), *arguments],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("rollout", ["model", "logged"])
def test_two_processes_take_the_steps_of_one(rollout: str, tmp_path: Path) -> None:
    ends = []
    for n in (1, 2):
        done = launch(
            n, [str(Path(__file__).with_name("share_of_a_round.py")), str(tmp_path / str(n)), rollout]
        )
        assert done.returncode == 0, done.stderr
        ends.append(load_file(tmp_path / str(n)))
    one, two = ends
    assert (one.pop("processes"), two.pop("processes")) == (1, 2)
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=1e-5, rtol=1e-5, msg=lambda m, n=name: f"{n}: {m}")
    assert one["scalar/gradient_norm"] > 0


def asked(out: Path, limit: int, *options: str) -> list[str]:
    command = ["-m", "crsbench", "run", "--plugin", "ppo-iuf", "--limit", str(limit), "--out", str(out)]
    return [*command, "--quiet", "--json", *(part for option in options for part in ("-o", option))]


def test_a_run_of_two_processes(tmp_path: Path) -> None:
    small = (
        "sft.epochs=1",
        "reward.epochs=1",
        "iterations=2",
        "value_warmup=1",
        "dialogues=8",
        "minibatch=4",
    )
    command = asked(tmp_path, 60, *small)
    done = launch(2, command)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)  # one process speaks
    assert record["provenance"]["processes"] == 2
    assert [stage["steps"] for stage in record["stages"] if stage["name"] == "ppo"] == [2]
    assert not list((tmp_path / "stages").glob("*.building*"))
    again = launch(2, command)  # finished: nothing is done, by neither
    assert json.loads(again.stdout)["run"]["id"] == record["run"]["id"]


def test_what_cannot_be_shared_evenly_says_so(tmp_path: Path) -> None:
    done = launch(2, asked(tmp_path, 40, "dialogues=9"))
    assert done.returncode != 0
    assert "dialogues=9 cannot be shared evenly by 2 processes" in done.stderr


def test_one_process_sums_nothing() -> None:
    assert processes.size() == 1
    value = torch.tensor([1.0, 3.0])
    assert processes.total(value) is value
    assert processes.mean(value) == 2
    assert processes.share(9, "dialogues") == 9
