"""How far an estimate can be trusted: standard errors of the reliabilities.

The information is the summed outer product of the patterns' scores (Berndt et al., 1974), with π and the
tables as log-odds and logits η, whose scores need no division:

    ∂ℓ/∂logit π = p − π        ∂ℓ/∂η_s[y, b'] = p(y | x) (1[b_s = b'] − θ_s[y, b'])   where s is observed

The delta method carries its inverse over to r. Directions without information, such as a shift of all logits
of a table, get a floor in place of zero: r does not move along such a shift, and where it does move along
one, its error is as large as it should be. An order that the estimate is held to is not taken into account,
so that errors are rather too large.
"""

from __future__ import annotations

import numpy as np

from crsbench_signals.em import Array, Estimate, Patterns, posterior

_FLOOR = 1e-10


def standard_errors(data: Patterns, estimate: Estimate) -> Array:
    """float64 [S]: the standard error of each signal's reliability."""
    p = posterior(estimate, data.one_hot)
    scores = [(p - estimate.prior)[:, None]]
    for hit, table in zip(data.split(data.one_hot), estimate.tables, strict=True):
        seen = hit.sum(axis=1, keepdims=True)
        scores += [w[:, None] * (hit - seen * theta) for w, theta in ((1 - p, table[0]), (p, table[1]))]
    score = np.concatenate(scores, axis=1)
    values, vectors = np.linalg.eigh((score * data.counts[:, None]).T @ score)
    half = vectors / np.sqrt(np.maximum(values, _FLOOR * data.counts.sum()))
    errors: list[float] = []
    at = 1
    for table in estimate.tables:
        gradient = np.zeros(len(values))
        gradient[at : at + table.size] = _gradient(table).ravel()
        at += table.size
        errors.append(float(np.linalg.norm(gradient @ half)))
    return np.array(errors)


def _gradient(table: Array) -> Array:
    """float64 [2, B]: ∂r/∂η of a table."""
    below = np.cumsum(table[0]) - table[0] / 2
    above = 1 - np.cumsum(table[1]) + table[1] / 2
    by_theta = np.stack([above, below])
    return table * (by_theta - (table * by_theta).sum(axis=1, keepdims=True))
