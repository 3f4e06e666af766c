"""Paired comparisons of a candidate with the incumbent, and what they prove."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router_audit.types.profile import Context, Profile


@dataclass(frozen=True, slots=True)
class Trial:
    """One paired comparison: a request, the incumbent's answer, a candidate's answer, a grade of each."""

    request_id: str
    session_id: str
    profile: Profile
    context: Context
    candidate: str
    """`provider/model`, with `@effort` where the effort is part of its identity."""
    candidate_ok: bool
    incumbent_ok: bool
    grader: str
    confidence: float | None = None
    """The candidate's confidence in [0, 1] where it has one; without, only tau = 0 can be tested."""
    candidate_cost_usd: float | None = None
    candidate_latency_ms: float | None = None
    arrived: int = 0
    """Which addition to the store it came with: of one session the earliest trial counts, for good."""

    @property
    def regret(self) -> bool:
        """The candidate failed where the incumbent did not."""
        return self.incumbent_ok and not self.candidate_ok


@dataclass(frozen=True, slots=True)
class Evidence:
    """The counts behind one route: enough to recompute its p-value and bound."""

    trials: int
    regrets: int
    epsilon: float
    alpha: float
    """The level this hypothesis was tested at, after the family-wise correction."""
    p_value: float
    upper_bound: float
    """Clopper-Pearson upper bound of regret at level `alpha`."""
    shared_failures: int = 0
    trials_needed: int = 0
    """Further trials without a regret until the test would reject; 0 when it did."""
