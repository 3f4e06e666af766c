"""From priced traffic, a table and what the store holds to a typed summary: pure, and the only arithmetic of a report."""

from router_audit.summary.canary import canary_lines
from router_audit.summary.examples import example_of, masked_text, typical_requests
from router_audit.summary.traffic import already_routed, crossings, over_time, shares, token_kinds
from router_audit.summary.traffic_map import lay_out
from router_audit.summary.unknowns import unknowns
from router_audit.summary.words import verdict

__all__ = [
    "already_routed",
    "canary_lines",
    "crossings",
    "example_of",
    "lay_out",
    "masked_text",
    "over_time",
    "shares",
    "token_kinds",
    "typical_requests",
    "unknowns",
    "verdict",
]
