"""Heads of `next_turn`, kept between runs: what they learn from is the dataset's alone.

An entry is found by a digest of all that a head depends on: the dialogues, the titles, the encoder, and the
source that fits it. It lies under CRSBENCH_CACHE, else the user's cache folder, is safetensors, and is
written atomically; one that is damaged, or a folder that cannot be written, costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import platformdirs
import torch
from safetensors import SafetensorError

from crsbench.types import Turn
from crsbench_metrics import next_turn

KEPT = 16  # entries of 1.3 MB, the newest


def fitted(
    encoder: next_turn.Embeds, dialogues: Sequence[Sequence[Turn]], titles: Sequence[str]
) -> next_turn.NextTurn:
    """`NextTurn.fit`, or what it gave when it was called with the same."""
    given = os.environ.get("CRSBENCH_CACHE")
    folder = (Path(given) if given else platformdirs.user_cache_path("crsbench")) / "heads"
    path = folder / f"{_digest(encoder, dialogues, titles)}.safetensors"
    head = next_turn.NextTurn(encoder)
    with contextlib.suppress(OSError, SafetensorError):
        return head.load(path)
    _keep(head.fit(dialogues, titles), path)
    return head


def _digest(encoder: next_turn.Embeds, dialogues: Sequence[Sequence[Turn]], titles: Sequence[str]) -> str:
    said = [[(turn.speaker, turn.text) for turn in turns] for turns in dialogues]
    source = Path(next_turn.__file__).read_text("utf-8")
    whole = json.dumps([encoder.name, torch.__version__, source, said, list(titles)])
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def _keep(head: next_turn.NextTurn, path: Path) -> None:
    """Write an entry, whole or not at all, and let the oldest ones go."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
            head.save(Path(folder, path.name))
            os.replace(Path(folder, path.name), path)
        entries = sorted(path.parent.glob("*.safetensors"), key=lambda one: one.stat().st_mtime_ns)
        for old in entries[:-KEPT]:
            old.unlink(missing_ok=True)
