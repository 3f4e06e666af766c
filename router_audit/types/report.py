"""What one report says: every figure, counted and added up before the first tag is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal

    from router_audit.types.table import RoutingTable
    from router_audit.types.track import Track


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the traffic: how many requests, what they cost, and their share of each."""

    name: str
    requests: int
    cost_usd: Decimal
    requests_share: float
    cost_share: float


@dataclass(frozen=True, slots=True)
class PeriodSpend:
    """What one model cost in one day, week or month."""

    start: str
    """ISO date on which the period begins."""
    model: str
    requests: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class Crossing:
    """A model doing a profile's work."""

    model: str
    profile: str
    requests: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class TokenKind:
    """One kind of token of one profile: how many, and what they cost at standard rates."""

    profile: str
    kind: str
    """`input`, `cache read`, `cache write`, `output`, `reasoning`, `surcharges`."""
    tokens: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class Example:
    """A request as a reader may see it: shortened, with what points at a person or opens a door masked."""

    route: str
    """`profile/context`."""
    where: str
    """File name and line in the log."""
    text: str
    """Empty where examples are withheld."""
    like_it: int
    """Requests of the same template in this route."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something the audit could not tell, counted, with what would settle it."""

    what: str
    count: int
    of: str
    """What is counted: `records`, `requests`, `routes`."""
    example: str = ""
    """Where it first happened, or why."""
    settle: str = ""
    """The command that would settle it; empty where only the log's owner can."""
    price_usd: Decimal | None = None
    """About what that command costs; None where that cannot be told."""


@dataclass(frozen=True, slots=True)
class CanaryDay:
    """The evidence of harm on one route at the end of a day."""

    day: str
    pairs: int
    """So far."""
    e_value: float


@dataclass(frozen=True, slots=True)
class CanaryLine:
    """One route's canary: the days it was watched."""

    route: str
    model: str
    """`provider/model`, the routed one."""
    margin: float
    """Harm up to this share is tolerated."""
    alarm_at: float
    """The e-value at which one route alone raises the alarm: routes tested over the tolerated chance of a false one."""
    raised: str | None
    """The day on which it was raised."""
    days: tuple[CanaryDay, ...]


@dataclass(frozen=True, slots=True)
class TrafficPoint:
    """One content on the map of the traffic; both coordinates in [0, 1]."""

    x: float
    y: float
    profile: str


@dataclass(frozen=True, slots=True)
class Landmark:
    """A much used template, at the middle of its points."""

    x: float
    y: float
    name: str
    requests: int


@dataclass(frozen=True, slots=True)
class TrafficMap:
    """The traffic's contents laid out by likeness."""

    points: tuple[TrafficPoint, ...]
    landmarks: tuple[Landmark, ...]
    contents: int
    """Of which `points` are a sample."""
    explained: float
    """The share of all variance that the two axes keep."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one report says."""

    table: RoutingTable
    verdict: str
    """One sentence: what to do, which may be nothing."""
    requests: int
    first_at: str | None
    last_at: str | None
    spend_usd: Decimal
    """Of the priced requests, at the table's prices date."""
    spend_per_month_usd: Decimal
    by_model: tuple[Share, ...]
    by_profile: tuple[Share, ...]
    by_source: tuple[Share, ...]
    unknowns: tuple[Unknown, ...]
    over_time: tuple[PeriodSpend, ...] = ()
    period: str = "day"
    """`day`, `week` or `month`: what `over_time` counts by."""
    crossings: tuple[Crossing, ...] = ()
    token_kinds: tuple[TokenKind, ...] = ()
    examples: tuple[Example, ...] = ()
    canary: tuple[CanaryLine, ...] = ()
    traffic_map: TrafficMap | None = None
    track: Track | None = None
    """How routes and models did over time, in every call of the store."""
    logged_cost_usd: Decimal | None = None
    """What the log itself says the requests cost, where it says so."""
    already_routed: int = 0
    """Requests that a table had moved when they were served: they count at the model their caller asked for."""
    extra: dict[str, Any] = field(default_factory=dict)
