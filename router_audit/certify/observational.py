"""What unpaired outcomes of a log may say: at most `provisional`, often "not identifiable".

A log in which some requests went to the candidate and others to the incumbent shows no regret (nobody
saw both answers to one request). It can show the difference of success rates, if who was asked what
depended on nothing but the features given here: *no unmeasured reason for the choice of model*. That
assumption cannot be tested, is named wherever the number is shown, and certifies nothing.

    found = compare(features, candidate, ok, sessions, rng)
    found.identified, found.harm, found.reason
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

ASSUMPTION = "no unmeasured reason for the choice of model, given the features"
MIN_EFFECTIVE = 50.0
"""The least effective sample size, of either model, that identifies anything."""
OVERLAP = (0.05, 0.95)
"""A request whose chance of the candidate lies outside could hardly have gone the other way."""
MIN_OVERLAP = 0.9
"""The least share of requests within `OVERLAP`; below, the comparison is about other requests."""
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Observed:
    """The doubly-robust comparison of candidate and incumbent on one route."""

    identified: bool
    reason: str
    """Why not; empty when it is."""
    harm: float
    """Success rate of the incumbent less that of the candidate, over all requests; NaN if not identified."""
    harm_low: float
    harm_high: float
    """Two-sided 95% interval, sessions as clusters."""
    requests: int
    effective: tuple[float, float]
    """Effective sample size of candidate and incumbent (Kish): how many equally weighted requests."""
    overlap: float
    """Share of requests whose propensity lies within `OVERLAP`."""
    assumption: str = ASSUMPTION

    def provisional(self, epsilon: float) -> bool:
        """Whether it supports a provisional route: identified, and harm below epsilon in its whole interval.

        Harm below epsilon does not mean regret below it, for gains offset regrets: one more reason why
        this certifies nothing.
        """
        return self.identified and self.harm_high < epsilon


def compare(
    features: NDArray[np.float64],
    candidate: NDArray[np.bool_],
    ok: NDArray[np.bool_],
    sessions: NDArray[np.int64],
    rng: np.random.Generator,
) -> Observed:
    """Augmented inverse-propensity weighting with cross-fitting.

    `features` of shape (n, p), standardised or not; `candidate` (n,) which requests the candidate served
    (the others: the incumbent); `ok` (n,) their outcome; `sessions` (n,) the cluster of each; `rng` deals
    the sessions into folds. Estimator: Robins, Rotnitzky and Zhao 1994 (JASA 89:846-866), cross-fitted as
    in Chernozhukov et al. 2018 (Econometrics Journal 21:C1-C68), both models ridge logistic regressions;
    effective sample size (sum w)^2 / sum w^2 (Kish 1965). Raises ValueError for shapes that do not fit.
    """
    n = ok.shape[0]
    if features.ndim != 2 or any(len(a) != n for a in (features, candidate, sessions)):
        raise ValueError("features, candidate, ok and sessions speak of the same requests")
    served = int(candidate.sum())
    if min(served, n - served) < MIN_EFFECTIVE:
        who = "candidate" if served <= n - served else "incumbent"
        return _unknown(f"the {who} served {min(served, n - served)} of {n} requests", n)
    names, cluster = np.unique(sessions, return_inverse=True)
    if names.size < 2 * FOLDS:
        return _unknown(f"only {names.size} sessions", n)
    fold = rng.permutation(names.size)[cluster] % FOLDS
    x = _standard(features)
    chance = np.empty(n)
    expected = np.empty((n, 2))
    for k in range(FOLDS):
        here, there = fold == k, fold != k
        chance[here] = _fitted(x[there], candidate[there], x[here])
        for arm in (0, 1):
            mine = there & (candidate == bool(arm))
            expected[here, arm] = _fitted(x[mine], ok[mine], x[here])
    overlap = float(((chance >= OVERLAP[0]) & (chance <= OVERLAP[1])).mean())
    weight = np.where(candidate, 1 / chance, 1 / (1 - chance))
    effective = (_kish(weight[candidate]), _kish(weight[~candidate]))
    if overlap < MIN_OVERLAP:
        return _unknown(
            f"only {overlap:.0%} of requests could have gone to either model", n, effective, overlap
        )
    if min(effective) < MIN_EFFECTIVE:
        return _unknown(f"effective sample size {min(effective):.0f}", n, effective, overlap)
    served_by = np.where(candidate, expected[:, 1], expected[:, 0])
    residual = weight * (ok - served_by)
    score = expected[:, 0] - expected[:, 1] + np.where(candidate, -residual, residual)
    harm = float(score.mean())
    by_session = np.bincount(cluster, weights=score - harm)
    error = sqrt(float((by_session**2).sum()) * names.size / (names.size - 1)) / n
    reach = float(ndtri(0.975)) * error
    return Observed(True, "", harm, harm - reach, harm + reach, n, effective, overlap)


def _unknown(
    reason: str, n: int, effective: tuple[float, float] = (0.0, 0.0), overlap: float = 0.0
) -> Observed:
    return Observed(False, f"not identifiable: {reason}", nan, nan, nan, n, effective, overlap)


def _standard(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """With an intercept first; a constant column becomes zero."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return np.column_stack([np.ones(features.shape[0]), scaled])


def _fitted(
    x: NDArray[np.float64], y: NDArray[np.bool_], at: NDArray[np.float64], ridge: float = 1.0
) -> NDArray[np.float64]:
    """Probabilities at `at` of a ridge logistic regression, by Newton's method; intercept unpenalised."""
    penalty = np.full(x.shape[1], ridge)
    penalty[0] = 1e-6
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        p = expit(x @ beta)
        slope = x.T @ (y - p) - penalty * beta
        curve = (x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        beta += step * min(1.0, 5.0 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-9:
            break
    return np.asarray(np.clip(expit(at @ beta), 1e-3, 1 - 1e-3))


def _kish(weight: NDArray[np.float64]) -> float:
    return float(weight.sum() ** 2 / (weight**2).sum())
