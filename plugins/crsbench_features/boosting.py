"""LambdaMART (Burges, MSR-TR-2010-82; lightgbm) over lines of features, one line a candidate of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lightgbm import Booster, Dataset

    from crsbench.protocols import Context

SPAN = 25  # numbers of trees whose NDCG is averaged: a single one is high by chance
PATIENCE = 30  # trees without a better average before training stops
LIGHTGBM: dict[str, Any] = {
    "objective": "lambdarank",
    "lambdarank_truncation_level": 100,
    "metric": "none",
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
    "force_col_wise": True,
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


def boost(learnt: Dataset, seed: int, trees: int, ctx: Context, name: str) -> Booster:
    """So many trees. The seed chooses the features and rows that each is shown."""
    from lightgbm import Booster

    booster = Booster({**LIGHTGBM, "seed": seed}, learnt)
    for _ in ctx.progress(range(trees), trees, name):
        booster.update()
    return Booster(model_str=booster.model_to_string())


def boost_together(
    learnt: Sequence[Dataset], judged: Dataset, seed: int, trees: int, ctx: Context, name: str
) -> list[Booster]:
    """A booster for each of these, of as many trees each, at most `trees`: those about which the NDCG@50 of
    their mean is highest on `judged`, averaged over `SPAN` numbers of trees.

    That of one alone, or with a single number of trees, rises and falls by chance, and may stop it after a
    few. `judged` has as many lines in every row. The seeds are `seed` and those after it.
    """
    from lightgbm import Booster
    from sklearn.metrics import ndcg_score

    boosters = [Booster({**LIGHTGBM, "seed": seed + n}, one) for n, one in enumerate(learnt)]
    for booster in boosters:
        booster.add_valid(judged, "valid")
    hits = judged.get_label().reshape(len(judged.get_group()), -1)
    best, last, kept, found = -1.0, 0, 0, list[float]()
    for step in ctx.progress(range(1, trees + 1), trees, name):
        mean = np.mean([_grown(booster) for booster in boosters], axis=0).reshape(hits.shape)
        # (A line alone in its row is in order.)
        ndcg = float(ndcg_score(hits, mean, k=50, ignore_ties=True)) if hits.shape[1] > 1 else 1.0
        ctx.step(step, {f"ndcg@50 of {name}": ndcg})
        found = [*found, ndcg][-SPAN:]
        if len(found) < min(SPAN, trees):
            continue
        if (average := float(np.mean(found))) > best:
            best, last, kept = average, step, step - len(found) // 2
        if step - last >= PATIENCE:
            break
    return [Booster(model_str=booster.model_to_string(num_iteration=kept)) for booster in boosters]


def _grown(booster: Booster) -> NDArray[np.float64]:
    """What it says of every line it is judged by, one tree later."""
    said: list[NDArray[np.float64]] = []

    def listen(scores: NDArray[np.float64], _: Dataset) -> tuple[str, float, bool]:
        said.append(scores.copy())
        return "", 0.0, True

    booster.update()
    booster.eval_valid(listen)
    return said[0]
