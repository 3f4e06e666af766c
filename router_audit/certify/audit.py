"""What an audit claims and what it found: the plan, and of each step, route and the whole the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from router_audit.certify import looks
from router_audit.certify.looks import FIRST, FirstLook
from router_audit.types import Evidence, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router_audit.certify.correction import Claim
    from router_audit.certify.path import Step
    from router_audit.certify.tally import Counts

Verdict = Literal["rejected", "withdrawn", "provisional", "unsupported", "refuted", "untested"]
"""Of one step: H0 rejected (the candidate keeps up); rejected on judged grades that human grades
contradict; estimate below epsilon, not proven; estimate at or above it; regret proven above epsilon at
the route's level (this step alone); no trials."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is claimed, and which look this is. Set before any trial is read."""

    epsilon: float = 0.05
    """The regret that a certified route stays below, of its trials that stay."""
    delta: float = 0.05
    """The chance that any certified route of the audit does not, over all looks together."""
    audit: int = 1
    """Which question of this kind (epsilon, delta) it is, from 1: other candidates or rows make another one,
    with a delta of its own."""
    look: int = 1
    """Which look of this audit at its growing sample, from 1."""

    def __post_init__(self) -> None:
        if not (0 < self.epsilon < 1 and 0 < self.delta < 1 and self.audit >= 1 and self.look >= 1):
            raise ValueError("epsilon and delta lie between 0 and 1, and audits and looks are counted from 1")

    @property
    def level(self) -> float:
        """What p-values are held against, over all routes: the first look's part of delta."""
        return FIRST * self.delta


@dataclass(frozen=True, slots=True)
class Tested:
    """One step of a path with its counts and its verdict."""

    step: Step
    counts: Counts
    p_value: float
    alpha: float | None
    """The level it was tested at; None where the path stopped before it or it was left out."""
    first: FirstLook | None
    """When it took its place on the path; None: too few trials yet to stand on it, and left out."""
    verdict: Verdict
    level: float
    """The level of its route, which its bounds and `trials_needed` are stated at."""
    epsilon: float
    claim: Claim

    @property
    def testable(self) -> bool:
        """Whether it stands on the path."""
        return self.first is not None

    @property
    def rejected(self) -> bool:
        """H0 was rejected, now or at an earlier look."""
        return self.verdict in {"rejected", "withdrawn"}

    @property
    def evidence(self) -> Evidence:
        """As a routing table shows it."""
        c = self.counts
        return Evidence(
            trials=c.trials,
            regrets=c.regrets,
            epsilon=self.epsilon,
            alpha=self.level,
            p_value=self.p_value,
            upper_bound=looks.upper_bound(c.trials, c.regrets, self.level, self.first),
            shared_failures=c.shared_failures,
            trials_needed=0
            if self.rejected
            else looks.further_trials(c.trials, c.regrets, self.epsilon, self.level, self.first),
        )

    @property
    def total_regret(self) -> float | None:
        """Stays plus escalated share: the regret of the whole route. None where the rung has no trial."""
        c = self.counts
        drawn = c.trials + c.escalated
        if not drawn or (c.escalated and not c.rung_trials):
            return None
        risen = c.escalated * c.rung_regrets / c.rung_trials if c.escalated else 0.0
        return (c.regrets + risen) / drawn

    @property
    def total_upper_bound(self) -> float:
        """As of what stays, at the route's level; an escalated trial the rung was not tried on is a regret."""
        c = self.counts
        worst = c.regrets + c.rung_regrets + c.escalated - c.rung_trials
        drawn = None
        if self.first is not None and (self.first.trials, self.first.regrets) != (c.trials, c.regrets):
            # Of the whole route nothing was kept at the first look: where something goes up, later looks bound it.
            drawn = replace(self.first, trials=0, regrets=0) if c.escalated else self.first
        return looks.upper_bound(c.trials + c.escalated, worst, self.level, drawn)


@dataclass(frozen=True, slots=True)
class RouteProof:
    """What was proven about one route."""

    route: str
    share: float
    """The level it started with: the plan's over the number of routes."""
    level: float
    """The level it was tested at in the end, after other routes handed theirs over."""
    status: Status
    steps: tuple[Tested, ...]
    """The path: what stands on it, look by look, each dearest first; then what has too few trials yet."""
    chosen: int | None
    """Which step the status speaks of; None to keep the incumbent."""

    @property
    def choice(self) -> Tested | None:
        """The step that was chosen."""
        return None if self.chosen is None else self.steps[self.chosen]

    @property
    def trials_needed(self) -> int:
        """Further trials, none a regret, until the choice is certified: of it and of what stands before it."""
        return 0 if self.chosen is None else still_needed(self.steps[: self.chosen + 1])

    @property
    def refuted(self) -> tuple[str, ...]:
        """Candidates whose regret is proven above epsilon at some threshold, by name."""
        return tuple(sorted({t.step.candidate for t in self.steps if t.verdict == "refuted"}))


@dataclass(frozen=True, slots=True)
class Audit:
    """The verdicts of one audit, in order of route name."""

    plan: Plan
    routes: tuple[RouteProof, ...]

    def __getitem__(self, route: str) -> RouteProof:
        """The proof of the route of that name; KeyError when it was not audited."""
        for proof in self.routes:
            if proof.route == route:
                return proof
        raise KeyError(route)


def still_needed(steps: Sequence[Tested]) -> int:
    """Of the last step, and of the tested ones before it: what is left out of a path is in no one's way."""
    counted = [t for t in steps[:-1] if t.testable] + [steps[-1]]
    return max(t.evidence.trials_needed for t in counted)
