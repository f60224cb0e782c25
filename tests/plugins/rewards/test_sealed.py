"""What people said they liked changes neither a weak label nor the reward, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

SMALL = ("tiny.width=16", "tiny.layers=1", "tiny.heads=1", "tiny.vocabulary=400", "epochs=1")


def test_other_forms_give_the_same_labels_and_the_same_reward(
    data_dir: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    answers = []
    for home in (tmp_path / "as-it-is", tmp_path / "turned-round"):
        folder = home / "redial"
        folder.mkdir(parents=True)
        for name, kept in (("train", 120), ("test", 60)):
            rows = (data_dir / "redial" / f"{name}_data.jsonl").read_text().splitlines()[:kept]
            if home.name == "turned-round":
                rows = [turned(row) for row in rows]
            (folder / f"{name}_data.jsonl").write_text("\n".join(rows))
        options = [part for option in SMALL for part in ("-o", f"reward.{option}")]
        out = home / "runs"
        done = cli("signals", "redial", "--data-dir", home, "--out", out, "--quiet", "--json", *options)
        assert done.code == 0, done.err
        files = sorted(out.glob("stages/*/files/*.safetensors"))
        assert {file.name for file in files} >= {"labels.safetensors", "reward.safetensors"}
        table = json.loads(done.out)
        aucs = {row["name"]: row["auc"] for row in table["rows"]}
        answers.append(({file.relative_to(out): file.read_bytes() for file in files}, aucs))
    (files, judged), (others, judged_by_others) = answers
    assert files == others
    assert judged != judged_by_others  # what the labels do change is the judgement


def turned(line: str) -> str:
    """A dialogue whose forms say the opposite of what they said."""
    row = json.loads(line)
    for form in ("initiatorQuestions", "respondentQuestions"):
        for answer in row[form].values() if isinstance(row[form], dict) else ():
            answer["liked"] = {0: 1, 1: 0}.get(answer["liked"], answer["liked"])
    return json.dumps(row)
