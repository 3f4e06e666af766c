"""From a table and the facts about one request to a decision: which model, and what happens if it fails.

Everything here is pure: the same table, facts and key give the same decision on any machine.
"""

from router_audit.routing.assignment import CANARY_SHARE, canary_draw, in_canary
from router_audit.routing.decision import WINDOW_MARGIN, Facts, decide
from router_audit.routing.fallback import escalate, fall_back, weakness
from router_audit.routing.rules import EFFORTS, Price, Rules, effort_of, provider_of, rules_of

__all__ = [
    "CANARY_SHARE",
    "EFFORTS",
    "WINDOW_MARGIN",
    "Facts",
    "Price",
    "Rules",
    "canary_draw",
    "decide",
    "effort_of",
    "escalate",
    "fall_back",
    "in_canary",
    "provider_of",
    "rules_of",
    "weakness",
]
