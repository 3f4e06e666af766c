"""The test itself: fixed sequences along the paths, one family-wise error over all routes.

    audit = certify({"classification": path}, {"classification": counts}, Plan())

Each of K routes starts with delta/K. Along its path every step is tested at the route's whole level
until one is not rejected (fixed sequence; Learn then Test, Angelopoulos et al. 2021, arXiv:2110.01052).
A route whose whole tested path is rejected hands its level to the others in equal parts (the graphical
procedure of Bretz, Maurer, Brannath and Posch 2009, Statistics in Medicine 28:586-604). With equal
shares and equal hand-over, that procedure is: the m unfinished routes hold delta/m each. The chance that
any route is certified whose regret is in truth epsilon or more is at most delta, however the routes,
candidates and thresholds depend on one another.

A second look at a growing sample is another test. Plan for it (`looks`), or test fresh trials alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from router_audit.certify import exact
from router_audit.certify.correction import Claim, claim_of
from router_audit.certify.path import Step, testable
from router_audit.types import Evidence, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.certify.tally import Counts

Verdict = Literal["rejected", "withdrawn", "provisional", "unsupported", "refuted", "untested"]
"""Of one step: H0 rejected (the candidate keeps up); rejected on judged grades that human grades
contradict; estimate below epsilon, not proven; estimate at or above it; regret proven above epsilon at
the route's level (this step alone); no trials."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is claimed, and how often it may be asked. Set before any trial is read."""

    epsilon: float = 0.05
    """The regret that a certified route stays below, of its trials that stay."""
    delta: float = 0.05
    """The chance that any certified route of the audit does not."""
    look: int = 1
    """Which look at this growing sample this is, from 1."""
    looks: int = 1
    """How many looks were planned; each spends delta / looks."""

    def __post_init__(self) -> None:
        if not (0 < self.epsilon < 1 and 0 < self.delta < 1 and 1 <= self.look <= self.looks):
            raise ValueError("epsilon and delta lie between 0 and 1, and a look within the looks planned")

    @property
    def level(self) -> float:
        """What this look may spend over all routes."""
        return self.delta / self.looks


@dataclass(frozen=True, slots=True)
class Tested:
    """One step of a path with its counts and its verdict."""

    step: Step
    counts: Counts
    p_value: float
    alpha: float | None
    """The level it was tested at; None where the path stopped before it or it was left out."""
    testable: bool
    """False: too few trials for this step to stand in the path; left out."""
    verdict: Verdict
    level: float
    """The level of its route, which its bounds and `trials_needed` are stated at."""
    epsilon: float
    claim: Claim

    @property
    def rejected(self) -> bool:
        """H0 was rejected by the exact test."""
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
            upper_bound=exact.upper_bound(c.trials, c.regrets, self.level),
            shared_failures=c.shared_failures,
            trials_needed=0
            if self.rejected
            else exact.further_trials(c.trials, c.regrets, self.epsilon, self.level),
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
        """Clopper-Pearson at the route's level; an escalated trial the rung was not tried on is a regret."""
        c = self.counts
        worst = c.regrets + c.rung_regrets + c.escalated - c.rung_trials
        return exact.upper_bound(c.trials + c.escalated, worst, self.level)


@dataclass(frozen=True, slots=True)
class RouteProof:
    """What was proven about one route."""

    route: str
    share: float
    """The level it started with: the look's level over the number of routes."""
    level: float
    """The level it was tested at in the end, after other routes handed theirs over."""
    status: Status
    steps: tuple[Tested, ...]
    """The whole path, dearest first."""
    chosen: int | None
    """Which step the status speaks of; None to keep the incumbent."""

    @property
    def choice(self) -> Tested | None:
        """The step that was chosen."""
        return None if self.chosen is None else self.steps[self.chosen]

    @property
    def trials_needed(self) -> int:
        """Further trials, none a regret, until the choice is certified: of it and of what stands before it."""
        return 0 if self.chosen is None else _still_needed(self.steps[: self.chosen + 1])

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


def certify(
    paths: Mapping[str, Sequence[Step]],
    counts: Mapping[str, Mapping[tuple[str, float], Counts]],
    plan: Plan,
) -> Audit:
    """Test every route along its path; see the module's docstring for what is controlled.

    `paths` names the K routes (each shares delta, so name only those for which trials were planned);
    `counts` holds, per route, the counts of every step by (candidate, tau), as `tally` returns them;
    a step without its counts is a KeyError. The order of either mapping changes nothing.
    """
    if not paths:
        return Audit(plan, ())
    share = plan.level / len(paths)
    found = {route: [counts[route][step.key] for step in path] for route, path in paths.items()}
    tested = {
        route: [
            exact.p_value(c.trials, c.regrets, plan.epsilon)
            for step, c in zip(paths[route], per_step, strict=True)
            if testable(c.trials, step.tau, plan.epsilon, share)
        ]
        for route, per_step in found.items()
    }
    levels = hand_over(tested, plan.level)
    return Audit(
        plan,
        tuple(
            _prove(route, paths[route], found[route], plan, share, levels[route]) for route in sorted(paths)
        ),
    )


def hand_over(p_values: Mapping[str, Sequence[float]], level: float) -> dict[str, float]:
    """The level each route's path is tested at, in the end, by route.

    While m routes are unfinished each holds level/m; those whose whole path is rejected there finish
    together and keep the level they finished at. A route without a testable step never finishes.
    """
    levels: dict[str, float] = {}
    unfinished = set(p_values)
    while unfinished:
        now = level / len(unfinished)
        done = {r for r in unfinished if p_values[r] and max(p_values[r]) <= now}
        levels.update(dict.fromkeys(done or unfinished, now))
        if not done:
            break
        unfinished -= done
    return levels


def _prove(
    route: str, path: Sequence[Step], counts: Sequence[Counts], plan: Plan, share: float, level: float
) -> RouteProof:
    steps: list[Tested] = []
    stopped = False
    by_hand = True  # the claim about human grades is a fixed sequence of its own
    for step, found in zip(path, counts, strict=True):
        p = exact.p_value(found.trials, found.regrets, plan.epsilon)
        can = testable(found.trials, step.tau, plan.epsilon, share)
        reached = can and not stopped
        claim = claim_of(found, plan.epsilon, share, level)
        by_hand = by_hand and (claim == "human-graded" or not reached)
        if claim == "human-graded" and not by_hand:
            claim = "judge-corrected"
        verdict: Verdict
        if reached and p <= level:
            verdict = "withdrawn" if claim == "judge-contradicted" else "rejected"
        else:
            stopped = stopped or reached
            verdict = _unproven(found, plan.epsilon, level)
        steps.append(
            Tested(step, found, p, level if reached else None, can, verdict, level, plan.epsilon, claim)
        )
    status, chosen = _choose(steps)
    return RouteProof(route, share, level, status, tuple(steps), chosen)


def _unproven(counts: Counts, epsilon: float, level: float) -> Verdict:
    if counts.trials == 0:
        return "untested"
    if counts.regrets < epsilon * counts.trials:
        return "provisional"
    above = exact.p_value_above(counts.trials, counts.regrets, epsilon)
    return "refuted" if above <= level else "unsupported"


def _choose(steps: Sequence[Tested]) -> tuple[Status, int | None]:
    """The cheapest proven step; else the unproven one nearest to proof; else none."""
    proven = [i for i, t in enumerate(steps) if t.verdict == "rejected"]
    if proven:
        return "certified", proven[-1]
    hopeful = [i for i, t in enumerate(steps) if t.verdict == "provisional"]
    if hopeful:
        return "provisional", min(hopeful, key=lambda i: (_still_needed(steps[: i + 1]), -i))
    return "keep-incumbent", None


def _still_needed(steps: Sequence[Tested]) -> int:
    """Of the last step, and of the tested ones before it: what is left out of a path is in no one's way."""
    counted = [t for t in steps[:-1] if t.testable] + [steps[-1]]
    return max(t.evidence.trials_needed for t in counted)
