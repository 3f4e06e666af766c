"""What the log cost, what the table would cost, and every term between the two."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from router_audit.types.profile import Context, Profile
    from router_audit.types.table import Status

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate known from counts, with a Beta posterior: Jeffreys' prior Beta(1/2, 1/2) where there are trials."""

    hits: int = 0
    trials: int = 0
    prior: tuple[float, float] = (0.5, 0.5)

    @property
    def beta(self) -> tuple[float, float]:
        """The two parameters of the posterior."""
        return self.hits + self.prior[0], self.trials - self.hits + self.prior[1]

    @property
    def mean(self) -> Decimal:
        """The posterior mean."""
        a, b = self.beta
        return Decimal(str(a)) / (Decimal(str(a)) + Decimal(str(b)))


NEVER = Rate(prior=(0.0, 1.0))
"""A rate that is zero by construction: no check, hence no escalation."""

ASSUMED_ESCALATION = Rate(prior=(1.0, 9.0))
"""Without any trial: one request in ten goes up, and very uncertainly so."""


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """A route as money sees it."""

    profile: Profile
    context: Context
    model: str | None
    """`provider/model`; None keeps the incumbent."""
    escalate_to: str | None = None
    status: Status = "keep-incumbent"
    escalation: Rate = ASSUMED_ESCALATION
    """The share of its requests that go one rung up, both answers paid."""
    regret: Rate = field(default_factory=Rate)
    """The share of its kept requests that the candidate fails and the incumbent would not have."""
    checked: bool = True
    """Whether answers report a confidence that costs tokens."""
    held_back: str = ""
    """Why the route is not on the economy tier: `no evidence`, `refuted`, `limits`, `region`, `latency`."""

    @property
    def key(self) -> str:
        """`profile/context`, the name of the route in every frame."""
        return f"{self.profile}/{self.context}"


@dataclass(frozen=True, slots=True)
class Overheads:
    """What routing itself costs."""

    classifier_usd: Decimal = Decimal("0.000001")
    """Per request. The default is a local encoder: two cores at 0.05 USD an hour each, 30 requests a second."""
    confidence_tokens: int = 15
    """Output tokens in which a routed model states its confidence, per checked request."""
    canary_share: Decimal = Decimal("0.01")
    """Of the requests that were moved: the premium tier answers too."""
    premium: str | None = None
    """`provider/model` of the tier that serves the canary; None where there is no canary."""
    redone_share: Decimal = ZERO
    """Of regrets: asked again of the incumbent. Zero counts a regret as quality, not as money."""


@dataclass(frozen=True, slots=True)
class Bill:
    """The terms of a saving in USD over the log's window. Costs are positive."""

    incumbent: Decimal = ZERO
    """What was paid: each request at the model that served it."""
    routed: Decimal = ZERO
    """Each request at the model the table sends it to, its cache as warm as in the log."""
    classifier: Decimal = ZERO
    confidence: Decimal = ZERO
    escalation: Decimal = ZERO
    """Second answers; the first are in `routed`."""
    canary: Decimal = ZERO
    """The premium tier's answers; the routed ones are in `routed`."""
    cache_lost: Decimal = ZERO
    """What a cold cache costs at a session's first request on a model."""
    redone: Decimal = ZERO
    """Regrets asked again of the incumbent, where that is counted."""

    @property
    def saving(self) -> Decimal:
        """The incumbents' bill less everything else."""
        return self.incumbent - sum((getattr(self, name) for name in COST_TERMS), ZERO)

    def __add__(self, other: Bill) -> Bill:
        """Term by term."""
        return Bill(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def times(self, factor: Decimal) -> Bill:
        """Every term times `factor`."""
        return Bill(**{f.name: getattr(self, f.name) * factor for f in fields(self)})


COST_TERMS = ("routed", "classifier", "confidence", "escalation", "canary", "cache_lost", "redone")
"""The terms that are taken from the incumbents' bill, in the order of the waterfall."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What the saving may turn out to be, in USD per month."""

    p5: float
    p50: float
    p95: float
    probability_positive: float
    """The share of resamples in which the saving is above zero."""


@dataclass(frozen=True, slots=True)
class RouteSaving:
    """One route's saving."""

    route: str
    """`profile/context`; `unrouted` for requests whose profile is not known."""
    model: str | None
    status: str
    requests: int
    moved: int
    """Of them, served by another model than in the log."""
    bill: Bill
    """Over the window."""
    per_month: Bill
    interval: Interval
    regrets_per_month: tuple[float, float, float] | None
    """Percentiles 5, 50, 95 of the requests a month that fail and would not have; None without a trial."""


@dataclass(frozen=True, slots=True)
class Saving:
    """The saving, whole and by route. The total is the sum of the routes, term by term."""

    routes: tuple[RouteSaving, ...]
    bill: Bill
    per_month: Bill
    interval: Interval
    months: Decimal
    """The window in months of 30.4375 days."""
    certified_share: float
    """Of the saving, the part on certified routes; 0 where nothing is saved."""
    unpriced: int
    """Requests in no total."""
    resampled: str
    """What was redrawn: sessions, days, hours or minutes, and how many."""
    note: str = ""

    @property
    def waterfall(self) -> tuple[tuple[str, Decimal], ...]:
        """(term, USD per month), from the incumbents' bill down to what is left to save."""
        steps = tuple((name, -getattr(self.per_month, name)) for name in COST_TERMS)
        return (("incumbent", self.per_month.incumbent), *steps, ("saving", self.per_month.saving))


@dataclass(frozen=True, slots=True)
class Gap:
    """Where our cost and another's differ."""

    model: str
    day: date | None
    requests: int
    ours: Decimal
    theirs: Decimal
    reason: str = ""

    @property
    def gap(self) -> Decimal:
        """Theirs less ours, USD."""
        return self.theirs - self.ours


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Our cost of the incumbents against what the log or an invoice states."""

    against: str
    """`log` or `invoice`."""
    ours: Decimal
    theirs: Decimal
    tolerance: Decimal
    """Largest relative gap at which a headline may be printed."""
    compared: int
    """Requests that both sides price."""
    unpriced: int
    """Requests that we cannot price; their tokens are in `unpriced_tokens`."""
    unpriced_tokens: int
    by_model: tuple[Gap, ...]
    """Largest absolute gap first."""
    by_day: tuple[Gap, ...]
    explanations: tuple[str, ...]
    """The largest parts of the gap, in words."""

    @property
    def relative(self) -> Decimal | None:
        """(theirs - ours) / theirs; None where they state nothing."""
        return (self.theirs - self.ours) / self.theirs if self.theirs else None

    @property
    def holds(self) -> bool:
        """Whether the two agree within the tolerance. Nothing stated is nothing contradicted."""
        return self.relative is None or abs(self.relative) <= self.tolerance


@dataclass(frozen=True, slots=True)
class Control:
    """Another way to serve the same log, beside the table."""

    name: str
    """`table`, `incumbent`, `best-single`, `all-cheapest` or `random-split`."""
    model: str | None
    cost_per_month: Decimal
    cost_per_request: Decimal
    saving_per_month: Decimal
    economy_share: float
    regret: float | None
    """Posterior mean of the share of requests that fail and would not have; None where no trial says."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    latency_known: float = 0.0
    """The share of requests whose latency could be told."""


@dataclass(frozen=True, slots=True)
class Economics:
    """What a profile's spend is made of, and what would make it smaller beside routing."""

    profile: str
    requests: int
    cost: Decimal
    """USD over the window; the shares below are of it."""
    prompt_share: float
    completion_share: float
    reasoning_share: float
    cache_share: float
    """Reads and writes together."""
    other_share: float
    """Long-context surcharge, service tier and fees."""
    shorter_system_prompt: Decimal | None
    """USD saved over the window by system prompts of half the length; None where their length is not known."""
    caching: Decimal
    """USD saved at most, were every prefix repeated within a session and five minutes read from a cache."""
    batching: Decimal
    """USD saved at most, were every request that stands alone sent by the provider's batch tier."""


@dataclass(frozen=True, slots=True)
class EconomyShare:
    """The 80% rule: how much of the traffic the economy tier serves, and what holds the rest back."""

    before: float
    after: float
    held_back: tuple[tuple[str, float], ...]
    """(reason, share of all requests), largest first; with `after` it adds up to one."""


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Requests in no total, by model and reason."""

    model: str
    """As the log names it; empty where it names none."""
    reason: str
    requests: int
    input_tokens: int
    output_tokens: int
