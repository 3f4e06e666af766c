"""What the canary says of each route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date

CanaryVerdict = Literal["alarm", "no alarm", "frozen", "no pairs"]
"""`frozen`: the judge that graded its pairs has moved, so no verdict is drawn from them."""


@dataclass(frozen=True, slots=True)
class CanaryRoute:
    """One route and model."""

    route: str
    """`profile/context`."""
    profile: str
    context: str
    model: str
    in_force: bool
    """Whether the newest table moves the route's requests to this model."""
    pairs: int
    discordant: int
    harms: int
    """The routed model failed, the premium one did not."""
    gains: int
    e_value: float
    alarm: bool
    """An alarm stands: raised now or before, and not lifted."""
    alarm_day: date | None
    verdict: CanaryVerdict
    minimum_detectable_effect: float | None
    effect: float
    """The harm that `pairs_needed` and `days_needed` are about."""
    pairs_needed: int | None
    days_needed: int | None
    pairs_per_day: float
    graders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JudgeState:
    """One judge's anchor set."""

    judge: str
    checks: int
    items: int
    harsher: int
    milder: int
    p_value: float
    drifted: bool


@dataclass(frozen=True, slots=True)
class CanaryCheck:
    """One check."""

    alarm: bool
    """Some route that is in force stands under an alarm."""
    routes: tuple[CanaryRoute, ...]
    frozen: bool
    judges: tuple[JudgeState, ...]
    graded: int
    """Pairs that this check graded."""
    ungraded: dict[str, int]
    """Pairs that no grader could grade, by the reason."""
    unplaced: int
    """Graded pairs whose profile nobody knows: in no test."""
    margin: float
    alpha: float
    family: int
    """Rows the alarms are corrected for."""
    table: str | None
    """The newest version."""
    go_back_to: str | None
    """The newest version under which no alarmed route is served by its alarmed model."""
    reverted_to: str | None = None
    """The version that this check wrote."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """What share of a route's traffic its canary needs."""

    route: str
    model: str
    requests_per_day: float
    share_now: float | None
    """Of its requests in the log that were in the canary; None where none were routed."""
    discordant: float
    """Share of pairs that differ: as seen, or assumed where there are none."""
    share: float | None
    """Needed; None where no share would do."""
    pairs: int | None
    days: float | None
    """At that share."""
    reachable: bool


@dataclass(frozen=True, slots=True)
class CanaryPlanned:
    """The plan of all routes."""

    effect: float
    within_days: float
    margin: float
    alpha: float
    routes: tuple[PlanRow, ...]
