"""The path of hypotheses of one route, from the safest to the cheapest, fixed before any trial is read.

Nothing here sees an outcome: `path_of` takes costs and the grid of thresholds, `testable` takes the
numbers of trials. That is what allows the fixed-sequence test along the path to use its whole level
at every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.certify.exact import power, trials_needed
from router_audit.certify.looks import PRESUMED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TAUS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95)
"""The confidence thresholds that are ever tested. Fixed in advance: a threshold chosen by looking at the
outcomes would need another proof."""

WANTED_POWER = 0.8
"""The chance of proving such a candidate that a step needs before it may stand in the way of others."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that might serve a route, and what it costs."""

    ref: str
    """`provider/model`, with `@effort` where the effort is part of its identity."""
    cost_usd: float
    """Expected cost of one request of this route with this model, in USD (any one unit will do)."""
    rung: str | None = None
    """The one model that an escalated request goes to; None for the request's own incumbent."""
    rung_cost_usd: float = 0.0
    """Expected cost of one request with the rung, in the same unit; paid on top when escalated."""


@dataclass(frozen=True, slots=True)
class Step:
    """One hypothesis of a path: this candidate keeps what it is at least `tau` sure of."""

    candidate: str
    tau: float
    expected_cost_usd: float
    """Of one request: the candidate's cost, and the rung's for the share expected to escalate."""
    rung: str | None = None
    """Where the rest goes; None for the request's own incumbent."""
    worst_cost_usd: float | None = None
    """Of one request that escalates: the candidate's and the rung's answer are both paid. None: not known."""

    @property
    def key(self) -> tuple[str, float]:
        """(candidate, tau): what counts are kept under."""
        return (self.candidate, self.tau)


def path_of(
    candidates: Iterable[Candidate],
    *,
    taus: Iterable[float] = TAUS,
    stay: Mapping[float, float] | None = None,
    incumbent_cost_usd: float | None = None,
) -> tuple[Step, ...]:
    """Order every (candidate, tau) by expected cost, dearest first: the safest way to the cheapest.

    `stay` is the share of requests expected to keep their answer at each tau, assumed in advance
    (default 1 - tau, which is a uniform confidence); a wrong share costs power, never error. Steps that
    would cost no less than `incumbent_cost_usd` are left out: no route may cost more than what it
    replaces. Ties go to the higher tau, then by name, so that the order is a function of its inputs.
    Raises ValueError for a tau outside [0, 1) or a candidate named twice.
    """
    grid = sorted(set(taus))
    if not all(0 <= tau < 1 for tau in grid):
        raise ValueError("a threshold lies in [0, 1)")
    steps: list[Step] = []
    seen: set[str] = set()
    for candidate in candidates:
        if candidate.ref in seen:
            raise ValueError(f"{candidate.ref} is a candidate twice")
        seen.add(candidate.ref)
        for tau in grid:
            share = (1.0 if tau == 0 else 1 - tau) if stay is None else stay[tau]
            cost = candidate.cost_usd + (1 - share) * candidate.rung_cost_usd
            if incumbent_cost_usd is None or cost < incumbent_cost_usd:
                worst = candidate.cost_usd + candidate.rung_cost_usd
                steps.append(Step(candidate.ref, tau, cost, candidate.rung, worst))
    return tuple(sorted(steps, key=order_key))


def order_key(step: Step) -> tuple[float, float, str]:
    """The order of a path: dearest first, then the higher threshold, then the name."""
    return (-step.expected_cost_usd, -step.tau, step.candidate)


def testable(trials: int, tau: float, epsilon: float, share: float) -> bool:
    """Whether a step with so many trials is tested at all; those that are not are left out of the path.

    Every step stands in the way of the cheaper ones, and a high threshold keeps few trials: left in, it
    would stop the path for want of trials. So a step above tau = 0 needs the power `WANTED_POWER` to
    prove a candidate whose regret is `PRESUMED` of epsilon, at the level its route starts with (`share`);
    tau = 0 needs as many trials as could reject at all. The decision sees numbers of trials, never
    outcomes: given the confidences, the binomial p-values of the steps that stay remain valid (Hoeffding
    1956, see `exact.p_value`). A step that was tested once stays on the path.
    """
    if trials < trials_needed(epsilon, share):
        return False
    return tau == 0 or power(trials, PRESUMED * epsilon, epsilon, share) >= WANTED_POWER
