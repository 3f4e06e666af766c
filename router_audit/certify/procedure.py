"""The test itself: fixed sequences along the paths, one family-wise error over all routes.

    audit = certify({"classification": path}, {"classification": counts}, Plan())

Each of K routes starts with delta/K. Along its path every step is tested at the route's whole level
until one is not rejected (fixed sequence; Learn then Test, Angelopoulos et al. 2021, arXiv:2110.01052).
A route whose whole tested path is rejected hands its level to the others in equal parts (the graphical
procedure of Bretz, Maurer, Brannath and Posch 2009, Statistics in Medicine 28:586-604). With equal
shares and equal hand-over, that procedure is: the m unfinished routes hold delta/m each. The chance that
any route is certified whose regret is in truth epsilon or more is at most delta, however the routes,
candidates and thresholds depend on one another.

Looking again at a sample that has grown is within the same delta, however often and for whatever reason:
see `looks`. For that a step keeps the place on its path that it took when it could first be tested, and
steps that become testable later stand behind it: the first true null of a path never changes. What was
looked at before is given (`first`); the caller keeps it from one look to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from router_audit.certify import looks
from router_audit.certify.correction import Claim, claim_of
from router_audit.certify.looks import FIRST, FirstLook
from router_audit.certify.path import Step, order_key, testable
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
    first: Mapping[str, Mapping[tuple[str, float], FirstLook]] | None = None,
    shown: Mapping[str, Mapping[tuple[str, float], Counts]] | None = None,
) -> Audit:
    """Test every route along its path; see the module's docstring for what is controlled.

    `paths` names the K routes (each shares delta, so name only those for which trials were planned);
    `counts` holds, per route, the counts of every step by (candidate, tau), as `tally` returns them;
    a step without its counts is a KeyError. `first` holds, in the same way, the steps that a look of this
    audit, this one or an earlier, found testable; what else is testable now is first looked at now, at its
    counts, or at those of a sample that was ended before and `shown`. The order of any mapping changes
    nothing. Raises ValueError where a step was first looked at after this look.
    """
    if not paths:
        return Audit(plan, ())
    share = plan.level / len(paths)
    placed = {
        route: _placed(
            path, counts[route], (first or {}).get(route, {}), (shown or {}).get(route, {}), plan, share
        )
        for route, path in paths.items()
    }
    tested = {
        route: [_p_value(counts[route][step.key], seen, plan) for step, seen in steps if seen is not None]
        for route, steps in placed.items()
    }
    levels = hand_over(tested, plan.level)
    return Audit(
        plan,
        tuple(
            _prove(route, placed[route], counts[route], plan, share, levels[route]) for route in sorted(paths)
        ),
    )


_Placed = tuple[Step, FirstLook | None]


def _placed(
    path: Sequence[Step],
    counts: Mapping[tuple[str, float], Counts],
    first: Mapping[tuple[str, float], FirstLook],
    shown: Mapping[tuple[str, float], Counts],
    plan: Plan,
    share: float,
) -> list[_Placed]:
    """The steps in order of testing, each with its first look; those that are not testable last."""
    steps: list[_Placed] = []
    for step in path:
        seen, found = first.get(step.key), counts[step.key]
        if seen is not None and not 1 <= seen.look <= plan.look:
            raise ValueError(f"look {seen.look} is not among the looks 1 to {plan.look}")
        if seen is None and testable(found.trials, step.tau, plan.epsilon, share):
            then = shown.get(step.key, found)
            seen = FirstLook(plan.look, step.expected_cost_usd, then.trials, then.regrets)
        steps.append((step, seen))
    return sorted(steps, key=place)


def place(placed: _Placed) -> tuple[float, float, float, str]:
    """The place of a step on its path: by the look that found it testable, then as `order_key` by its cost then."""
    step, seen = placed
    if seen is None:
        return (float("inf"), *order_key(step))
    return (seen.look, *order_key(replace(step, expected_cost_usd=seen.expected_cost_usd)))


def _p_value(counts: Counts, seen: FirstLook | None, plan: Plan) -> float:
    return looks.p_value(counts.trials, counts.regrets, plan.epsilon, seen)


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
    route: str,
    placed: Sequence[_Placed],
    counts: Mapping[tuple[str, float], Counts],
    plan: Plan,
    share: float,
    level: float,
) -> RouteProof:
    steps: list[Tested] = []
    stopped = False
    by_hand = True  # the claim about human grades is a fixed sequence of its own
    for step, seen in placed:
        found = counts[step.key]
        p = _p_value(found, seen, plan)
        reached = seen is not None and not stopped
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
            Tested(step, found, p, level if reached else None, seen, verdict, level, plan.epsilon, claim)
        )
    status, chosen = _choose(steps)
    return RouteProof(route, share, level, status, tuple(steps), chosen)


def _unproven(counts: Counts, epsilon: float, level: float) -> Verdict:
    if counts.trials == 0:
        return "untested"
    if counts.regrets < epsilon * counts.trials:
        return "provisional"
    above = looks.anytime_p_value_above(counts.trials, counts.regrets, epsilon)
    return "refuted" if above <= level else "unsupported"


def _choose(steps: Sequence[Tested]) -> tuple[Status, int | None]:
    """The cheapest proven step; else the unproven one nearest to proof; else none."""
    proven = [i for i, t in enumerate(steps) if t.verdict == "rejected"]
    if proven:
        return "certified", min(proven, key=lambda i: (steps[i].step.expected_cost_usd, -i))
    hopeful = [i for i, t in enumerate(steps) if t.verdict == "provisional"]
    if hopeful:
        return "provisional", min(hopeful, key=lambda i: (_still_needed(steps[: i + 1]), -i))
    return "keep-incumbent", None


def _still_needed(steps: Sequence[Tested]) -> int:
    """Of the last step, and of the tested ones before it: what is left out of a path is in no one's way."""
    counted = [t for t in steps[:-1] if t.testable] + [steps[-1]]
    return max(t.evidence.trials_needed for t in counted)
