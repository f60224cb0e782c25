"""Two kinds of positive numbers: a mixture of two Gamma, Weibull or log-normal distributions, by EM.

    f(x) = (1 − w) f_0(x) + w f_1(x),   kind 1 the one with the larger mean of ln x

EM starts from the halves below and above the median and takes at most `STEPS` steps, so it is deterministic.
In the M-step the log-normal has its weighted moments, Gamma and Weibull the root of their likelihood
equation for the shape k, found by Newton's method:

    Gamma:    ln k − ψ(k) = ln E[x] − E[ln x],                           scale E[x] / k
    Weibull:  E[x^k ln x] / E[x^k] − 1/k = E[ln x],                      scale E[x^k]^(1/k)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, expit, gammaln, polygamma

Family = Literal["gamma", "weibull", "log-normal"]
Parameters = tuple[float, float]
Array = NDArray[np.float64]

STEPS = 500
_CONVERGED = 1e-6
_NEWTON = 20
_SHAPES = 0.05, 50.0  # outside a kind has all but collapsed into a point, or spread over everything


def log_likelihood_ratio(x: Array, family: Family) -> Array:
    """ln f_1(x) − ln f_0(x) of positive numbers float64 [N], fitted to these; 0 where all are equal."""
    if len(x) < 2 or np.ptp(x) == 0:
        return np.zeros(len(x))
    fit, log_density = _FAMILIES[family]
    above = np.clip((x > np.median(x)).astype(np.float64), 0.1, 0.9)
    ratio = np.zeros(len(x))
    for _ in range(STEPS):
        before, share = ratio, float(above.mean())
        kinds = [fit(x, weights / weights.sum()) for weights in (1 - above, above)]
        ratio = log_density(x, *kinds[1]) - log_density(x, *kinds[0])
        above = expit(np.log(share / (1 - share)) + ratio)
        if np.abs(ratio - before).max() < _CONVERGED or not 0 < above.mean() < 1:
            break
    upper_is_1 = above @ np.log(x) / above.sum() >= (1 - above) @ np.log(x) / (1 - above).sum()
    return ratio if upper_is_1 else -ratio


def _fit_gamma(x: Array, weights: Array) -> Parameters:
    mean = float(weights @ x)
    s = max(np.log(mean) - float(weights @ np.log(x)), 1e-9)
    k = (3 - s + np.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s)  # Minka's start
    for _ in range(_NEWTON):
        k = np.clip(k - (np.log(k) - digamma(k) - s) / (1 / k - polygamma(1, k)), *_SHAPES)
    return float(k), mean / float(k)


def _log_gamma(x: Array, k: float, scale: float) -> Array:
    return (k - 1) * np.log(x) - x / scale - k * np.log(scale) - gammaln(k)


def _fit_weibull(x: Array, weights: Array) -> Parameters:
    logs = np.log(x)
    mean = float(weights @ logs)
    top, k = float(logs.max()), 1.2 / max(float(np.sqrt(weights @ (logs - mean) ** 2)), 1e-9)
    for _ in range(_NEWTON):
        powers = weights * np.exp(k * (logs - top))
        first, second = powers @ logs / powers.sum(), powers @ logs**2 / powers.sum()
        k = np.clip(k - (first - 1 / k - mean) / (second - first**2 + 1 / k**2), *_SHAPES)
    return float(k), float(np.exp(top + np.log((weights * np.exp(k * (logs - top))).sum()) / k))


def _log_weibull(x: Array, k: float, scale: float) -> Array:
    logs = np.log(x / scale)
    return np.log(k / scale) + (k - 1) * logs - np.exp(k * logs)


def _fit_log_normal(x: Array, weights: Array) -> Parameters:
    mean = float(weights @ np.log(x))
    return mean, max(float(np.sqrt(weights @ (np.log(x) - mean) ** 2)), 1 / _SHAPES[1])


def _log_log_normal(x: Array, mean: float, spread: float) -> Array:
    return -0.5 * ((np.log(x) - mean) / spread) ** 2 - np.log(x * spread * np.sqrt(2 * np.pi))


_Fit = Callable[[Array, Array], Parameters]
_FAMILIES: dict[Family, tuple[_Fit, Callable[[Array, float, float], Array]]] = {
    "gamma": (_fit_gamma, _log_gamma),
    "weibull": (_fit_weibull, _log_weibull),
    "log-normal": (_fit_log_normal, _log_log_normal),
}
