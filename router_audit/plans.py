"""From routes and their trials to what money and capacity have to know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from router_audit.types.money import ASSUMED_ESCALATION, NEVER, Rate, RoutePlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from router_audit.types import Context, Ladder, Profile, Route, Trial

    Trials = Mapping[tuple[Profile, Context], Sequence[Trial]]


def plans_of(routes: Sequence[Route], trials: Trials, ladder: Ladder) -> tuple[RoutePlan, ...]:
    """The routes with the rates that their trials show."""
    found = []
    for route in routes:
        tried = [t for t in trials.get((route.profile, route.context), ()) if t.candidate == route.model]
        stay = [t for t in tried if route.threshold <= 0 or (t.confidence or 0.0) >= route.threshold]
        escalation = Rate(len(tried) - len(stay), len(tried)) if tried else ASSUMED_ESCALATION
        economy = route.applied and route.tier == ladder.tiers[0]
        found.append(
            RoutePlan(
                profile=route.profile,
                context=route.context,
                model=route.model if route.applied else None,
                escalate_to=route.escalate_to,
                status=route.status,
                escalation=escalation if route.escalate_to else NEVER,
                regret=Rate(sum(t.regret for t in stay), len(stay)),
                checked=route.threshold > 0,
                held_back="" if economy else _held_back(route),
            )
        )
    return tuple(found)


_BARRED = {
    "region": "region",
    "latency": "latency",
    "limits": "limits",
    "canary": "canary alarm",
    "controls": "saves nothing",
}
"""What a withdrawn route's reason begins with, and how that is said of its share of the traffic."""


def _held_back(route: Route) -> str:
    for word, said in _BARRED.items():
        if route.reason.startswith(f"{word}:"):
            return said
    if route.applied:
        return f"proven only on {route.tier}" if not route.assumed else f"assumed on {route.tier}"
    if route.evidence is not None and route.evidence.trials:
        return (
            "refuted"
            if route.evidence.regrets > route.evidence.epsilon * route.evidence.trials
            else "unproven"
        )
    return "no evidence"


def regrets(trials: Trials) -> dict[tuple[str, str], Rate]:
    """(route, candidate) to the regret its trials show when every answer stays."""
    found: dict[tuple[str, str], Rate] = {}
    for (profile, context), tried in trials.items():
        for name in sorted({trial.candidate for trial in tried}):
            own = [trial for trial in tried if trial.candidate == name]
            found[f"{profile}/{context}", name] = Rate(sum(t.regret for t in own), len(own))
    return found


def latencies(
    trials: Trials,
) -> dict[str, NDArray[np.float64]]:
    """Candidate to the latencies in milliseconds that its trials took."""
    found: dict[str, list[float]] = {}
    for trial in (trial for tried in trials.values() for trial in tried):
        if trial.candidate_latency_ms is not None:
            found.setdefault(trial.candidate, []).append(trial.candidate_latency_ms)
    return {name: np.array(values) for name, values in found.items()}
