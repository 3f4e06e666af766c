"""The canary's test: a betting e-process over pairs, which may be looked at every day at no cost.

A pair is one canary request with two answers, the premium tier's and the route's own, and
d = 1 where the route failed and the premium tier did not (harm), -1 the other way round (gain), else 0
(tie). H0 of a route: E[d] <= margin, pair after pair. For a bet b in (0, 1/(1 + margin)) the product of
1 + b (d - margin) is a non-negative supermartingale under H0 (Waudby-Smith and Ramdas 2024, "Estimating
means of bounded random variables by betting", JRSS-B 86:1-27, section 4), hence so is any mixture of such
products, over a grid of bets and over the day on which betting begins. By Ville's inequality the chance
that it ever reaches 1/alpha is at most alpha, whenever and however often one looks.

Two mixtures, because two things are unknown: how large the harm is (the grid of bets), and when it
begins. Money that waits in reserve is not lost by the quiet days before a model degrades.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log, log1p
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

BETS = tuple(float(b) for b in np.geomspace(0.01, 0.95, 12))
"""Bets of the mixture, as parts of the largest one the margin allows; each starts with an equal share."""

FIRST_DAY = 0.5
"""The part of the money that is bet from the first day on."""

HAZARD = 1 / 60
"""The part of what is left in reserve that begins to be bet on each later day."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Counts of the pairs of one route on one day (or in any one batch)."""

    harms: int = 0
    """The route failed, the premium tier did not."""
    ties: int = 0
    gains: int = 0
    """The premium tier failed, the route did not."""

    @property
    def total(self) -> int:
        """All pairs."""
        return self.harms + self.ties + self.gains

    @property
    def discordant(self) -> int:
        """Pairs on which the two differ: what the evidence is made of."""
        return self.harms + self.gains

    def __add__(self, other: Pairs) -> Pairs:
        """Counts of both."""
        return Pairs(self.harms + other.harms, self.ties + other.ties, self.gains + other.gains)


@dataclass(frozen=True, slots=True)
class EProcess:
    """The state of one route's test: a few numbers, JSON-ready by `dataclasses.asdict`."""

    margin: float
    days: int = 0
    seen: tuple[int, int, int] = (0, 0, 0)
    """Harms, ties and gains so far."""
    log_reserve: float = 0.0
    """Log of the money not yet bet."""
    log_capital: tuple[float, ...] = (-inf,) * len(BETS)
    """Log of the money on each bet."""
    peak: float = 1.0
    """The largest e-value at the end of any day so far."""

    @property
    def log_e(self) -> float:
        """Log of the e-value."""
        return float(np.logaddexp.reduce([self.log_reserve, *self.log_capital]))

    @property
    def e_value(self) -> float:
        """The money now, having started with 1."""
        return exp(min(self.log_e, 700.0))

    def alarm(self, alpha: float) -> bool:
        """Whether the e-value ever stood at 1/alpha or more: evidence, once there, stays."""
        return self.peak >= 1 / alpha

    def next_day(self, pairs: Pairs) -> EProcess:
        """The state after one more day's pairs, which is exact however the days' pairs were ordered.

        A day without pairs changes nothing. Raises ValueError for negative counts.
        """
        if min(pairs.harms, pairs.ties, pairs.gains) < 0:
            raise ValueError("counts of pairs are not negative")
        if not pairs.total:
            return self
        part = HAZARD if self.days else FIRST_DAY
        fresh = self.log_reserve + log(part) - log(len(BETS))
        grown = np.logaddexp(self.log_capital, fresh) + log_growth(pairs, self.margin)
        harms, ties, gains = self.seen
        after = EProcess(
            self.margin,
            self.days + 1,
            (harms + pairs.harms, ties + pairs.ties, gains + pairs.gains),
            self.log_reserve + log1p(-part),
            tuple(float(c) for c in grown),
            self.peak,
        )
        return EProcess(
            after.margin,
            after.days,
            after.seen,
            after.log_reserve,
            after.log_capital,
            max(self.peak, after.e_value),
        )


def e_process(days: Iterable[Pairs], margin: float) -> EProcess:
    """The test of one route from its daily counts, oldest first: H0 "mean harm is at most `margin`".

    A pure function of the counts: run twice on the same days it gives the same state, and a day whose
    pairs have grown is simply given again with its larger counts. A pair belongs to the day its grades
    were first read; moved to an earlier day later on, it would be bet on with hindsight.
    Raises ValueError unless -1 < margin < 1.
    """
    if not -1 < margin < 1:
        raise ValueError("a margin of harm lies between -1 and 1")
    state = EProcess(margin)
    for pairs in days:
        state = state.next_day(pairs)
    return state


def log_growth(pairs: Pairs, margin: float) -> NDArray[np.float64]:
    """By how much these pairs multiply the money on each of `BETS`, as logs; shape (len(BETS),)."""
    return log_growth_of(pairs.harms, pairs.ties, pairs.gains, margin)


def log_growth_of(harms: float, ties: float, gains: float, margin: float) -> NDArray[np.float64]:
    """As `log_growth`, for expected counts that need not be whole."""
    bets = np.asarray(BETS) / (1 + margin)
    grown = harms * np.log1p(bets * (1 - margin))
    grown += ties * np.log1p(-bets * margin)
    grown += gains * np.log1p(-bets * (1 + margin))
    return np.asarray(grown, dtype=np.float64)


def e_bh(e_values: Mapping[str, float], alpha: float) -> tuple[str, ...]:
    """The routes that alarm together, by name: e-BH (Wang and Ramdas 2022, JRSS-B 84:822-852).

    Rejects the k largest e-values, k the largest with e_(k) >= K / (alpha k). Expected share of false
    alarms among the alarms at most alpha, whatever the dependence between routes, at any one stopping
    time; and where no route is harmed at all, the chance of any alarm on any day is at most alpha too
    (an alarm needs the mean of the e-processes, itself one, to reach 1/alpha). Give it e-values as they
    stand, not peaks.
    """
    ranked = sorted(e_values.items(), key=lambda item: (-item[1], item[0]))
    reached = [k for k, (_, e) in enumerate(ranked, 1) if k * e >= len(ranked) / alpha]
    return tuple(sorted(name for name, _ in ranked[: max(reached, default=0)]))
