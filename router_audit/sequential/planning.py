"""What the canary can see: the smallest harm at this traffic, the days it takes, the share it needs.

One approximation, stated once and checked by simulation in the tests: at n pairs of which a share
`discordant` differ and the mean is `harm`, the e-process crosses 1/alpha with the wanted power when its
mixture does at counts whose net harm lies z standard errors below the expected (z the normal quantile of
the power). The overhead of both mixtures is in the formula; harm is taken to be there from the first day.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt

import numpy as np
from scipy.special import ndtri

from router_audit.sequential.eprocess import BETS, FIRST_DAY, Pairs, log_growth_of

MAX_PAIRS = 10**9
"""Where the search gives up."""


def pairs_needed(
    harm: float, discordant: float, *, margin: float, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Pairs until harm of this size (a share, above `margin`) raises the alarm with the wanted power.

    `discordant` is the share of pairs that differ, at least `harm`. None when harm is not above the
    margin, or past `MAX_PAIRS`.
    """
    if harm <= margin:
        return None
    low, high = 0, 1
    while not _crosses(high, harm, discordant, margin, alpha, power):
        low, high = high, 2 * high
        if high > MAX_PAIRS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if _crosses(middle, harm, discordant, margin, alpha, power):
            high = middle
        else:
            low = middle
    return high


def minimum_detectable_effect(
    pairs: int, discordant: float, *, margin: float, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """The smallest mean harm that so many pairs would show with the wanted power; None when not even 1."""
    if pairs < 1 or not _crosses(pairs, 1.0, 1.0, margin, alpha, power):
        return None
    low, high = margin, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if _crosses(pairs, middle, discordant, margin, alpha, power):
            high = middle
        else:
            low = middle
    return high


def discordant_share(pairs: Pairs) -> float:
    """The share of pairs that differ, with one more of either kind, so that no pairs is not no difference."""
    return (pairs.discordant + 1) / (pairs.total + 2)


@dataclass(frozen=True, slots=True)
class CanaryPlan:
    """What a share of canary traffic buys on one route."""

    share: float
    """Of the route's requests; 1.0 when even all would not do in the days given."""
    pairs: int
    """Pairs the wanted harm needs."""
    days: float
    """Days it takes at that share."""
    reachable: bool


def canary_plan(
    harm: float,
    days: float,
    requests_per_day: float,
    discordant: float,
    *,
    margin: float,
    alpha: float = 0.05,
    power: float = 0.8,
) -> CanaryPlan | None:
    """The share of traffic that shows `harm` within `days`; None when no number of pairs would."""
    needed = pairs_needed(harm, discordant, margin=margin, alpha=alpha, power=power)
    if needed is None or requests_per_day <= 0 or days <= 0:
        return None
    share = needed / (days * requests_per_day)
    used = min(1.0, share)
    return CanaryPlan(used, needed, needed / (used * requests_per_day), share <= 1)


def days_needed(pairs: int | None, pairs_per_day: float) -> int | None:
    """Whole days until so many pairs are there; None when they never are."""
    if pairs is None or pairs_per_day <= 0:
        return None
    return ceil(pairs / pairs_per_day)


def _crosses(n: int, harm: float, discordant: float, margin: float, alpha: float, power: float) -> bool:
    """Whether the mixture reaches 1/alpha at net harm z standard errors below the expected."""
    differ = min(1.0, max(discordant, harm))
    error = sqrt(max(differ - harm * harm, 0.0) / n)
    low = max(-differ, harm - float(ndtri(power)) * error)
    harms, gains = (differ + low) / 2, (differ - low) / 2
    grown = log_growth_of(n * harms, n * (1 - differ), n * gains, margin)
    first = log(FIRST_DAY) - log(len(BETS))
    return float(np.logaddexp(np.logaddexp.reduce(grown) + first, log(1 - FIRST_DAY))) >= -log(alpha)
