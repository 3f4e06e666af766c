"""How routes and models did over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from decimal import Decimal

By = Literal["day", "week", "month"]

ALL = "all"
"""The name of the row that sums over routes, or over models."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95% interval."""

    value: float
    low: float
    high: float
    n: int
    """What it was computed from: tasks."""


@dataclass(frozen=True, slots=True)
class TrackRow:
    """One route and model in one period. A task is a session, else a request; it belongs to its first call."""

    period: str
    """ISO date on which it begins; `undated` where the log tells no time."""
    route: str
    """`profile/context`, `untagged`, or `all`."""
    model: str
    """The model that answered first (an escalated request is its route's), or `all`."""
    requests: int
    """Without shadows and without first answers that were escalated."""
    tasks: int
    cost_usd: Decimal
    """Of all calls, first answers included; without shadows."""
    canary_usd: Decimal
    """Of the shadows."""
    unpriced: int
    cost_per_task_usd: Estimate | None
    """Over tasks whose calls all have a price."""
    resolution: Estimate | None
    """Share of the tasks with a stated outcome that were resolved; None where none states one."""
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    escalation_rate: float
    economy_share: float
    """Of the requests, answered in the end by a model of the economy tier."""
    canary_requests: int


@dataclass(frozen=True, slots=True)
class OriginMix:
    """What the resolution rate of a period rests on."""

    period: str
    shares: dict[str, float]
    """Origin of the outcome to its share of the tasks; `none` where no outcome is stated."""
    changed: str
    """In words, where the mix differs from the period before by more than chance; else empty."""


@dataclass(frozen=True, slots=True)
class Track:
    """Everything that is tracked."""

    by: By
    rows: tuple[TrackRow, ...]
    """By period, then route and model; each period's `all` first."""
    origins: tuple[OriginMix, ...]
