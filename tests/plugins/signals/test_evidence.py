"""`crsbench signals` on real dialogues: what is judged there, and what cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crsbench_corpora.redial import ReDial

from crsbench.episode import transitions
from crsbench.evidence.cases import NOWHERE, cases


def test_redial_has_3713_labels(data_dir: Path) -> None:
    """Movies with suggested = 1 and liked 0 or 1 in initiatorQuestions, on the test split."""
    if not (data_dir / "redial").exists():
        pytest.skip("ReDial is not at hand; set CRSBENCH_DATA")
    corpus = ReDial().load("mentions", data_dir, 0)
    steps = [step for one in corpus.test.dialogues for step in transitions(one)]
    found = cases(corpus, steps)
    assert len(found) == 3713
    assert found.liked.mean() == pytest.approx(0.926, abs=5e-4)
    # 185 stand in no message of the respondent, 14 only in the message that opens the dialogue
    assert (found.at == NOWHERE).sum() == 185 + 14
    there = found.at[found.at != NOWHERE]
    items = found.items[found.at != NOWHERE]
    assert all(item in steps[at].action.items for at, item in zip(there, items, strict=True))


def test_without_labels_nothing_is_judged_and_the_rest_is_shown(
    cli: Callable[..., Any], data_dir: Path, tmp_path: Path
) -> None:
    if not (data_dir / "inspired").exists():
        pytest.skip("INSPIRED is not at hand; set CRSBENCH_DATA")
    where = ["--data-dir", data_dir, "--out", tmp_path]
    answer = cli("signals", "inspired", "--no-reward", "--labels", "majority", "--json", "--quiet", *where)
    assert answer.code == 0, answer.err
    found = answer.json
    rows = {row["name"]: row for row in found["rows"]}
    for row in rows.values():
        assert row["auc"] is None
        assert row["absent"]["auc"].startswith("inspired has no explicit labels")
    assert rows["dwell"]["coverage"] == 0
    assert rows["dwell"]["quantiles"] == []
    assert rows["sentiment"]["coverage"] > 0.9
    assert len(rows["sentiment"]["quantiles"]) == 7
    names = found["agreement"]["names"]
    assert found["agreement"]["n"][names.index("sentiment")][names.index("engagement")] > 200
    assert found["says"] == [f"Nothing can be judged: {rows['dwell']['absent']['auc']}."]
    assert found["rulers"] == found["comparisons"] == found["ablation"] == []
