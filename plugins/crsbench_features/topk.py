"""The best k of a large catalogue, found while its scores are computed: never more than a block at a time.

Equal scores stand in the order of the catalogue, as everywhere in the suite. Sorting or partitioning a row of
a million scores takes several times as long as computing them; here a block of scores is only looked at
through the maxima of its stripes. A stripe whose maximum does not pass the k-th best score so far holds
nothing of interest, and after the first blocks hardly any does. On a core of an AMD EPYC this adds some 40%
to the time of the matrix product.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

ROWS, COLUMNS = 256, 8192  # a block of scores: 8 MB in float32, which stays in the cache
STRIPE = 64  # neighbours that are looked at together

Best = tuple[NDArray[np.int64], NDArray[np.float32]]


@torch.no_grad()
def best_of_products(states: torch.Tensor, items: torch.Tensor, k: int) -> Best:
    """The k items [S, k] with the highest scores states · items, and those scores, descending.

    states: [S, D]; items: [I, D]. A catalogue of fewer than k items gives shorter rows.
    """
    found: list[Best] = []
    for start in range(0, len(states), ROWS):
        some = states[start : start + ROWS]
        top = TopK(len(some), min(k, len(items)))
        block = torch.empty(len(some), min(COLUMNS, len(items)), dtype=states.dtype, device=states.device)
        for first in range(0, len(items), COLUMNS):
            columns = items[first : first + COLUMNS].T
            out = block if columns.shape[1] == block.shape[1] else None
            top.add(torch.mm(some, columns, out=out), first)
        found.append(top.result())
    return np.concatenate([ids for ids, _ in found]), np.concatenate([scores for _, scores in found])


class TopK:
    """The k best of what was added for each of a number of rows."""

    def __init__(self, rows: int, k: int) -> None:
        self.rows, self.k = rows, k
        self._least = torch.full((rows, 1), -torch.inf)  # what a new score has to pass
        empty = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
        self._found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = [empty]
        self._pending = 0

    def add(self, scores: torch.Tensor, first: int) -> None:
        """Scores [rows, C] of the items from `first` on; blocks come in the order of the catalogue.

        An item whose score is −inf is never among the best.
        """
        columns = scores.shape[1]
        if columns % STRIPE:
            scores = torch.nn.functional.pad(scores, (0, -columns % STRIPE), value=-torch.inf)
        stripes = scores.unflatten(1, (-1, STRIPE))  # [rows, N, STRIPE]
        maxima = stripes.amax(dim=2)
        least = self._least.to(scores)
        passes = maxima > least
        if not passes.any():
            return
        # k stripes hold k scores not below the k-th highest maximum: nothing below it can be among the best
        n = maxima.shape[1]
        enough = maxima.topk(self.k).values[:, -1:] if self._pending == 0 and n >= self.k else least
        row, stripe = (passes & (maxima >= enough)).nonzero(as_tuple=True)
        chosen = stripes[row, stripe]  # [H, STRIPE]
        hit, place = ((chosen > least[row]) & (chosen >= enough[row])).nonzero(as_tuple=True)
        item = first + stripe[hit] * STRIPE + place
        self._found.append(
            (row[hit].cpu().numpy(), item.cpu().numpy(), chosen[hit, place].float().cpu().numpy())
        )
        self._pending += len(hit)
        if self._pending >= self.rows * self.k:
            self._settle()

    def result(self) -> Best:
        """Items int64 [rows, k] and their scores; −1 and −inf where fewer were found."""
        rows, found, values = self._settle()
        items = np.full((self.rows, self.k), -1)
        scores = np.full((self.rows, self.k), -np.inf, np.float32)
        place = np.arange(len(rows)) - np.searchsorted(rows, rows)
        items[rows, place], scores[rows, place] = found, values
        return items, scores

    def _settle(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Keep the best k of each row: by row, then score, then place in the catalogue."""
        rows, items, values = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        order = np.lexsort((items, -values, rows))
        rows, items, values = rows[order], items[order], values[order]
        kept = np.arange(len(rows)) - np.searchsorted(rows, rows) < self.k
        rows, items, values = rows[kept], items[kept], values[kept]
        last = np.searchsorted(rows, np.arange(self.rows), side="right") - 1
        full = np.bincount(rows, minlength=self.rows) == self.k
        self._least = torch.full((self.rows, 1), -torch.inf)
        self._least[full, 0] = torch.from_numpy(values[last[full]])
        self._found, self._pending = [(rows, items, values)], 0
        return rows, items, values
