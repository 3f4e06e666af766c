"""The four kinds of work a request can ask for, and the verdicts on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Profile = Literal["classification", "extraction", "reasoning", "coordination"]
"""The kind of work a request asks for."""

PROFILES: tuple[Profile, ...] = ("classification", "extraction", "reasoning", "coordination")

Context = Literal["standard", "huge"]
"""The context band of a route: `huge` from the input token count alone."""

HUGE_CONTEXT_TOKENS = 200_000
"""Default threshold: a request over this many input tokens is of huge context."""


@dataclass(frozen=True, slots=True)
class Label:
    """A labeller's verdict on one request: training data."""

    request_id: str
    profile: Profile | None
    """None when the labeller abstained."""
    probability: float
    labeller: str
    """Which member of the family spoke: `builtin`, `anthropic`, `human`, ..."""
    model: str
    """The model or head version behind the labeller."""
    prompt_version: str = ""
    reason: str = ""
    """Why it abstained; empty when it did not."""
    cost_usd: float = 0.0
    stratum: Literal["core", "informative"] = "core"
    """`core` is the stratified random sample that alone estimates accuracy and prevalence."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The classifier's verdict with a calibrated probability: never training data."""

    request_id: str
    profile: Profile | None
    """None when the classifier abstained."""
    probability: float
    classifier: str
    reason: str = ""
