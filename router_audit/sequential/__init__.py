"""The canary's statistics: tests that may be read every day, and what they can see at this traffic.

    state = e_process(daily_pairs, margin=0.02)         # oldest day first; from counts alone
    state.e_value, state.alarm(0.05)
    e_bh({route: state.e_value for route, state in states.items()}, 0.05)
    differ = discordant_share(total_pairs)
    minimum_detectable_effect(total_pairs.total, differ, margin=0.02)
    days_needed(pairs_needed(0.05, differ, margin=0.02), pairs_per_day)
    canary_plan(0.05, 30, requests_per_day, differ, margin=0.02)
    judge_drift(reference_grades, grades_now, check=3)

Shares and harms are in [-1, 1], never in percent. All pure: no file, clock, network or random state.
"""

from router_audit.sequential.anchors import JudgeDrift, judge_drift
from router_audit.sequential.eprocess import EProcess, Pairs, e_bh, e_process
from router_audit.sequential.planning import (
    CanaryPlan,
    canary_plan,
    days_needed,
    discordant_share,
    minimum_detectable_effect,
    pairs_needed,
)

__all__ = [
    "CanaryPlan",
    "EProcess",
    "JudgeDrift",
    "Pairs",
    "canary_plan",
    "days_needed",
    "discordant_share",
    "e_bh",
    "e_process",
    "judge_drift",
    "minimum_detectable_effect",
    "pairs_needed",
]
