"""What a run is computed on and with, and what is told of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from crsbench import provenance
from crsbench.data import stamp
from crsbench.store import Store


def test_versions_are_read_without_an_import() -> None:
    assert provenance.version("numpy") == np.__version__
    assert provenance.version("no-such-thing") is None
    assert set(provenance.libraries()) == set(provenance.COMPUTE)


def test_a_machine_without_a_driver_needs_no_torch() -> None:
    code = """
import shutil, sys
from pathlib import Path
from crsbench import provenance
Path.exists = lambda self: False
shutil.which = lambda name: None
assert provenance.device("auto") == "cpu" == provenance.device("cpu")
assert provenance.precision("auto", "cpu") == "fp32"
assert provenance.precision("bf16", "cpu") == "bf16"
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_bf16_is_for_devices_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert provenance.precision("auto", "cuda") == "bf16"
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert provenance.precision("auto", "cuda") == "fp32"


def test_provenance_names_the_commit_of_a_checkout_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    (tmp_path / "__init__.py").write_text("")
    assert provenance.provenance("cpu")["commit"] is None
    git("init")
    assert provenance.provenance("cpu")["commit"] is None  # inside a checkout, but no part of it
    git("add", "__init__.py")
    git("commit", "-m", "first")
    found = provenance.provenance("cpu")
    assert len(found["commit"]) == 40
    assert found["dirty"] is False
    (tmp_path / "__init__.py").write_text("x = 1\n")
    assert provenance.provenance("cpu")["dirty"] is True
    assert {"crsbench", "python", "torch", "transformers", "trl", "platform", "device", "threads"} <= set(
        found
    )


def test_a_model_is_hashed_once_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "out")
    model = tmp_path / "model"
    (model / "deep").mkdir(parents=True)
    (model / "deep" / "weights").write_bytes(b"1")
    first = provenance.model_digest(str(model), store)
    assert provenance.model_digest("tiny", store) == "tiny"
    assert provenance.model_digest("org/name", store) == "org/name"
    monkeypatch.setattr(provenance.hashlib, "file_digest", None)  # the second time nothing is read
    assert provenance.model_digest(str(model), store) == first
    monkeypatch.undo()
    (model / "deep" / "weights").rename(model / "weights")
    assert provenance.model_digest(str(model), store) != first


def test_stamp_sees_every_file_below(tmp_path: Path) -> None:
    assert stamp(tmp_path / "none") == []
    (tmp_path / "data").mkdir()
    (tmp_path / "else").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "else")
    before = stamp(tmp_path / "data")
    (tmp_path / "else" / "x").write_text("1")
    one = stamp(tmp_path / "data")
    (tmp_path / "else" / "x").write_text("22")
    assert before != one != stamp(tmp_path / "data")
