"""LambdaMART (Burges, MSR-TR-2010-82; lightgbm) over lines of features, one line a candidate of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lightgbm import Booster, Dataset

    from crsbench.protocols import Context

PATIENCE = 30  # trees without a better NDCG on valid before training stops
LIGHTGBM: dict[str, Any] = {
    "objective": "lambdarank",
    "lambdarank_truncation_level": 100,
    "metric": "ndcg",
    "eval_at": [50],
    "learning_rate": 0.08,
    "num_leaves": 31,
    "min_data_in_leaf": 50,
    "lambda_l2": 5.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "max_bin": 127,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


def dataset(
    lines: NDArray[np.float32], hits: NDArray[np.bool_], sizes: Sequence[int], like: Dataset | None = None
) -> Dataset:
    """lines [N, columns], hits [N], and how many lines each row has; binned as `like` is, if given."""
    from lightgbm import Dataset

    return Dataset(
        lines,
        hits.astype(np.float32),
        group=list(sizes),
        reference=like,
        params=LIGHTGBM,
        free_raw_data=True,
    ).construct()


def boost(learnt: Dataset, judged: Dataset, seed: int, trees: int, ctx: Context, name: str) -> Booster:
    """At most `trees` trees, as long as NDCG@50 of `judged` grows; cut where it was highest.

    The seed chooses the features and rows that each tree is shown.
    """
    from lightgbm import Booster

    booster = Booster({**LIGHTGBM, "seed": seed}, learnt)
    booster.add_valid(judged, "valid")
    best, kept = -1.0, 0
    for step in ctx.progress(range(1, trees + 1), trees, name):
        booster.update()
        ((_, _, ndcg, _),) = booster.eval_valid()
        ctx.step(step, {f"ndcg@50 of {name}": ndcg})
        if ndcg > best:
            best, kept = ndcg, step
        if step - kept >= PATIENCE:
            break
    return Booster(model_str=booster.model_to_string(num_iteration=kept))
