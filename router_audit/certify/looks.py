"""What looking again costs: one p-value that holds however often, and for whatever reason, one looks.

The first look at a step is the exact binomial test, and spends `FIRST` of the level. All later looks
share the rest through a mixture of likelihood ratios, which is a test martingale: under H0 "regret >=
epsilon" each trial multiplies it by at most 1 on average, so that the chance that it *ever* reaches
1/alpha is at most alpha (Ville 1939; Robbins 1970, Annals of Mathematical Statistics 41:1397-1409). It
is a function of the counts alone: no calendar of looks has to be kept, and a sample may grow because of
what it has shown. The first look alone is exact only where the number of its trials was not chosen by
their outcomes: a replay that has ended its planned sample and said so has spent it. That each beginning
of the sample has the row's mean regret is assumed, as of any sample: replays are drawn so (`sampling.order`), canary traffic by a hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp, inf, log, log1p
from typing import Literal

from scipy.special import bdtr, betainc, betaincc, betaln

from router_audit.certify import exact

FIRST = 0.975
"""The part of the level that the first look spends. With less than 0.97102 the 86 trials that four
profiles need, none a regret, would be 87; the other fortieth costs later looks 72 such trials, for what
one pays with is the logarithm of the level."""

PRESUMED = 0.2
"""The regret that a candidate worth testing is presumed to have, as a part of epsilon: later looks are most
powerful near it."""


@dataclass(frozen=True, slots=True)
class FirstLook:
    """When a step could first have been rejected, and what stood there: its place on the path is fixed by it."""

    look: int
    expected_cost_usd: float
    trials: int
    regrets: int


def p_value(trials: int, regrets: int, epsilon: float, first: FirstLook | None) -> float:
    """To be held against `FIRST` of a level: P(Bin(trials, epsilon) <= regrets) at the first look.

    Later the smaller of that first one and of the later looks' own, each for its part of the level; and
    never so small that all trials together, tested as if nobody had looked before, would not reject. At
    `FIRST * alpha` or below with chance at most `alpha` under H0, over all looks together.
    """
    now = exact.p_value(trials, regrets, epsilon)
    if first is None:
        return now
    then = exact.p_value(first.trials, first.regrets, epsilon)
    return max(FIRST * now, min(then, _later(trials, regrets, epsilon)))


@lru_cache(maxsize=8192)
def anytime_p_value(trials: int, regrets: int, epsilon: float) -> float:
    """Of H0 "regret >= epsilon", at any number of looks: 1 / mixture of likelihood ratios.

    The regrets below epsilon are mixed by a Beta(1/2, b) whose mean, before it is cut off at epsilon, is
    `PRESUMED` of it. With rates that differ from trial to trial and a mean of at least epsilon the expected
    mixture is still at most 1 (it is a product of straight lines of the rates).
    """
    if not trials:
        return 1.0
    a, b = 0.5, 0.5 / (PRESUMED * epsilon) - 0.5
    below = float(betainc(a + regrets, b + trials - regrets, epsilon))
    if below == 0.0:
        return 1.0
    log_e = float(betaln(a + regrets, b + trials - regrets) - betaln(a, b))
    log_e += log(below / float(betainc(a, b, epsilon)))
    return _inverse(log_e - _log_likelihood(trials, regrets, epsilon))


def anytime_p_value_above(trials: int, regrets: int, epsilon: float) -> float:
    """Of "regret <= epsilon", which refutes, at any number of looks; the regrets above are mixed evenly."""
    if not trials:
        return 1.0
    above = float(betaincc(1 + regrets, 1 + trials - regrets, epsilon))
    if above == 0.0:
        return 1.0
    log_e = float(betaln(1 + regrets, 1 + trials - regrets)) + log(above / (1 - epsilon))
    return _inverse(log_e - _log_likelihood(trials, regrets, epsilon))


def upper_bound(trials: int, regrets: int, level: float, first: FirstLook | None) -> float:
    """The smallest epsilon that `p_value` rejects at `level`: Clopper-Pearson's at the first look."""
    here = exact.upper_bound(trials, regrets, level)
    if first is None or (first.trials, first.regrets) == (trials, regrets):
        return here
    least = exact.upper_bound(trials, regrets, level / FIRST)
    then = exact.upper_bound(first.trials, first.regrets, level)
    return max(least, min(then, _later_bound(trials, regrets, level)))


@lru_cache(maxsize=8192)
def further_trials(trials: int, regrets: int, epsilon: float, level: float, first: FirstLook | None) -> int:
    """How many more trials, none of them a regret, until `p_value` rejects at `level`; 0 when it does.

    Of a step that was looked at already a later look is meant, of any other the first.
    """
    if p_value(trials, regrets, epsilon, first) <= level:
        return 0
    if first is None:
        return exact.further_trials(trials, regrets, epsilon, level)
    low, high = trials, max(2 * trials, 1)
    while p_value(high, regrets, epsilon, first) > level:
        low, high = high, 2 * high
        if high > exact.MAX_TRIALS:
            raise ValueError(f"more than {exact.MAX_TRIALS} trials would be needed")
    while high - low > 1:
        middle = (low + high) // 2
        if p_value(middle, regrets, epsilon, first) <= level:
            high = middle
        else:
            low = middle
    return high - trials


def decided(
    trials: int, regrets: int, planned: int, epsilon: float, level: float, first: FirstLook | None
) -> Literal["reject", "futile", "open"]:
    """Whether the rest of a planned sample can still change its verdict; see `exact.decided`.

    A step that was looked at already may be stopped as soon as it is rejected.
    """
    if first is None:
        return exact.decided(trials, regrets, planned, epsilon, level)
    if p_value(trials, regrets, epsilon, first) <= level:
        return "reject"
    return "futile" if p_value(planned, regrets, epsilon, first) > level else "open"


def trials_wanted(
    trials: int, regrets: int, epsilon: float, level: float, first: FirstLook, wanted_power: float
) -> tuple[int, int]:
    """(least, wanted) trials in all, those already there counted, for a certificate at a later look.

    `least` if no further one is a regret; `wanted` with chance `wanted_power` where the regret of those to
    come is `PRESUMED` of epsilon.
    """
    least = wanted = trials + further_trials(trials, regrets, epsilon, level, first)
    most = regrets  # the most regrets that so many trials may hold
    while True:
        while p_value(wanted, most + 1, epsilon, first) <= level:
            most += 1
        more = wanted - trials
        if not more or float(bdtr(most - regrets, more, PRESUMED * epsilon)) >= wanted_power:
            return least, wanted
        wanted += 1


def _later(trials: int, regrets: int, epsilon: float) -> float:
    """The later looks' own p-value, scaled so that the first look's level is theirs too."""
    return min(1.0, anytime_p_value(trials, regrets, epsilon) * FIRST / (1 - FIRST))


@lru_cache(maxsize=8192)
def _later_bound(trials: int, regrets: int, level: float) -> float:
    """Where `_later` falls to `level`, by bisection; above the point estimate it falls as epsilon grows."""
    low, high = regrets / trials if trials else 1.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        if _later(trials, regrets, middle) <= level:
            high = middle
        else:
            low = middle
    return high


def _log_likelihood(trials: int, regrets: int, rate: float) -> float:
    return regrets * log(rate) + (trials - regrets) * log1p(-rate)


def _inverse(log_e: float) -> float:
    return min(1.0, exp(-log_e)) if log_e > -inf else 1.0
