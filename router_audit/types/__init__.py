"""The nouns of router-audit."""

from router_audit.types.evidence import Evidence, Trial
from router_audit.types.price import Band, ModelPrice, PriceChange, Rates, Snapshot, Unresolved
from router_audit.types.profile import HUGE_CONTEXT_TOKENS, PROFILES, Context, Label, Prediction, Profile
from router_audit.types.request import Filtered, LoggedRequest, Merged, Message, Outcome, Part, Rejected, Role
from router_audit.types.table import (
    AnswerSignal,
    Decision,
    Escalation,
    Ladder,
    LadderModel,
    Route,
    RoutingTable,
    Status,
)

__all__ = [
    "HUGE_CONTEXT_TOKENS",
    "PROFILES",
    "AnswerSignal",
    "Band",
    "Context",
    "Decision",
    "Escalation",
    "Evidence",
    "Filtered",
    "Label",
    "Ladder",
    "LadderModel",
    "LoggedRequest",
    "Merged",
    "Message",
    "ModelPrice",
    "Outcome",
    "Part",
    "Prediction",
    "PriceChange",
    "Profile",
    "Rates",
    "Rejected",
    "Role",
    "Route",
    "RoutingTable",
    "Snapshot",
    "Status",
    "Trial",
    "Unresolved",
]
