"""What a judge's grades are worth: prediction-powered inference of the human-graded regret rate.

How it enters a certificate: the exact test is of the *judged* outcome, always. Human grades may take a
certificate away, never give one: at regret rates near zero the normal approximation of PPI is too
optimistic to grant anything (twenty agreements would "prove" a judge that misses one regret in ten). A
claim about human-graded quality comes from a test of the human grades alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Literal

from scipy.special import ndtri

from router_audit.certify.looks import anytime_p_value

if TYPE_CHECKING:
    from router_audit.certify.tally import Counts, HumanPairs

Claim = Literal["as-graded", "human-graded", "judge-corrected", "judge-contradicted"]
"""What a certificate is about: the outcome as graded (no human looked); the human-graded outcome (the
human grades alone prove it); the judged outcome whose corrected rate stays below epsilon; the judged
outcome whose corrected bound does not, which withdraws the certificate."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """The human-graded regret rate, estimated from a few human and many judge grades."""

    estimate: float
    upper_bound: float
    """One-sided, asymptotic, at the level asked for; within [0, 1]."""
    tuning: float
    """lambda of PPI++: 0 ignores the judge, 1 trusts it fully."""
    labelled: int
    unlabelled: int


def corrected_regret(trials: int, regrets: int, human: HumanPairs, alpha: float) -> Corrected:
    """PPI++ mean of the regret a human would see, from counts alone.

    `trials` and `regrets` are the judge's over all; `human` cross-tabulates those a human graded too.
    Estimate and tuning: Angelopoulos, Duchi and Zrnic 2023, "PPI++", arXiv:2311.01453, section 2 and
    example 6.1 (mean), with plug-in variances as `ppi-python` 0.2.3 computes them. With no human grade
    of a different trial left over the estimate is the humans' own. Raises ValueError without human
    grades, or when they do not fit the counts.
    """
    n, rest = human.trials, trials - human.trials
    judged, seen = human.both + human.judge_only, human.both + human.human_only
    unseen = regrets - judged
    if n == 0 or rest < 0 or not 0 <= unseen <= rest:
        raise ValueError("the human grades are not among the trials")
    y = seen / n
    if rest == 0:
        return Corrected(y, min(1.0, y + _z(alpha) * sqrt(y * (1 - y) / n)), 0.0, n, 0)
    hat, hat_rest = judged / n, unseen / rest
    covariance = human.both / n - y * hat
    pooled = regrets / trials
    tuning = 0.0
    if 0 < regrets < trials:
        spread = pooled * (1 - pooled) * trials / (trials - 1)
        tuning = min(1.0, max(0.0, covariance / ((1 + n / rest) * spread)))
    estimate = y + tuning * (hat_rest - hat)
    # Y - lambda * Yhat takes four values; its variance is that of the cross-table.
    second_moment = (human.both * (1 - tuning) ** 2 + human.human_only + human.judge_only * tuning**2) / n
    variance = tuning**2 * hat_rest * (1 - hat_rest) / rest
    variance += max(0.0, second_moment - (y - tuning * hat) ** 2) / n
    bound = estimate + _z(alpha) * sqrt(variance)
    return Corrected(min(1.0, max(0.0, estimate)), min(1.0, max(0.0, bound)), tuning, n, rest)


def claim_of(counts: Counts, epsilon: float, share: float, level: float) -> Claim:
    """What a certificate over these counts is about; see `Claim`.

    The human grades alone are tested at the route's first `share`, however often one looks: what other
    routes handed over they earned by judged grades. The corrected bound is at the `level` of the judged test.
    """
    if counts.human is None:
        return "as-graded"
    by_hand = counts.human.both + counts.human.human_only
    if anytime_p_value(counts.human.trials, by_hand, epsilon) <= share:
        return "human-graded"
    fixed = corrected_regret(counts.trials, counts.regrets, counts.human, level)
    return "judge-corrected" if fixed.upper_bound < epsilon else "judge-contradicted"


def _z(alpha: float) -> float:
    return float(ndtri(1 - alpha))
