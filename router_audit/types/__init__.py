"""The nouns of router-audit."""

from router_audit.types.evidence import Evidence, Trial
from router_audit.types.profile import HUGE_CONTEXT_TOKENS, PROFILES, Context, Label, Prediction, Profile
from router_audit.types.request import Filtered, LoggedRequest, Merged, Message, Outcome, Part, Rejected, Role
from router_audit.types.table import Decision, Ladder, LadderModel, Route, RoutingTable, Status

__all__ = [
    "HUGE_CONTEXT_TOKENS",
    "PROFILES",
    "Context",
    "Decision",
    "Evidence",
    "Filtered",
    "Label",
    "Ladder",
    "LadderModel",
    "LoggedRequest",
    "Merged",
    "Message",
    "Outcome",
    "Part",
    "Prediction",
    "Profile",
    "Rejected",
    "Role",
    "Route",
    "RoutingTable",
    "Status",
    "Trial",
]
