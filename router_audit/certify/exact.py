"""Exact binomial arithmetic: p-values, bounds, trials needed, power, and when a sample has decided.

All numbers here are of regrets: x of n independent paired trials, tested against H0 "the regret rate
is at least epsilon". Rates are shares in [0, 1]. Nothing is approximated by a normal distribution.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from scipy.special import bdtr, bdtrc, betaincinv

MAX_TRIALS = 10_000_000
"""Where the search for a number of trials gives up: far past any replay."""


def p_value(trials: int, regrets: int, epsilon: float) -> float:
    """P(Bin(trials, epsilon) <= regrets): the exact p-value of H0 "regret >= epsilon".

    Valid also when the trials' own rates differ and only their mean is at least epsilon, as in a
    proportionally stratified sample: below the mean the binomial tail is the larger one (Hoeffding
    1956, "On the distribution of the number of successes in independent trials", theorem 4).
    1.0 without trials. Raises ValueError when the counts or epsilon are impossible.
    """
    _check(trials, regrets, epsilon)
    return float(bdtr(regrets, trials, epsilon)) if trials else 1.0


def p_value_above(trials: int, regrets: int, epsilon: float) -> float:
    """P(Bin(trials, epsilon) >= regrets): the exact p-value of "regret <= epsilon", which refutes."""
    _check(trials, regrets, epsilon)
    return float(bdtrc(regrets - 1, trials, epsilon)) if regrets else 1.0


def upper_bound(trials: int, regrets: int, alpha: float) -> float:
    """Clopper-Pearson one-sided upper bound of the regret rate at level `alpha`.

    The rate at which P(Bin <= regrets) equals alpha, as the 1 - alpha quantile of
    Beta(regrets + 1, trials - regrets) (Clopper and Pearson 1934, Biometrika 26). Below epsilon
    exactly when `p_value` is below alpha. 1.0 without trials.
    """
    _check(trials, regrets, alpha)
    if regrets == trials:
        return 1.0
    return float(betaincinv(regrets + 1, trials - regrets, 1 - alpha))


def lower_bound(trials: int, regrets: int, alpha: float) -> float:
    """Clopper-Pearson one-sided lower bound of the regret rate at level `alpha`; 0.0 without a regret."""
    _check(trials, regrets, alpha)
    return float(betaincinv(regrets, trials - regrets + 1, alpha)) if regrets else 0.0


@lru_cache(maxsize=4096)
def trials_needed(epsilon: float, alpha: float, regrets: int = 0) -> int:
    """The smallest number of trials with which `regrets` regrets still reject: 59 at 5%, 5%, none.

    Raises ValueError outside 0 < epsilon, alpha < 1 or past `MAX_TRIALS`.
    """
    if not (0 < epsilon < 1 and 0 < alpha < 1 and regrets >= 0):
        raise ValueError("epsilon and alpha lie strictly between 0 and 1, and regrets are not negative")
    low, high = regrets, max(2 * regrets, 1)
    while float(bdtr(regrets, high, epsilon)) > alpha:
        low, high = high, 2 * high
        if high > MAX_TRIALS:
            raise ValueError(f"more than {MAX_TRIALS} trials would be needed")
    while high - low > 1:
        middle = (low + high) // 2
        if float(bdtr(regrets, middle, epsilon)) <= alpha:
            high = middle
        else:
            low = middle
    return high


def further_trials(trials: int, regrets: int, epsilon: float, alpha: float) -> int:
    """How many more trials, none of them a regret, until the test rejects; 0 when it does."""
    if p_value(trials, regrets, epsilon) <= alpha:
        return 0
    return trials_needed(epsilon, alpha, regrets) - trials


def critical_regrets(trials: int, epsilon: float, alpha: float) -> int:
    """The most regrets with which `trials` trials still reject; -1 when not even none would do."""
    low, high = -1, trials
    while high > low:
        middle = (low + high + 1) // 2
        if p_value(trials, middle, epsilon) <= alpha:
            low = middle
        else:
            high = middle - 1
    return low


@lru_cache(maxsize=4096)
def power(trials: int, truth: float, epsilon: float, alpha: float) -> float:
    """The chance that `trials` trials of a candidate whose regret rate is `truth` reject H0."""
    most = critical_regrets(trials, epsilon, alpha)
    return float(bdtr(most, trials, truth)) if most >= 0 else 0.0


def decided(
    trials: int, regrets: int, planned: int, epsilon: float, alpha: float
) -> Literal["reject", "futile", "open"]:
    """Whether the rest of a planned sample can still change its verdict (curtailed sampling).

    `reject` when even an unbroken run of regrets in what is left would reject, `futile` when not even
    a clean one would. Stopping on either gives, at every stop, the verdict of the whole planned sample,
    so it costs no error. Stopping for any other reason ("significant so far") does: do not.
    """
    left = planned - trials
    if left < 0:
        raise ValueError("more trials than were planned")
    most = critical_regrets(planned, epsilon, alpha)
    if regrets > most:
        return "futile"
    return "reject" if regrets + left <= most else "open"


def _check(trials: int, regrets: int, rate: float) -> None:
    if not 0 <= regrets <= trials:
        raise ValueError(f"{regrets} regrets of {trials} trials cannot be")
    if not 0 < rate < 1:
        raise ValueError(f"a rate or level lies strictly between 0 and 1, not {rate}")
