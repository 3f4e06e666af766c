"""The routing table: which model serves which profile, and on what grounds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from router_audit.types.evidence import Evidence
    from router_audit.types.profile import Context, Profile

Status = Literal["certified", "provisional", "keep-incumbent"]


@dataclass(frozen=True, slots=True)
class LadderModel:
    """A model on a rung of the ladder."""

    provider: str
    model: str
    tier: str

    @property
    def ref(self) -> str:
        """`provider/model`."""
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class Ladder:
    """The tiers from cheapest to dearest, and the models on each."""

    name: str
    tiers: tuple[str, ...]
    models: tuple[LadderModel, ...]
    """In order of tier; several models may stand on one tier (their order is the preference)."""
    long_context: LadderModel | None = None
    """The economy model for huge context, where the ladder has one."""
    assumed: dict[str, str] = field(default_factory=dict)
    """Profile (or `huge`) to tier, used only under `--assume-capable`."""
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the table: (profile, context) to a model, with one escalation target."""

    profile: Profile
    context: Context
    model: str | None
    """`provider/model`; None keeps whatever model the caller asked for."""
    tier: str | None
    incumbent: str | None
    """The most used model of this profile in the log."""
    status: Status
    applied: bool
    """Whether requests are moved to `model`; where not, they stay with the model their caller asked for."""
    assumed: bool
    """True when the model was put here by `--assume-capable`, not by evidence."""
    reason: str
    escalate_to: str | None
    """Exactly one rung up, or nothing."""
    threshold: float
    """Confidence below which a request goes to `escalate_to`."""
    evidence: Evidence | None
    requests: int
    """Requests of the log that this route would serve."""
    candidate: str | None = None
    """The model that the evidence points to, whether it is used or not."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the table says about one request."""

    profile: Profile | None
    probability: float
    huge_context: bool
    model: str | None
    provider: str | None
    tier: str | None
    escalate_to: str | None
    threshold: float
    canary: bool
    propensity: float
    table_version: str
    reason: str = ""
    context: Context | None = None
    """The row's context band; None where no profile could be told."""
    status: Status | None = None
    """Of the row that decided."""
    asked: str | None = None
    """`provider/model` the request would have had without the table: its caller's, else the row's incumbent."""
    moved: bool = False
    """Whether `model` is another, cheaper one than `asked`."""
    served_by: str | None = None
    """Who answers the caller: `model`, or the top of the ladder where this request is in the canary."""
    effort: str | None = None
    """Reasoning effort that is part of the model's identity."""
    sideways: tuple[str, ...] = ()
    """Other models of the same tier, no dearer than `asked`, for when `model` cannot be reached."""
    fallen_from: tuple[str, ...] = ()
    """Models of this tier that could not be reached: a sideways fallback is not an escalation."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """The one rung up that a low-confidence answer leads to. It names no further rung, and cannot."""

    model: str
    """`provider/model`."""
    provider: str
    tier: str | None
    escalated_from: str
    signal: str
    """What was wrong with the first answer."""
    table_version: str
    effort: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerSignal:
    """What is known about an answer once it is there; None and False where nothing is."""

    schema_failed: bool = False
    """A schema was asked for and the answer does not parse or does not fit."""
    refused: bool = False
    empty: bool = False
    truncated: bool = False
    mean_logprob: float | None = None
    """Mean natural log-probability of the answer's tokens."""
    stated_confidence: float | None = None
    """What the model itself says, in [0, 1]."""
    provider_error: str | None = None
    """No answer at all: the provider's error."""

    @property
    def confidence(self) -> float | None:
        """The lower of what was stated and exp(mean log-probability); None where neither is known."""
        told = [] if self.stated_confidence is None else [self.stated_confidence]
        if self.mean_logprob is not None:
            told.append(math.exp(min(self.mean_logprob, 0.0)))
        return min(told, default=None)


RoutingTable = dict[str, Any]
"""The table document as it is written: JSON-ready, see `data/routing_table.schema.json`."""
