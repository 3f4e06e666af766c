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

from dataclasses import replace
from typing import TYPE_CHECKING

from router_audit.certify import looks
from router_audit.certify.audit import Audit, RouteProof, Tested, still_needed
from router_audit.certify.correction import claim_of
from router_audit.certify.looks import FirstLook
from router_audit.certify.path import Step, order_key, testable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.certify.audit import Plan, Verdict
    from router_audit.certify.tally import Counts
    from router_audit.types import Status


def certify(
    paths: Mapping[str, Sequence[Step]],
    counts: Mapping[str, Mapping[tuple[str, float], Counts]],
    plan: Plan,
    first: Mapping[str, Mapping[tuple[str, float], FirstLook]] | None = None,
    shown: Mapping[str, Mapping[tuple[str, float], tuple[int, int]]] | None = None,
) -> Audit:
    """Test every route along its path; see the module's docstring for what is controlled.

    `paths` names the K routes (each shares delta, so name only those for which trials were planned);
    `counts` holds, per route, the counts of every step by (candidate, tau), as `tally` returns them;
    a step without its counts is a KeyError. `first` holds, in the same way, the steps that a look of this
    audit, this one or an earlier, found testable; what else is testable now takes its place now, and has its
    exact test at its counts, or at those (trials, regrets) that it was `shown` with before, at the end of a
    replay or in another audit. The order of any mapping changes nothing. Raises ValueError where a step was first looked at after this look.
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
    shown: Mapping[tuple[str, float], tuple[int, int]],
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
            then = shown.get(step.key, (found.trials, found.regrets))
            seen = FirstLook(plan.look, step.expected_cost_usd, *then)
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
        return "provisional", min(hopeful, key=lambda i: (still_needed(steps[: i + 1]), -i))
    return "keep-incumbent", None
